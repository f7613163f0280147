import Broker

/// What a node, or a virtual host, has done and holds at a moment.
package struct TotalsSample: Sendable, Equatable {
    /// `message_stats`.
    package var counters = MessageCounters()
    /// `queue_totals`.
    package var readyCount = 0
    package var unackedCount = 0
    /// `recv_oct`, `send_oct`.
    package var receivedByteCount: UInt64 = 0
    package var sentByteCount: UInt64 = 0
    /// `churn_rates`.
    package var churn = ChurnCounters()

    package init() {}
}

/// What came and went since the start: RabbitMQ's `churn_rates`.
package struct ChurnCounters: Sendable, Equatable {
    package var connectionsCreated: UInt64 = 0
    package var connectionsClosed: UInt64 = 0
    package var channelsCreated: UInt64 = 0
    package var channelsClosed: UInt64 = 0
    package var queuesDeclared: UInt64 = 0
    package var queuesCreated: UInt64 = 0
    package var queuesDeleted: UInt64 = 0

    package init() {}

    init(_ statistics: ShardStatistics) {
        connectionsCreated = statistics.connectionsOpened
        connectionsClosed = statistics.connectionsClosed
        channelsCreated = statistics.channelsOpened
        channelsClosed = statistics.channelsClosed
        queuesDeclared = statistics.queuesDeclared
        queuesCreated = statistics.queuesCreated
        queuesDeleted = statistics.queuesDeleted
    }
}

/// How fast the values of `TotalsSample` change, a second.
package struct TotalsRates: Sendable, Equatable {
    package var messages = MessageRates()
    package var lengths = LengthRates()
    package var receivedBytes = 0.0
    package var sentBytes = 0.0
    package var connectionsCreated = 0.0
    package var connectionsClosed = 0.0
    package var channelsCreated = 0.0
    package var channelsClosed = 0.0
    package var queuesDeclared = 0.0
    package var queuesCreated = 0.0
    package var queuesDeleted = 0.0

    package init() {}

    package init(from first: TotalsSample, to last: TotalsSample, seconds: Double) {
        guard seconds > 0 else { return }
        func rate(_ field: (TotalsSample) -> UInt64) -> Double {
            Double(Int64(bitPattern: field(last) &- field(first))) / seconds
        }
        messages = MessageRates(last.counters - first.counters, seconds: seconds)
        lengths = LengthRates(
            ready: Double(last.readyCount - first.readyCount) / seconds,
            unacked: Double(last.unackedCount - first.unackedCount) / seconds)
        receivedBytes = rate(\.receivedByteCount)
        sentBytes = rate(\.sentByteCount)
        connectionsCreated = rate(\.churn.connectionsCreated)
        connectionsClosed = rate(\.churn.connectionsClosed)
        channelsCreated = rate(\.churn.channelsCreated)
        channelsClosed = rate(\.churn.channelsClosed)
        queuesDeclared = rate(\.churn.queuesDeclared)
        queuesCreated = rate(\.churn.queuesCreated)
        queuesDeleted = rate(\.churn.queuesDeleted)
    }
}

/// The totals of a node or a virtual host, with their rates of the last seconds and, where asked for, their history.
package struct TotalsSnapshot: Sendable {
    package var sample = TotalsSample()
    package var rates = TotalsRates()
    /// The latest first, in milliseconds since 1970.
    package var history: [(milliseconds: UInt64, sample: TotalsSample)] = []

    package init() {}
}

/// A node's totals and how many objects it has: RabbitMQ's `/api/overview`.
package struct NodeTotals: Sendable {
    package var totals = TotalsSnapshot()
    /// Everything that the shards count.
    package var statistics = ShardStatistics()
    /// `object_totals`.
    package var connectionCount = 0
    package var channelCount = 0
    package var queueCount = 0
    package var consumerCount = 0
    package var exchangeCount = 0
    /// Channels that have published.
    package var publisherCount = 0
}

/// How far back samples go, and how far apart they are: `msg_rates_age`, `lengths_age` and their `_incr`.
package struct HistorySpan: Sendable {
    package let ageMilliseconds: UInt64
    package let incrementMilliseconds: UInt64

    package init(ageMilliseconds: UInt64, incrementMilliseconds: UInt64) {
        self.ageMilliseconds = ageMilliseconds
        self.incrementMilliseconds = incrementMilliseconds
    }
}
