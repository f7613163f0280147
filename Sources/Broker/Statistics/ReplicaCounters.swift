import Routing

/// The exchange that a channel's publishes are for: `serial` tells it from a later one with its place.
struct ExchangeCount: Hashable, BitwiseCopyable {
    let id: ExchangeID
    let serial: UInt32
}

/// What a shard counts for a virtual host and its exchanges.
///
/// Channels count, and tell from time to time: when they let go of a route or find it anew, when they end, and when
/// somebody asks. So nothing is counted here per message.
struct ReplicaCounters {
    private struct Exchange {
        var serial: UInt32
        var counters = ExchangeCounters()
        /// At the latest two samples.
        var latest = ExchangeCounters()
        var previous = ExchangeCounters()
    }

    /// By the exchange's number; the default exchange is the first.
    private var exchanges: [Exchange] = [Exchange(serial: 0)]
    private var latestSerial: UInt32 = 0
    private var latestSample: UInt64 = 0
    /// What its channels have told.
    var messages = MessageCounters()
    var receivedByteCount: UInt64 = 0
    var sentByteCount: UInt64 = 0

    /// An exchange begins to count from nothing.
    mutating func add(_ id: ExchangeID) {
        latestSerial &+= 1
        while exchanges.count <= Int(id.value) { exchanges.append(Exchange(serial: 0)) }
        exchanges[Int(id.value)] = Exchange(serial: latestSerial)
    }

    func count(of id: ExchangeID) -> ExchangeCount {
        ExchangeCount(id: id, serial: Int(id.value) < exchanges.count ? exchanges[Int(id.value)].serial : 0)
    }

    /// Whether it is still the same exchange that has this place.
    func isCurrent(_ count: ExchangeCount) -> Bool { self.count(of: count.id) == count }

    /// - Parameter targets: queues that each of the messages was for.
    mutating func note(_ count: ExchangeCount, publishes: UInt64, targets: Int) {
        let place = Int(count.id.value)
        guard exchanges[place].serial == count.serial else { return }
        exchanges[place].counters.publishIn &+= publishes
        exchanges[place].counters.publishOut &+= publishes &* UInt64(truncatingIfNeeded: targets)
    }

    /// What was told until now is a sample.
    mutating func takeSample(_ number: UInt64) {
        guard number > latestSample else { return }
        latestSample = number
        for place in exchanges.indices {
            exchanges[place].previous = exchanges[place].latest
            exchanges[place].latest = exchanges[place].counters
        }
    }

    /// By how much it rose between the latest two samples.
    func latestDifference(of id: ExchangeID) -> ExchangeCounters {
        var difference = ExchangeCounters()
        guard Int(id.value) < exchanges.count else { return difference }
        let exchange = exchanges[Int(id.value)]
        difference.publishIn = exchange.latest.publishIn &- exchange.previous.publishIn
        difference.publishOut = exchange.latest.publishOut &- exchange.previous.publishOut
        return difference
    }

    func counters(of id: ExchangeID) -> ExchangeCounters {
        Int(id.value) < exchanges.count ? exchanges[Int(id.value)].counters : ExchangeCounters()
    }
}
