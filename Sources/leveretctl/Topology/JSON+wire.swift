import AMQPWire
import JSON

extension FieldTable {
    /// The table as a broker makes it from JSON. Names longer than AMQP's are cut.
    init(json: JSONValue) {
        self.init(
            json.members.map { member in
                Entry(name: ShortString(truncating: member.name), value: FieldValue(json: member.value))
            })
    }
}

extension FieldValue {
    init(json: JSONValue) {
        switch json {
        case .null: self = .void
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int64(Int64(value))
        case .double(let value): self = .double(value)
        case .string(let text): self = .longString(Array(text.utf8))
        case .array(let items): self = .array(items.map { FieldValue(json: $0) })
        case .object: self = .table(FieldTable(json: json))
        }
    }
}
