import AMQPWire

/// `x-durability`, Leveret's own argument: when a persistent message on a durable queue counts as safe.
enum QueueDurability: String, Sendable {
    /// On stable storage. The default.
    case sync
    /// Written to the file: survives the end of the process, not of the machine.
    case flush
    /// Not stored: the queue is durable, its messages are not.
    case memory
}

/// The arguments of a queue that the engine acts on, and the table of all that RabbitMQ knows.
///
/// Source: RabbitMQ `rabbit_amqqueue:declare_args/0`. Those of later issues are accepted and kept, so that a
/// redeclaration is compared with them.
struct QueueArguments: Sendable, Equatable {
    var deadLetterExchange: ShortString?
    var deadLetterRoutingKey: ShortString?
    var durability = QueueDurability.sync

    /// Arguments that must be equal when a queue is declared again, in the order in which RabbitMQ compares them.
    static let compared: [ShortString] = [
        "x-expires", "x-message-ttl", "x-max-age", "x-max-length", "x-max-length-bytes", "x-overflow", "x-queue-type",
        "x-single-active-consumer", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy",
        "x-delivery-limit", "x-max-priority", "x-queue-mode", "x-durability",
    ]

    init() {}

    init(_ table: FieldTable, resource: ResourceName) throws(ProtocolError) {
        deadLetterExchange = try Self.name("x-dead-letter-exchange", table, resource)
        deadLetterRoutingKey = try Self.name("x-dead-letter-routing-key", table, resource)
        if deadLetterRoutingKey != nil, deadLetterExchange == nil {
            throw .invalidArgument(
                "x-dead-letter-routing-key", resource, reason: "routing_key_but_no_dlx_defined")
        }
        if let level = try Self.name("x-durability", table, resource) {
            guard let known = QueueDurability(rawValue: level.description) else {
                throw .invalidArgument("x-durability", resource, reason: "not sync, flush or memory")
            }
            durability = known
        }
    }

    private static func name(
        _ key: ShortString, _ table: FieldTable, _ resource: ResourceName
    ) throws(ProtocolError) -> ShortString? {
        guard let value = table[key] else { return nil }
        guard case .longString(let bytes) = value else {
            throw key == "x-dead-letter-exchange"
                ? .invalidArgumentType(key, resource, type: value.typeName)
                : .invalidArgument(key, resource, reason: "{unacceptable_type,\(value.typeName)}")
        }
        guard bytes.count <= ShortString.byteLimit else {
            throw .invalidArgument(key, resource, reason: "longer than 255 bytes")
        }
        return ShortString(bytes: bytes)
    }
}
