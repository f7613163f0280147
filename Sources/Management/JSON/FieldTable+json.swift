import AMQPWire
import JSON

// Arguments of queues, exchanges and bindings, headers of messages, definitions of policies: AMQP's tables as JSON, the
// way RabbitMQ writes and reads them (`rabbit_misc:to_amqp_table`, `amqp_table`).
extension FieldTable {
    /// Integers become 64-bit ones, other numbers doubles.
    ///
    /// - Throws: 400, naming the key, when it is longer than AMQP can have it.
    package init(json object: JSONObject, field: String) throws(ManagementError) {
        self.init()
        for member in object.members {
            guard let name = ShortString(member.name) else {
                throw .badRequest("field '\(field)': a key has at most \(ShortString.byteLimit) bytes")
            }
            entries.append(Entry(name: name, value: try FieldValue(json: member.value, field: field)))
        }
    }

    package var json: JSONObject {
        var object = JSONObject()
        var names: Set<ShortString> = []
        // Of equal names the first one counts.
        for entry in entries where names.insert(entry.name).inserted {
            object.append(entry.name.description, entry.value.json)
        }
        return object
    }
}

extension FieldValue {
    package init(json value: JSONValue, field: String) throws(ManagementError) {
        switch value {
        case .null: self = .void
        case .bool(let bool): self = .bool(bool)
        case .integer(let integer): self = .int64(Int64(integer))
        case .double(let double): self = .double(double)
        case .string(let text): self = .string(text)
        case .array(let values):
            var items: [FieldValue] = []
            for value in values { items.append(try FieldValue(json: value, field: field)) }
            self = .array(items)
        case .object(let object): self = .table(try FieldTable(json: object, field: field))
        }
    }

    package var json: JSONValue {
        switch self {
        case .bool(let value): .bool(value)
        case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64: .integer(Int(integer ?? 0))
        case .float(let value): .double(Double(value))
        case .double(let value): .double(value)
        case .decimal(let scale, let value): .double(Self.double(value, scale: scale))
        case .longString(let bytes), .bytes(let bytes): .string(String(decoding: bytes, as: UTF8.self))
        case .array(let values): .array(values.map(\.json))
        case .timestamp(let seconds): .integer(Int(clamping: seconds))
        case .table(let table): .object(table.json)
        case .void: .null
        }
    }

    private static func double(_ value: UInt32, scale: UInt8) -> Double {
        (0..<scale).reduce(Double(value)) { number, _ in number / 10 }
    }
}
