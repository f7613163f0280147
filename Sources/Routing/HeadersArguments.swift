import AMQPWire

/// What `x-match` asks for.
enum HeadersMatchMode: BitwiseCopyable {
    case all, any, allWithX, anyWithX

    var isAny: Bool { self == .any || self == .anyWithX }

    /// Names that start with `x-` are not compared in the plain modes, and `x-match` itself never is.
    func compares(_ name: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .all, .any: !(name.count >= 2 && name[0] == UInt8(ascii: "x") && name[1] == UInt8(ascii: "-"))
        case .allWithX, .anyWithX: !name.elementsEqual("x-match".utf8)
        }
    }

    init?(_ value: FieldValue) {
        switch value.text {
        case "all": self = .all
        case "any": self = .any
        case "all-with-x": self = .allWithX
        case "any-with-x": self = .anyWithX
        default: return nil
        }
    }
}

extension RoutingTable {
    /// Why RabbitMQ refuses these arguments of a binding whose source is a headers exchange (406 PRECONDITION_FAILED):
    /// the text behind `PRECONDITION_FAILED - `. nil when they are fine.
    package static func headersArgumentError(_ arguments: FieldTable) -> String? {
        guard let value = arguments["x-match"], HeadersMatchMode(value) == nil else { return nil }
        guard case .longString = value else {
            return "Invalid x-match field type \(value.typeName) (value \(value.erlangTerm)); expected longstr"
        }
        return "Invalid x-match field value \(value.erlangTerm); expected all, any, all-with-x, or any-with-x"
    }
}

extension FieldValue {
    /// The value as RabbitMQ's texts show a term (`~tp`): strings as binaries. Cut at a length that no reply text has.
    package var erlangTerm: String {
        var text = ErlangText()
        text.append(self)
        return text.text
    }
}

/// Values as RabbitMQ shows them in texts: Erlang terms, with strings as binaries. It stops growing at a length that no
/// reply text has.
private struct ErlangText {
    private static let lengthLimit = 512
    private(set) var text = ""

    mutating func append(_ value: FieldValue) {
        guard text.utf8.count < ErlangText.lengthLimit else { return }
        switch value {
        case .bool(let value): text += "\(value)"
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64: text += "\(value.integer ?? 0)"
        case .float(let value): text += "\(Double(value))"
        case .double(let value): text += "\(value)"
        case .decimal(let scale, let value): text += "{\(scale),\(value)}"
        case .longString(let bytes), .bytes(let bytes): append(binary: bytes)
        case .timestamp(let value): text += "\(value)"
        case .void: text += "undefined"
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() where text.utf8.count < ErlangText.lengthLimit {
                text += index == 0 ? "{\(value.typeName)," : ",{\(value.typeName),"
                append(value)
                text += "}"
            }
            text += "]"
        case .table(let table):
            text += "["
            for (index, entry) in table.entries.enumerated() where text.utf8.count < ErlangText.lengthLimit {
                text += index == 0 ? "{" : ",{"
                append(binary: entry.name.bytes)
                text += ",\(entry.value.typeName),"
                append(entry.value)
                text += "}"
            }
            text += "]"
        }
    }

    private mutating func append(binary bytes: [UInt8]) {
        let shown = bytes.prefix(ErlangText.lengthLimit)
        if shown.allSatisfy({ (0x20...0x7E).contains($0) }) {
            guard !shown.isEmpty else {
                text += "<<>>"
                return
            }
            text += "<<\""
            for byte in shown {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { text += "\\" }
                text.unicodeScalars.append(Unicode.Scalar(byte))
            }
            text += "\">>"
        } else {
            text += "<<" + shown.map { "\($0)" }.joined(separator: ",") + ">>"
        }
    }
}
