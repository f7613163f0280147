import AMQPWire

// Tables in the form of Erlang's terms: so RabbitMQ's events tell of arguments and client properties.
extension FieldTable.Entry {
    /// `{<<"x-max-length">>,signedint,5}`
    var erlangTerm: String { "{\(FieldValue.erlangBinary(name.bytes)),\(value.typeName),\(value.erlangTerm)}" }
}

extension FieldValue {
    var erlangTerm: String {
        switch self {
        case .bool(let value): "\(value)"
        case .float(let value): "\(value)"
        case .double(let value): "\(value)"
        case .decimal(let scale, let value): "{\(scale),\(value)}"
        case .longString(let bytes), .bytes(let bytes): Self.erlangBinary(bytes)
        case .timestamp(let value): "\(value)"
        case .array(let values):
            "[" + values.map { "{\($0.typeName),\($0.erlangTerm)}" }.joined(separator: ",") + "]"
        case .table(let table): "[" + table.entries.map(\.erlangTerm).joined(separator: ",") + "]"
        case .void: "undefined"
        default: "\(integer ?? 0)"
        }
    }

    /// Quoted where it is plain text, else as the list of its bytes.
    static func erlangBinary(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            return bytes.isEmpty ? "<<>>" : "<<\(bytes.map { String($0) }.joined(separator: ","))>>"
        }
        var quoted: [UInt8] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { quoted.append(UInt8(ascii: "\\")) }
            quoted.append(byte)
        }
        return "<<\"\(String(decoding: quoted, as: UTF8.self))\">>"
    }
}
