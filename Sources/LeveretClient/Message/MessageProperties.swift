import AMQPWire

/// Whether a message shall survive a restart of the broker, when it lies in a durable queue.
public struct DeliveryMode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let transient = DeliveryMode(rawValue: 1)
    public static let persistent = DeliveryMode(rawValue: 2)
}

/// What a message carries besides its body. The broker reads ``deliveryMode``, ``priority``, ``expiration``,
/// ``userID``, ``replyTo`` and ``headers``; the rest is between publisher and consumer.
public struct MessageProperties: Hashable, Sendable {
    /// The body's MIME type: `application/json`.
    public var contentType: String?
    public var contentEncoding: String?
    public var headers: FieldTable?
    public var deliveryMode: DeliveryMode?
    public var priority: UInt8?
    /// Which request a reply belongs to.
    public var correlationID: String?
    /// The queue for the reply.
    public var replyTo: String?
    /// How many milliseconds the message lives, as decimal digits.
    public var expiration: String?
    public var messageID: String?
    /// Seconds since 1970.
    public var timestamp: UInt64?
    public var type: String?
    /// If set, it must be the name of the user that the connection logged in with.
    public var userID: String?
    public var applicationID: String?

    public init(
        contentType: String? = nil, contentEncoding: String? = nil, headers: FieldTable? = nil,
        deliveryMode: DeliveryMode? = nil, priority: UInt8? = nil, correlationID: String? = nil,
        replyTo: String? = nil, expiration: String? = nil, messageID: String? = nil, timestamp: UInt64? = nil,
        type: String? = nil, userID: String? = nil, applicationID: String? = nil
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.headers = headers
        self.deliveryMode = deliveryMode
        self.priority = priority
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.expiration = expiration
        self.messageID = messageID
        self.timestamp = timestamp
        self.type = type
        self.userID = userID
        self.applicationID = applicationID
    }

    /// The message survives a restart of the broker in a durable queue.
    public static let persistent = MessageProperties(deliveryMode: .persistent)
}

extension MessageProperties {
    /// From a content header's flags and values. What does not parse was refused when the header came in.
    init(wire bytes: [UInt8]) {
        self.init()
        guard !bytes.isEmpty else { return }
        let decoded = bytes.withUnsafeBytes { buffer in
            var reader = WireReader(buffer)
            return try? BasicProperties(from: &reader)
        }
        guard let decoded else { return }
        contentType = decoded.contentType?.description
        contentEncoding = decoded.contentEncoding?.description
        headers = decoded.headers.map { FieldTable($0) }
        deliveryMode = decoded.deliveryMode.map { DeliveryMode(rawValue: $0) }
        priority = decoded.priority
        correlationID = decoded.correlationID?.description
        replyTo = decoded.replyTo?.description
        expiration = decoded.expiration?.description
        messageID = decoded.messageID?.description
        timestamp = decoded.timestamp
        type = decoded.type?.description
        userID = decoded.userID?.description
        applicationID = decoded.applicationID?.description
    }

    /// Flags and values as they stand in a content header.
    func wire() throws(LeveretError) -> BasicProperties {
        func short(_ text: String?, _ name: String) throws(LeveretError) -> ShortString? {
            guard let text else { return nil }
            return try ShortString(checking: text, as: name)
        }
        var properties = BasicProperties()
        properties.contentType = try short(contentType, "content type")
        properties.contentEncoding = try short(contentEncoding, "content encoding")
        properties.headers = try headers?.wire()
        properties.deliveryMode = deliveryMode?.rawValue
        properties.priority = priority
        properties.correlationID = try short(correlationID, "correlation id")
        properties.replyTo = try short(replyTo, "reply-to")
        properties.expiration = try short(expiration, "expiration")
        properties.messageID = try short(messageID, "message id")
        properties.timestamp = timestamp
        properties.type = try short(type, "type")
        properties.userID = try short(userID, "user id")
        properties.applicationID = try short(applicationID, "application id")
        return properties
    }
}
