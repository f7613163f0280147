import AMQPWire
import Routing

/// Counts of messages for pairs of objects, where the configuration wants them (RabbitMQ's `rates_mode = detailed`),
/// and what they were at the latest two samples.
struct MessagePairs<Key: Hashable> {
    private struct Count {
        var counters = MessageCounters()
        var latest = MessageCounters()
        var previous = MessageCounters()
    }

    private var counts: [Key: Count] = [:]
    private var latestSample: UInt64 = 0

    /// Of very many pairs only the first ones are counted.
    mutating func note(_ key: Key, _ change: (inout MessageCounters) -> Void) {
        guard counts[key] != nil || counts.count < Limit.messagePairs else { return }
        change(&counts[key, default: Count()].counters)
    }

    /// What was noted until now is a sample.
    mutating func takeSample(_ number: UInt64) {
        guard number > latestSample else { return }
        latestSample = number
        for index in counts.values.indices {
            counts.values[index].previous = counts.values[index].latest
            counts.values[index].latest = counts.values[index].counters
        }
    }

    mutating func remove(where isGone: (Key) -> Bool) {
        if !counts.isEmpty { counts = counts.filter { !isGone($0.key) } }
    }

    /// - Parameter seconds: between the latest two samples; nil before there are two.
    func activity(of key: Key, seconds: Double?) -> MessageActivity? {
        counts[key].map { Self.activity($0, seconds) }
    }

    func all(seconds: Double?) -> [(key: Key, activity: MessageActivity)] {
        counts.map { (key: $0.key, activity: Self.activity($0.value, seconds)) }
    }

    private static func activity(_ count: Count, _ seconds: Double?) -> MessageActivity {
        MessageActivity(
            counters: count.counters,
            rates: seconds.map { MessageRates(count.latest - count.previous, seconds: $0) } ?? MessageRates())
    }
}

/// What was done with messages between two objects, and how fast.
package struct MessageActivity: Sendable, Equatable {
    package var counters = MessageCounters()
    package var rates = MessageRates()

    package init(counters: MessageCounters = MessageCounters(), rates: MessageRates = MessageRates()) {
        self.counters = counters
        self.rates = rates
    }

    package static func + (left: MessageActivity, right: MessageActivity) -> MessageActivity {
        MessageActivity(counters: left.counters + right.counters, rates: left.rates + right.rates)
    }
}

/// The pairs of a channel.
final class ChannelPairs {
    var publishes = MessagePairs<ExchangeCount>()
    var deliveries = MessagePairs<QueueAddress>()
}

/// What an exchange handed to a queue.
struct ExchangeToQueue: Hashable {
    let exchange: ExchangeCount
    let queue: QueueAddress
}

/// An exchange or a queue, and what was done between it and what was asked for.
package struct NamedActivity: Sendable {
    package let name: ShortString
    package let activity: MessageActivity

    /// What several shards tell of the same ones, by name.
    package static func summed(_ items: [NamedActivity]) -> [NamedActivity] {
        var sums: [ShortString: MessageActivity] = [:]
        for item in items { sums[item.name] = sums[item.name].map { $0 + item.activity } ?? item.activity }
        return sums.sorted { $0.key < $1.key }.map { NamedActivity(name: $0.key, activity: $0.value) }
    }
}

/// A channel, and what was done between it and what was asked for.
package struct ChannelActivity: Sendable {
    package let connection: ConnectionDetails
    package let channelNumber: UInt16
    package let activity: MessageActivity
}
