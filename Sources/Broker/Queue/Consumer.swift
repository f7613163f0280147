import AMQPWire

/// What a queue must know of a consumer to decide whether it gets the next message. Plain memory, no references.
struct ConsumerCredit {
    var serial: UInt32
    var isPresent: Bool
    /// It stands in the queue's ring of consumers to ask.
    var isReady = false
    /// It is the active consumer and gets nothing more: one of a higher priority waits for it to settle what it holds.
    var isQuiescing = false
    let noAck: Bool
    /// Its channel has a channel-wide limit and lives on another shard: it needs a lease.
    var needsLease = false
    var hasAskedForLease = false
    /// 0 is no limit.
    let prefetchCount: UInt32
    var unackedCount: UInt32 = 0
    var leaseCount: UInt32 = 0
    /// Where it sits in its channel's list.
    let consumerIndex: UInt32
    let channelAddress: ChannelAddress
    /// Set when the channel lives on the queue's shard.
    let channel: UnsafeMutablePointer<ChannelState>?
    let window: UnsafeMutablePointer<DeliveryWindow>

    /// Messages that it may still get, as far as its own prefetch count goes.
    var prefetchCapacity: Int {
        noAck || prefetchCount == 0 ? .max : Int(prefetchCount - min(prefetchCount, unackedCount))
    }
}

/// What else there is to know of a consumer.
struct ConsumerDescription: Sendable {
    let tag: ShortString
    let channel: ChannelAddress
    let consumerIndex: UInt32
    let noAck: Bool
    let isExclusive: Bool
    let prefetchCount: UInt16
    let hasChannelLimit: Bool
    /// `x-priority`.
    let priority: Int64
    let arguments: FieldTable
    let connection: ConnectionDetails
}
