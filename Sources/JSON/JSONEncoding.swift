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
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += (value ? "true" : "false").utf8
        case .integer(let value): bytes += String(value).utf8
        // JSON has no word for what is no number.
        case .double(let value): bytes += (value.isFinite ? value.description : "null").utf8
        case .string(let text): Self.encode(text, into: &bytes)
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
                Self.encode(member.name, into: &bytes)
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

    private static func encode(_ text: String, into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { text in
            for (index, byte) in text.enumerated() {
                switch byte {
                case UInt8(ascii: "\""): bytes += #"\""#.utf8
                case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
                case 0x08: bytes += #"\b"#.utf8
                case 0x09: bytes += #"\t"#.utf8
                case 0x0A: bytes += #"\n"#.utf8
                case 0x0C: bytes += #"\f"#.utf8
                case 0x0D: bytes += #"\r"#.utf8
                case 0..<0x20, 0x7F: escape(byte, into: &bytes)
                // U+0080 to U+009F steer terminals. 0xC2 went out already.
                case 0x80...0x9F where text[index - 1] == 0xC2:
                    bytes.removeLast()
                    escape(byte, into: &bytes)
                // U+2028 and U+2029 end a line for some, and one value shall be one line.
                case 0xA8...0xA9 where text[index - 1] == 0x80 && text[index - 2] == 0xE2:
                    bytes.removeLast(2)
                    bytes += (byte == 0xA8 ? #"\u2028"# : #"\u2029"#).utf8
                default: bytes.append(byte)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func escape(_ byte: UInt8, into bytes: inout [UInt8]) {
        bytes += (byte < 16 ? #"\u000"# : #"\u00"#).utf8
        bytes += String(byte, radix: 16).utf8
    }
}
