import AMQPWire
import Routing

/// A queue at a moment: the fields of RabbitMQ's `/api/queues`. Its figures can be asked of it, too.
@dynamicMemberLookup
package struct QueueSnapshot: Sendable {
    /// RabbitMQ's `state`.
    package enum State: String, Sendable {
        case running
        /// An administrator has paused its deliveries.
        case paused
    }

    package let address: QueueAddress
    package let name: ShortString
    /// `vhost`.
    package let virtualHost: ShortString
    package let virtualHostIndex: Int
    package let type: QueueType
    /// `durable`.
    package let isDurable: Bool
    /// `auto_delete`.
    package let isAutoDelete: Bool
    /// `exclusive`.
    package let isExclusive: Bool
    let ownerAddress: ConnectionAddress?
    /// `owner_pid_details`: the connection of an exclusive queue.
    package var owner: ConnectionDetails?
    /// As declared.
    package let arguments: FieldTable
    /// `policy`, `operator_policy`, `effective_policy_definition`.
    package let policies: AppliedPolicies
    package var state = State.running

    package var figures = QueueFigures()
    /// `head_message_timestamp`, in seconds since 1970: the property `timestamp` of the first message, where it has one
    /// and is in memory.
    package var headTimestampSeconds: UInt64?
    /// When the first ready message was published, in milliseconds since 1970, where it is in memory.
    package var headPublishedMilliseconds: UInt64?

    // Consumers

    /// `single_active_consumer_tag`, and whose it is.
    package var singleActiveConsumer: ConsumerName?
    /// `exclusive_consumer_tag`, and whose it is.
    package var exclusiveConsumer: ConsumerName?

    /// `message_stats`.
    package var counters = MessageCounters()
    /// Between the latest two samples.
    package var rates = MessageRates()
    package var lengthRates = LengthRates()
    /// `idle_since`, in milliseconds since 1970; nil while the queue is in use.
    package var idleSinceMilliseconds: UInt64?

    package subscript<Value>(dynamicMember figure: KeyPath<QueueFigures, Value>) -> Value {
        figures[keyPath: figure]
    }
}

/// A consumer's tag, and the channel that it is on.
package struct ConsumerName: Sendable {
    package let tag: ShortString
    package let channelNumber: UInt16
    package let connection: ConnectionDetails
}

/// A consumer at a moment: the fields of RabbitMQ's `/api/consumers`.
package struct ConsumerSnapshot: Sendable {
    /// RabbitMQ's `activity_status`.
    package enum Activity: String, Sendable {
        case up
        case singleActive = "single_active"
        case waiting
        /// An administrator has paused the queue's deliveries.
        case paused
    }

    /// `consumer_tag`, `channel_details`.
    package let name: ConsumerName
    /// `queue`.
    package let queue: ShortString
    package let virtualHost: ShortString
    /// `ack_required`.
    package let requiresAck: Bool
    /// `exclusive`.
    package let isExclusive: Bool
    /// `prefetch_count`; 0 is no limit.
    package let prefetchCount: UInt16
    package let arguments: FieldTable
    /// `active`.
    package let isActive: Bool
    package let activity: Activity
    /// Delivered to it and not settled.
    package let unackedCount: Int
    /// `consumer_timeout`: how long it may keep a message; nil for as long as it likes.
    package let timeoutMilliseconds: UInt64?
}
