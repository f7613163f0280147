import AMQPWire

extension FieldTable {
    /// A JSON object. Of a name that comes twice only the first value counts, here as in the broker.
    var json: String {
        var line = JSONLine()
        var names: Set<ShortString> = []
        for entry in entries where names.insert(entry.name).inserted {
            let bytes = entry.name.bytes
            let name = String(validating: bytes, as: UTF8.self) ?? "\(JSONLine.hexadecimal(bytes))Hex"
            line.add(name, raw: entry.value.json)
        }
        return line.text
    }
}

extension FieldValue {
    /// A JSON value. What JSON has no form for is an object that says what it is, or (not a number, infinity) text.
    var json: String {
        var line = JSONLine()
        switch self {
        case .bool(let value): return value ? "true" : "false"
        case .int8(let value): return String(value)
        case .uint8(let value): return String(value)
        case .int16(let value): return String(value)
        case .uint16(let value): return String(value)
        case .int32(let value): return String(value)
        case .uint32(let value): return String(value)
        case .int64(let value): return String(value)
        case .float(let value): return value.isFinite ? "\(value)" : "\"\(value)\""
        case .double(let value): return value.isFinite ? "\(value)" : "\"\(value)\""
        case .void: return "null"
        case .table(let table): return table.json
        case .array(let values): return "[\(values.map(\.json).joined(separator: ","))]"
        case .longString(let bytes):
            if let text = String(validating: bytes, as: UTF8.self) { return JSONLine.quoted(text) }
            line.add("hex", JSONLine.hexadecimal(bytes))
        case .bytes(let bytes): line.add("hex", JSONLine.hexadecimal(bytes))
        case .timestamp(let seconds): line.add("timestamp", seconds)
        case .decimal(let scale, let value):
            line.add("scale", scale)
            line.add("value", value)
        }
        return line.text
    }
}
