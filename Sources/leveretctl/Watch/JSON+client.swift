import LeveretClient

extension LeveretClient.FieldTable {
    init(json: JSON) {
        self.init(json.members.map { Entry(name: $0.name, value: LeveretClient.FieldValue(json: $0.value)) })
    }
}

extension LeveretClient.FieldValue {
    init(json: JSON) {
        switch json {
        case .null: self = .void
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int64(value)
        case .double(let value): self = .double(value)
        case .string(let text): self = .string(text)
        case .array(let items): self = .array(items.map { LeveretClient.FieldValue(json: $0) })
        case .object: self = .table(LeveretClient.FieldTable(json: json))
        }
    }
}

extension JSON {
    init(_ table: LeveretClient.FieldTable) {
        self = .object(table.entries.map { Member(name: $0.name, value: JSON($0.value)) })
    }

    init(_ value: LeveretClient.FieldValue) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .float(let value): self = .double(Double(value))
        case .double(let value): self = .double(value)
        case .decimal(let scale, let value): self = ["scale": .integer(Int64(scale)), "value": .integer(Int64(value))]
        case .string(let text): self = .string(text)
        case .array(let items): self = .array(items.map { JSON($0) })
        case .timestamp(let seconds): self = Int64(exactly: seconds).map { .integer($0) } ?? .double(Double(seconds))
        case .table(let table): self = JSON(table)
        case .void: self = .null
        case .bytes(let bytes): self = .string(Base64.encode(bytes))
        default: self = value.integer.map { .integer($0) } ?? .null
        }
    }

    /// A delivery in the form in which the HTTP API tells of messages.
    init(_ delivery: Delivery) {
        let text = String(validating: delivery.body, as: UTF8.self)
        self = [
            "exchange": .string(delivery.exchange), "routing_key": .string(delivery.routingKey),
            "redelivered": .bool(delivery.isRedelivered), "properties": JSON(delivery.properties),
            "payload_bytes": .integer(Int64(delivery.body.count)),
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
        var members = texts.compactMap { name, text in text.map { Member(name: name, value: .string($0)) } }
        if let mode = properties.deliveryMode {
            members.append(Member(name: "delivery_mode", value: .integer(Int64(mode.rawValue))))
        }
        if let priority = properties.priority {
            members.append(Member(name: "priority", value: .integer(Int64(priority))))
        }
        if let timestamp = properties.timestamp.flatMap({ Int64(exactly: $0) }) {
            members.append(Member(name: "timestamp", value: .integer(timestamp)))
        }
        if let headers = properties.headers { members.append(Member(name: "headers", value: JSON(headers))) }
        self = .object(members)
    }
}
