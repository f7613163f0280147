import AMQPWire
import JSON

// The properties of a message as RabbitMQ writes and reads them: those that are there, by the names of AMQP.
extension BasicProperties {
    package var json: JSONObject {
        var object = JSONObject()
        func add(_ name: String, _ text: ShortString?) { if let text { object.append(name, .text(text)) } }
        add("content_type", contentType)
        add("content_encoding", contentEncoding)
        if let headers { object.append("headers", .object(headers.json)) }
        if let deliveryMode { object.append("delivery_mode", .number(deliveryMode)) }
        if let priority { object.append("priority", .number(priority)) }
        add("correlation_id", correlationID)
        add("reply_to", replyTo)
        add("expiration", expiration)
        add("message_id", messageID)
        if let timestamp { object.append("timestamp", .number(timestamp)) }
        add("type", type)
        add("user_id", userID)
        add("app_id", applicationID)
        add("cluster_id", clusterID)
        return object
    }

    /// - Throws: 400, naming the property. Unknown names are ignored, as in RabbitMQ.
    package init(json object: JSONObject) throws(ManagementError) {
        self.init()
        let fields = JSONFields(object)
        func text(_ name: String) throws(ManagementError) -> ShortString? {
            guard let text = try fields.string(name) else { return nil }
            guard let value = ShortString(text) else {
                throw .badRequest("property '\(name)' has more than \(ShortString.byteLimit) bytes")
            }
            return value
        }
        contentType = try text("content_type")
        contentEncoding = try text("content_encoding")
        if let headers = try fields.object("headers") { self.headers = try FieldTable(json: headers, field: "headers") }
        deliveryMode = try fields.integer("delivery_mode", in: 0...255).map { UInt8($0) }
        priority = try fields.integer("priority", in: 0...255).map { UInt8($0) }
        correlationID = try text("correlation_id")
        replyTo = try text("reply_to")
        expiration = try text("expiration")
        messageID = try text("message_id")
        timestamp = try fields.integer("timestamp", in: 0...Int.max).map { UInt64($0) }
        type = try text("type")
        userID = try text("user_id")
        applicationID = try text("app_id")
        clusterID = try text("cluster_id")
    }
}
