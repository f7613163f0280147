// Writing: straight to bytes, without a copy of the whole.
extension JSONValue {
    /// The text as UTF-8, on one line and without spaces.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    package var compact: String { String(decoding: encoded, as: UTF8.self) }

    /// Over several lines, for people.
    package var pretty: String {
        var bytes: [UInt8] = []
        encode(into: &bytes, indentation: 0)
        bytes.append(UInt8(ascii: "\n"))
        return String(decoding: bytes, as: UTF8.self)
    }

    package func encode(into bytes: inout [UInt8]) { encode(into: &bytes, indentation: nil) }

    /// - Parameter indentation: of the line in which the value begins; nil when everything goes on one line.
    private func encode(into bytes: inout [UInt8], indentation: Int?) {
        switch self {
        case .null: bytes.append("null")
        case .bool(let value): bytes.append(value ? "true" : "false")
        case .integer(let value): bytes.append(decimal: value)
        case .double(let value): bytes.append(json: value)
        case .string(let text): bytes.append(json: text.utf8)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                Self.beginElement(index, into: &bytes, indentation)
                value.encode(into: &bytes, indentation: indentation.map { $0 + 2 })
            }
            if !values.isEmpty { Self.beginLine(into: &bytes, indentation) }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                Self.beginElement(index, into: &bytes, indentation)
                bytes.append(json: member.name.utf8)
                bytes.append(UInt8(ascii: ":"))
                if indentation != nil { bytes.append(UInt8(ascii: " ")) }
                member.value.encode(into: &bytes, indentation: indentation.map { $0 + 2 })
            }
            if !object.isEmpty { Self.beginLine(into: &bytes, indentation) }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func beginElement(_ index: Int, into bytes: inout [UInt8], _ indentation: Int?) {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        if let indentation { beginLine(into: &bytes, indentation + 2) }
    }

    private static func beginLine(into bytes: inout [UInt8], _ indentation: Int?) {
        guard let indentation else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes += repeatElement(UInt8(ascii: " "), count: indentation)
    }
}
