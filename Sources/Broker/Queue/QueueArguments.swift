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

/// `x-overflow`: what happens to a message that finds the queue at its maximum length.
enum Overflow: String, Sendable {
    case dropHead = "drop-head"
    case rejectPublish = "reject-publish"
    case rejectPublishDLX = "reject-publish-dlx"
}

/// `x-dead-letter-strategy` of quorum queues.
enum DeadLetterStrategy: String, Sendable {
    case atMostOnce = "at-most-once"
    case atLeastOnce = "at-least-once"
}

/// `x-delayed-retry-*` of quorum queues: how long a message that came back waits before it is delivered again.
struct DelayedRetry: Sendable, Equatable {
    enum Kind: String, Sendable { case disabled, all, failed, returned }
    var kind = Kind.disabled
    var minimumMilliseconds: UInt64 = 0
    /// The minimum where none is given.
    var maximumMilliseconds: UInt64 = 0
}

/// The arguments of a queue that the engine acts on: as declared, or with the policies that apply merged in.
struct QueueArguments: Sendable, Equatable {
    var queueType = QueueType.classic
    var messageTTLMilliseconds: UInt64?
    var expiresMilliseconds: UInt64?
    /// In ready messages.
    var maxLength: Int?
    /// In bytes of the bodies of ready messages.
    var maxLengthBytes: Int?
    var overflow = Overflow.dropHead
    var deadLetterExchange: ShortString?
    var deadLetterRoutingKey: ShortString?
    var deadLetterStrategy = DeadLetterStrategy.atMostOnce
    var maxPriority: UInt8?
    var isSingleActiveConsumer = false
    /// How often a message may be delivered again; nil: as often as it comes back.
    var deliveryLimit: Int?
    var consumerTimeoutMilliseconds: UInt64?
    var delayedRetry: DelayedRetry?
    /// `x-message-deduplication`: a message of which an equal one still waits is not queued.
    var deduplicates = false
    var durability = QueueDurability.sync
    /// What was asked for and does not hold.
    var fallbacks: Fallbacks = []

    /// What quorum queues do not do as they are told, of which RabbitMQ warns.
    struct Fallbacks: OptionSet, Sendable {
        let rawValue: UInt8
        /// `reject-publish-dlx` is `drop-head`.
        static let overflow = Fallbacks(rawValue: 1)
        /// `at-least-once` is `at-most-once` without a dead-letter exchange, and without `reject-publish`.
        static let deadLetterStrategy = Fallbacks(rawValue: 2)
    }

    /// RabbitMQ's for quorum queues since 4.0.
    static let quorumDeliveryLimit = 20

    init() {}

    /// Whether a queue with them keeps `QueueExtras`.
    var wantsExtras: Bool {
        messageTTLMilliseconds != nil || expiresMilliseconds != nil || maxLength != nil || maxLengthBytes != nil
            || deduplicates || levelCount > 1
    }

    /// RabbitMQ 4.3: a quorum queue always has 32 strict priorities.
    var levelCount: Int { queueType == .quorum ? 32 : Int(maxPriority ?? 0) + 1 }

    /// Whether a delivery with this end counts towards the delivery limit. Quorum queues count since RabbitMQ 4.3 only
    /// what failed, also without a limit; other queues with a limit, which are Leveret's own, count whatever came back.
    func countsAsFailed(_ outcome: Outcome) -> Bool {
        queueType == .quorum ? outcome == .failed : deliveryLimit != nil
    }

    /// Whether a queue with them may reject what is published to it.
    var mayReject: Bool { overflow != .dropHead && (maxLength != nil || maxLengthBytes != nil) }

    /// - Throws: What RabbitMQ answers (`rabbit_amqqueue:check_declare_arguments/2`), checked in its order.
    ///
    /// - Parameter policy: what the policies say that hold for the queue.
    init(_ table: FieldTable, resource: ResourceName, policy: FieldTable? = nil) throws(ProtocolError) {
        let arguments = try QueueArgumentReader(table, resource: resource)
        queueType = arguments.type
        expiresMilliseconds = try arguments.timeToLive("x-expires", isZeroAllowed: false)
        messageTTLMilliseconds = try arguments.timeToLive("x-message-ttl")
        deadLetterExchange = try arguments.name("x-dead-letter-exchange")
        deadLetterRoutingKey = try arguments.name("x-dead-letter-routing-key")
        if deadLetterRoutingKey != nil, deadLetterExchange == nil {
            throw .invalidArgument("x-dead-letter-routing-key", resource, reason: "routing_key_but_no_dlx_defined")
        }
        deadLetterStrategy =
            try arguments.oneOf("x-dead-letter-strategy", reason: "invalid_dlx_strategy") ?? .atMostOnce
        maxLength = try arguments.count("x-max-length")
        maxLengthBytes = try arguments.count("x-max-length-bytes")
        _ = try arguments.count("x-max-in-memory-length")
        _ = try arguments.count("x-max-in-memory-bytes")
        maxPriority = try arguments.priority("x-max-priority")
        overflow = try arguments.oneOf("x-overflow", reason: "invalid_overflow") ?? .dropHead
        try arguments.checkIgnored()
        isSingleActiveConsumer = try arguments.bool("x-single-active-consumer") ?? false
        let limit = PolicyDefinition.stricter(
            try arguments.integer("x-delivery-limit"), policy?["delivery-limit"]?.integer)
        deliveryLimit = Self.deliveryLimit(limit, queueType)
        consumerTimeoutMilliseconds = try arguments.milliseconds("x-consumer-timeout", isZeroAllowed: false)
        delayedRetry = try arguments.delayedRetry()
        deduplicates = try arguments.bool("x-message-deduplication") ?? false
        durability =
            try arguments.oneOf("x-durability", reason: "not sync, flush or memory") ?? .sync
        try arguments.checkForeign()
        if let policy { merge(policy: policy, into: table) }
        resolve()
    }

    /// What a queue goes by whose arguments were checked when it was declared.
    init(effective table: FieldTable, policy: FieldTable?, resource: ResourceName) {
        self = (try? QueueArguments(table, resource: resource, policy: policy)) ?? QueueArguments()
    }

    /// A negative number takes the limit away.
    private static func deliveryLimit(_ limit: Int64?, _ type: QueueType) -> Int? {
        guard let limit else { return type == .quorum ? quorumDeliveryLimit : nil }
        return limit < 0 ? nil : Int(limit)
    }

    /// What only holds together with others, as RabbitMQ's quorum queues take it.
    private mutating func resolve() {
        guard queueType == .quorum else { return }
        if overflow == .rejectPublishDLX {
            overflow = .dropHead
            fallbacks.insert(.overflow)
        }
        if deadLetterStrategy == .atLeastOnce, deadLetterExchange == nil || overflow != .rejectPublish {
            deadLetterStrategy = .atMostOnce
            fallbacks.insert(.deadLetterStrategy)
        }
    }
}
