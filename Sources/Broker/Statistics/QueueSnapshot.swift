import AMQPWire
import Routing

/// A queue at a moment: the fields of RabbitMQ's `/api/queues`.
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
    /// `owner_pid_details`: the connection of an exclusive queue.
    package let owner: ConnectionDetails?
    /// As declared.
    package let arguments: FieldTable
    /// `policy`, `operator_policy`, `effective_policy_definition`.
    package let policies: AppliedPolicies
    package var state = State.running

    // Messages

    /// `messages_ready`.
    package var readyCount = 0
    /// `messages_unacknowledged`.
    package var unackedCount = 0
    /// Messages that came back and wait until they are tried again: neither ready nor unacked.
    package var delayedCount = 0
    /// `messages_paged_out`: ready, and not in memory.
    package var pagedOutCount = 0
    /// `message_bytes_ready`: bytes of the bodies, as all that follow.
    package var readyByteCount = 0
    /// `message_bytes_unacknowledged`.
    package var unackedByteCount = 0
    /// `message_bytes_paged_out`: about, since of what is not in memory only whole messages' sizes are known.
    package var pagedOutByteCount = 0
    /// `messages_persistent`: of a durable queue, ready and unacked.
    package var persistentCount = 0
    /// `message_bytes_persistent`.
    package var persistentByteCount = 0
    /// `head_message_timestamp`, in seconds since 1970: the property `timestamp` of the first message, where it has one
    /// and is in memory.
    package var headTimestampSeconds: UInt64?
    /// When the first ready message was published, in milliseconds since 1970, where it is in memory.
    package var headPublishedMilliseconds: UInt64?
    /// `memory`: bytes that the queue takes, with the messages that it has in memory (each queue that holds a message
    /// counts it).
    package var memoryByteCount = 0

    // Consumers

    /// `consumers`.
    package var consumerCount = 0
    /// `consumer_capacity`, `consumer_utilisation`: how much of the time some consumer could take a message, 0 to 1; as
    /// sampled, the more recent the weightier. 0 without consumers.
    package var consumerCapacity = 0.0
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

    /// `messages`.
    package var messageCount: Int { readyCount + unackedCount + delayedCount }
    /// `message_bytes`.
    package var messageByteCount: Int { readyByteCount + unackedByteCount }
    /// `messages_ready_ram`.
    package var residentReadyCount: Int { readyCount - pagedOutCount }
    /// `messages_ram`.
    package var residentCount: Int { residentReadyCount + unackedCount + delayedCount }
    /// `message_bytes_ram`.
    package var residentByteCount: Int { messageByteCount - pagedOutByteCount }
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
