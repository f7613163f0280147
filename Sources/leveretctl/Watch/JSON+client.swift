import JSON
import LeveretClient

extension LeveretClient.FieldTable {
    init(json: JSONValue) {
        self.init(json.members.map { Entry(name: $0.name, value: LeveretClient.FieldValue(json: $0.value)) })
    }
}

extension LeveretClient.FieldValue {
    init(json: JSONValue) {
        switch json {
        case .null: self = .void
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int64(Int64(value))
        case .double(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .array(let items): self = .array(items.map { LeveretClient.FieldValue(json: $0) })
        case .object: self = .table(LeveretClient.FieldTable(json: json))
        }
    }
}

extension JSONValue {
    init(_ table: LeveretClient.FieldTable) {
        self = .object(JSONObject(table.entries.map { JSONObject.Member(name: $0.name, value: JSONValue($0.value)) }))
    }

    init(_ value: LeveretClient.FieldValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .float(let value): self = .double(Double(value))
        case .double(let value): self = .double(value)
        case .decimal(let scale, let value): self = ["scale": .number(scale), "value": .number(value)]
        case .string(let text): self = .string(text)
        case .array(let items): self = .array(items.map { JSONValue($0) })
        case .timestamp(let seconds): self = .number(seconds)
        case .table(let table): self = JSONValue(table)
        case .void: self = .null
        case .bytes(let bytes): self = .string(Base64.encode(bytes))
        default: self = value.integer.map { .number($0) } ?? .null
        }
    }

    /// A delivery in the form in which the HTTP API tells of messages.
    init(_ delivery: Delivery) {
        let text = String(validating: delivery.body, as: UTF8.self)
        self = [
            "exchange": .string(delivery.exchange), "routing_key": .string(delivery.routingKey),
            "redelivered": .bool(delivery.isRedelivered), "properties": JSONValue(delivery.properties),
            "payload_bytes": .integer(delivery.body.count),
            "payload": .string(text ?? Base64.encode(delivery.body)),
            "payload_encoding": text == nil ? "base64" : "string",
        ]
    }

    init(_ properties: MessageProperties) {
        let texts: [(String, String?)] = [
            ("content_type", properties.contentType), ("content_encoding", properties.contentEncoding),
            ("correlation_id", properties.correlationID), ("reply_to", properties.replyTo),
            ("expiration", properties.expiration), ("message_id", properties.messageID), ("type", properties.type),
            ("user_id", properties.userID), ("app_id", properties.applicationID),
        ]
        var object = JSONObject()
        for case (let name, let text?) in texts { object.add(name, text) }
        if let mode = properties.deliveryMode { object.add("delivery_mode", mode.rawValue) }
        if let priority = properties.priority { object.add("priority", priority) }
        if let timestamp = properties.timestamp { object.add("timestamp", timestamp) }
        if let headers = properties.headers { object.append("headers", JSONValue(headers)) }
        self = .object(object)
    }
}
