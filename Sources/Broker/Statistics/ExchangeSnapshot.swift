import AMQPWire
import Routing

/// An exchange at a moment: the fields of RabbitMQ's `/api/exchanges`. What it counts, each shard knows its part of.
package struct ExchangeSnapshot: Sendable {
    /// For `ShardState.exchangeCounters(of:)`.
    package let reference: ExchangeReference
    package let name: ShortString
    /// `vhost`.
    package let virtualHost: ShortString
    package let type: ShortString
    /// `durable`.
    package let isDurable: Bool
    /// `auto_delete`.
    package let isAutoDelete: Bool
    /// `internal`.
    package let isInternal: Bool
    package let arguments: FieldTable
    /// `user_who_performed_action`: who declared it.
    package let creator: ShortString
    /// `policy`, `operator_policy`, `effective_policy_definition`.
    package let policies: AppliedPolicies
}

/// An exchange as shards know it.
package struct ExchangeReference: Sendable, Hashable {
    let virtualHostIndex: Int
    let id: ExchangeID
}

/// A binding: the fields of RabbitMQ's `/api/bindings`.
package struct BindingSnapshot: Sendable, Hashable {
    package let source: ShortString
    /// `vhost`.
    package let virtualHost: ShortString
    package let destination: ShortString
    /// `destination_type`: `queue`, else `exchange`.
    package let isToQueue: Bool
    package let routingKey: ShortString
    package let arguments: FieldTable
}

/// A queue by its name, and where it lives.
package struct QueueReference: Sendable {
    package let name: ShortString
    package let address: QueueAddress

    package init(name: ShortString, address: QueueAddress) {
        self.name = name
        self.address = address
    }
}

/// What a virtual host's queues hold and its clients do: the fields of RabbitMQ's `/api/vhosts`, of one shard or of
/// all.
package struct VirtualHostSnapshot: Sendable, Equatable {
    /// `messages_ready`.
    package var readyCount = 0
    /// `messages_unacknowledged`.
    package var unackedCount = 0
    /// `message_stats`.
    package var counters = MessageCounters()
    /// `recv_oct`, `send_oct`.
    package var receivedByteCount: UInt64 = 0
    package var sentByteCount: UInt64 = 0
    package var connectionCount = 0
    package var channelCount = 0
    package var queueCount = 0
    package var consumerCount = 0

    package init() {}

    package static func + (left: VirtualHostSnapshot, right: VirtualHostSnapshot) -> VirtualHostSnapshot {
        var sum = left
        sum.readyCount += right.readyCount
        sum.unackedCount += right.unackedCount
        sum.counters += right.counters
        sum.receivedByteCount &+= right.receivedByteCount
        sum.sentByteCount &+= right.sentByteCount
        sum.connectionCount += right.connectionCount
        sum.channelCount += right.channelCount
        sum.queueCount += right.queueCount
        sum.consumerCount += right.consumerCount
        return sum
    }
}
