import AMQPWire
import JSON

extension FieldTable {
    /// Of a name that comes twice only the first value counts, here as in the broker.
    var json: JSONObject {
        var object = JSONObject()
        var names: Set<ShortString> = []
        for entry in entries where names.insert(entry.name).inserted {
            let bytes = entry.name.bytes
            let name = String(validating: bytes, as: UTF8.self) ?? "\(JSONObject.hexadecimal(bytes))Hex"
            object.append(name, entry.value.json)
        }
        return object
    }
}

extension FieldValue {
    /// What JSON has no form for is an object that says what it is, or (not a number, infinity) text.
    var json: JSONValue {
        switch self {
        case .bool(let value): return .bool(value)
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64: return .integer(Int(integer ?? 0))
        case .float(let value): return value.isFinite ? .double(Double(value)) : .string("\(value)")
        case .double(let value): return value.isFinite ? .double(value) : .string("\(value)")
        case .void: return .null
        case .table(let table): return .object(table.json)
        case .array(let values): return .array(values.map(\.json))
        case .longString(let bytes):
            if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
            return ["hex": .string(JSONObject.hexadecimal(bytes))]
        case .bytes(let bytes): return ["hex": .string(JSONObject.hexadecimal(bytes))]
        case .timestamp(let seconds): return ["timestamp": .number(seconds)]
        case .decimal(let scale, let value): return ["scale": .number(scale), "value": .number(value)]
        }
    }
}
