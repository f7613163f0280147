/// How a queue is declared.
public struct QueueOptions: Hashable, Sendable {
    /// Survives a restart of the broker. RabbitMQ from 4.3 on takes no other shared queues.
    public var isDurable: Bool
    /// For this connection alone, and gone with it.
    public var isExclusive: Bool
    /// Deleted when its last consumer ends.
    public var isAutoDelete: Bool
    /// Only ask whether the queue exists; error 404 if it does not.
    public var isPassive: Bool
    /// Such as `["x-max-length": 1000, "x-dead-letter-exchange": "failed"]`.
    public var arguments: FieldTable

    public init(
        durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false, passive: Bool = false,
        arguments: FieldTable = [:]
    ) {
        isDurable = durable
        isExclusive = exclusive
        isAutoDelete = autoDelete
        isPassive = passive
        self.arguments = arguments
    }

    /// For this connection alone, and gone with it or with its last consumer: for replies, and for subscribers that
    /// want no more than what is published while they are there.
    public static let temporary = QueueOptions(durable: false, exclusive: true, autoDelete: true)
    /// Only ask.
    public static let passive = QueueOptions(passive: true)
}

/// What the broker says of a queue that was declared.
public struct QueueDescription: Hashable, Sendable {
    /// The name; for a queue that was declared without one, the broker's choice.
    public let name: String
    /// Messages that are ready to be delivered.
    public let messageCount: Int
    public let consumerCount: Int
}

/// How an exchange routes. Brokers may know more types: `ExchangeType(rawValue: "x-consistent-hash")`.
public struct ExchangeType: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// To the queues bound with the message's routing key.
    public static let direct = ExchangeType(rawValue: "direct")
    /// To every queue bound.
    public static let fanout = ExchangeType(rawValue: "fanout")
    /// To the queues whose pattern matches: `*` one word, `#` any number of words.
    public static let topic = ExchangeType(rawValue: "topic")
    /// To the queues whose arguments match the message's headers.
    public static let headers = ExchangeType(rawValue: "headers")
}

/// How an exchange is declared.
public struct ExchangeOptions: Hashable, Sendable {
    /// Survives a restart of the broker.
    public var isDurable: Bool
    /// Deleted when its last binding is removed.
    public var isAutoDelete: Bool
    /// Only other exchanges publish to it.
    public var isInternal: Bool
    /// Only ask whether the exchange exists; error 404 if it does not.
    public var isPassive: Bool
    /// Such as `["alternate-exchange": "unrouted"]`.
    public var arguments: FieldTable

    public init(
        durable: Bool = true, autoDelete: Bool = false, internal: Bool = false, passive: Bool = false,
        arguments: FieldTable = [:]
    ) {
        isDurable = durable
        isAutoDelete = autoDelete
        isInternal = `internal`
        isPassive = passive
        self.arguments = arguments
    }
}
