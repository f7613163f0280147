/// What was done with messages: RabbitMQ's `message_stats`, each field named there. Counts of messages, never reset.
package struct MessageCounters: Sendable, Equatable {
    /// `publish`: of a channel, virtual host or node, taken from publishers; of a queue, accepted by it.
    package var publish: UInt64 = 0
    /// `confirm`: told to the publisher.
    package var confirm: UInt64 = 0
    /// `deliver`: to consumers that acknowledge.
    package var deliver: UInt64 = 0
    /// `deliver_no_ack`.
    package var deliverNoAck: UInt64 = 0
    /// `get`: basic.get, to be acknowledged.
    package var get: UInt64 = 0
    /// `get_no_ack`.
    package var getNoAck: UInt64 = 0
    /// `get_empty`: basic.get that found nothing.
    package var getEmpty: UInt64 = 0
    /// `redeliver`: those of the above that had been delivered before.
    package var redeliver: UInt64 = 0
    /// `ack`.
    package var ack: UInt64 = 0
    /// `return_unroutable`: mandatory, and for no queue.
    package var returnUnroutable: UInt64 = 0
    /// `drop_unroutable`: for no queue, and dropped.
    package var dropUnroutable: UInt64 = 0
    /// `disk_reads`: of queues, messages that had left memory and were read back.
    package var diskReads: UInt64 = 0
    /// `disk_writes`: of queues, messages that were given to the journal, and those that left memory for the disk.
    package var diskWrites: UInt64 = 0

    package init() {}

    /// `deliver_get`: given to somebody, whichever way.
    package var deliverGet: UInt64 { deliver &+ deliverNoAck &+ get &+ getNoAck }

    package static func + (left: MessageCounters, right: MessageCounters) -> MessageCounters {
        var sum = left
        sum.publish &+= right.publish
        sum.confirm &+= right.confirm
        sum.deliver &+= right.deliver
        sum.deliverNoAck &+= right.deliverNoAck
        sum.get &+= right.get
        sum.getNoAck &+= right.getNoAck
        sum.getEmpty &+= right.getEmpty
        sum.redeliver &+= right.redeliver
        sum.ack &+= right.ack
        sum.returnUnroutable &+= right.returnUnroutable
        sum.dropUnroutable &+= right.dropUnroutable
        sum.diskReads &+= right.diskReads
        sum.diskWrites &+= right.diskWrites
        return sum
    }

    package static func += (left: inout MessageCounters, right: MessageCounters) { left = left + right }

    package static func - (left: MessageCounters, right: MessageCounters) -> MessageCounters {
        var difference = left
        difference.publish &-= right.publish
        difference.confirm &-= right.confirm
        difference.deliver &-= right.deliver
        difference.deliverNoAck &-= right.deliverNoAck
        difference.get &-= right.get
        difference.getNoAck &-= right.getNoAck
        difference.getEmpty &-= right.getEmpty
        difference.redeliver &-= right.redeliver
        difference.ack &-= right.ack
        difference.returnUnroutable &-= right.returnUnroutable
        difference.dropUnroutable &-= right.dropUnroutable
        difference.diskReads &-= right.diskReads
        difference.diskWrites &-= right.diskWrites
        return difference
    }
}

/// What an exchange did with what was published to it. Counts of messages, never reset.
package struct ExchangeCounters: Sendable, Equatable {
    /// `publish_in`: published to the exchange by clients.
    package var publishIn: UInt64 = 0
    /// `publish_out`: handed to queues, each counted.
    package var publishOut: UInt64 = 0

    package init() {}

    package static func + (left: ExchangeCounters, right: ExchangeCounters) -> ExchangeCounters {
        var sum = left
        sum.publishIn &+= right.publishIn
        sum.publishOut &+= right.publishOut
        return sum
    }
}
