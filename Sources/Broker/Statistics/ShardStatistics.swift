/// Counters of one shard, never reset: read in one step between turns.
package struct ShardStatistics: Sendable, Equatable {
    /// Connections that clients have opened, and those of them that are gone.
    package var connectionsOpened: UInt64 = 0
    package var connectionsClosed: UInt64 = 0
    package var channelsOpened: UInt64 = 0
    package var channelsClosed: UInt64 = 0
    /// `queues_declared`: declares that were answered, of queues that were there too.
    package var queuesDeclared: UInt64 = 0
    package var queuesCreated: UInt64 = 0
    package var queuesDeleted: UInt64 = 0
    /// What clients have published and got.
    package var messages = MessageCounters()
    /// What queues of each type have given and got back. A delivery without acks that finds its channel gone counts
    /// here.
    package var classic = MessageCounters()
    package var quorum = MessageCounters()
    /// `messages_received_confirm_total`: those of `messages.publish` that are to be confirmed.
    package var publishConfirm: UInt64 = 0
    /// `messages_routed_total`: handed to queues, each counted.
    package var routed: UInt64 = 0
    package var sizes = MessageSizes()
    package var receivedByteCount: UInt64 = 0
    package var sentByteCount: UInt64 = 0
    package var deadLetterCyclesDropped: UInt64 = 0
    /// `messages_dead_lettered_*_total`.
    package var deaths = QueueDeaths()

    package init() {}

    package static func + (left: ShardStatistics, right: ShardStatistics) -> ShardStatistics {
        var sum = left
        sum.connectionsOpened &+= right.connectionsOpened
        sum.connectionsClosed &+= right.connectionsClosed
        sum.channelsOpened &+= right.channelsOpened
        sum.channelsClosed &+= right.channelsClosed
        sum.queuesDeclared &+= right.queuesDeclared
        sum.queuesCreated &+= right.queuesCreated
        sum.queuesDeleted &+= right.queuesDeleted
        sum.messages += right.messages
        sum.classic += right.classic
        sum.quorum += right.quorum
        sum.publishConfirm &+= right.publishConfirm
        sum.routed &+= right.routed
        sum.sizes = sum.sizes + right.sizes
        sum.receivedByteCount &+= right.receivedByteCount
        sum.sentByteCount &+= right.sentByteCount
        sum.deadLetterCyclesDropped &+= right.deadLetterCyclesDropped
        sum.deaths = sum.deaths + right.deaths
        return sum
    }
}

/// How large the bodies of published messages are: RabbitMQ's histogram `message_size_bytes`.
package struct MessageSizes: Sendable, Equatable {
    /// The buckets' upper bounds in bytes; above the last is one more.
    package static let bounds = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000, 100_000_000]

    /// Bytes of all bodies.
    package var byteCount: UInt64 = 0
    /// By bucket, those that are in none below it; the first, which most messages are in, is not counted here: it has
    /// what is left of all messages.
    var larger: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

    package init() {}

    @inline(__always)
    mutating func add(_ byteCount: Int) {
        self.byteCount &+= UInt64(truncatingIfNeeded: byteCount)
        // The first of `bounds`.
        if byteCount > 100 { noteLarger(byteCount) }
    }

    /// A message above the first bound.
    @inline(never)
    private mutating func noteLarger(_ byteCount: Int) {
        switch byteCount {
        case ...1_000: larger.0 &+= 1
        case ...10_000: larger.1 &+= 1
        case ...100_000: larger.2 &+= 1
        case ...1_000_000: larger.3 &+= 1
        case ...10_000_000: larger.4 &+= 1
        case ...50_000_000: larger.5 &+= 1
        case ...100_000_000: larger.6 &+= 1
        default: larger.7 &+= 1
        }
    }

    /// How many messages are at most as large as each of `bounds`, and then all.
    ///
    /// - Parameter count: how many messages there were.
    package func cumulativeCounts(of count: UInt64) -> [UInt64] {
        let above = [larger.0, larger.1, larger.2, larger.3, larger.4, larger.5, larger.6, larger.7]
        var sum = count &- above.reduce(0, &+)
        var counts = [sum]
        for bucket in above {
            sum &+= bucket
            counts.append(sum)
        }
        return counts
    }

    package static func + (left: MessageSizes, right: MessageSizes) -> MessageSizes {
        var sum = left
        sum.byteCount &+= right.byteCount
        sum.larger.0 &+= right.larger.0
        sum.larger.1 &+= right.larger.1
        sum.larger.2 &+= right.larger.2
        sum.larger.3 &+= right.larger.3
        sum.larger.4 &+= right.larger.4
        sum.larger.5 &+= right.larger.5
        sum.larger.6 &+= right.larger.6
        sum.larger.7 &+= right.larger.7
        return sum
    }

    package static func == (left: MessageSizes, right: MessageSizes) -> Bool {
        left.byteCount == right.byteCount && left.cumulativeCounts(of: 0) == right.cumulativeCounts(of: 0)
    }
}
