import AMQPWire

/// `x-queue-type`: what a queue promises, and which arguments it takes.
///
/// Source of the lists and their order: `capabilities/0` of RabbitMQ's `rabbit_classic_queue` and
/// `rabbit_quorum_queue`. Leveret's own arguments come last.
package enum QueueType: String, Sendable, CaseIterable {
    case classic
    case quorum

    /// RabbitMQ's texts name a type by its module.
    var moduleName: String { "rabbit_\(rawValue)_queue" }

    /// What may be given when a queue of this type is declared, and must be equal when it is declared again.
    var arguments: [ShortString] {
        switch self {
        case .classic: Self.classicArguments
        case .quorum: Self.quorumArguments
        }
    }

    private static let classicArguments: [ShortString] = [
        "x-expires", "x-message-ttl", "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-max-length",
        "x-max-length-bytes", "x-max-priority", "x-overflow", "x-queue-mode", "x-queue-version",
        "x-single-active-consumer", "x-queue-type", "x-queue-master-locator", "x-queue-leader-locator",
        "x-delivery-limit", "x-consumer-timeout", "x-message-deduplication", "x-durability",
    ]

    private static let quorumArguments: [ShortString] = [
        "x-dead-letter-exchange", "x-dead-letter-routing-key", "x-dead-letter-strategy", "x-expires", "x-max-length",
        "x-max-length-bytes", "x-max-in-memory-length", "x-max-in-memory-bytes", "x-overflow",
        "x-single-active-consumer", "x-queue-type", "x-quorum-initial-group-size", "x-delivery-limit", "x-message-ttl",
        "x-queue-leader-locator", "x-consumer-timeout", "x-delayed-retry-type", "x-delayed-retry-min",
        "x-delayed-retry-max", "x-member-placement-tag", "x-message-deduplication",
    ]

    private static let streamArguments: [ShortString] = [
        "x-max-age", "x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes", "x-initial-cluster-size",
    ]

    /// Arguments that only other types take. What no type knows is ignored, as RabbitMQ does.
    var foreignArguments: Set<ShortString> {
        self == .classic ? Self.foreignToClassic : Self.foreignToQuorum
    }

    private static let all = Set(classicArguments + quorumArguments + streamArguments)
    private static let foreignToClassic = all.subtracting(classicArguments)
    private static let foreignToQuorum = all.subtracting(quorumArguments)
}
