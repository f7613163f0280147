import Synchronization

/// What `--verify` found. All zero, but for `redelivered`: clean.
struct VerifyResult: Equatable, Sendable {
    var expected = 0
    var received = 0
    /// Should have reached a queue and was not delivered from it.
    var lost = 0
    /// Was delivered once more without being marked as redelivered.
    var duplicates = 0
    /// Was delivered once more and marked so, as after a consumer's end.
    var redelivered = 0
    /// Came behind a later message of the same producer, from the same queue on the same connection.
    var reordered = 0
    /// Was delivered from a queue that it should not have reached.
    var misrouted = 0
    /// Is none of this run's messages, or not what was published.
    var corrupt = 0

    var isClean: Bool { lost == 0 && duplicates == 0 && reordered == 0 && misrouted == 0 && corrupt == 0 }
}

/// Which messages each queue should deliver and which it has delivered, for every producer.
///
/// Per queue and producer one bit for each message number, in pages; a page that has all its messages is forgotten. So
/// memory follows what is in the queues, not how long a run takes.
final class Ledger: Sendable {
    /// Messages of a page.
    static let pageCount = 16384

    fileprivate struct Pages {
        var bits: [Int: [UInt64]] = [:]
        /// By page: how many of its messages this queue has still to deliver.
        var missing: [Int: Int] = [:]
        var complete: Set<Int> = []
        /// Every page before this one is complete.
        var completeBelow = 0
    }

    private struct State {
        /// By producer.
        var pages: [Pages]
        var result = VerifyResult()
    }

    /// Consumers of several threads may read one queue.
    private final class Queue: Sendable {
        let state: Mutex<State>
        /// By producer: at which places of the producer's cycle this queue gets a message, in order.
        let places: [[Int]]

        init(producers: Int, places: [[Int]]) {
            state = Mutex(State(pages: Array(repeating: Pages(), count: producers)))
            self.places = places
        }
    }

    private let queues: [Queue]
    private let cycles: [KeyCycle]

    init(_ plan: LoadPlan, _ routes: RoutePlan) {
        let cycles = (0..<plan.producers).map { routes.cycle(of: $0, plan) }
        self.cycles = cycles
        var places = Array(repeating: Array(repeating: [Int](), count: plan.producers), count: plan.queues)
        for (producer, cycle) in cycles.enumerated() {
            for place in 0..<cycle.count {
                for queue in routes.queuesOfKey[cycle.key(at: place)] { places[queue][producer].append(place) }
            }
        }
        queues = places.map { Queue(producers: plan.producers, places: $0) }
    }

    /// Takes a delivery from a queue.
    func receive(queue: Int, _ stamp: Stamp?, isRedelivered: Bool) {
        let allPlaces = queues[queue].places
        queues[queue].state.withLock { state in
            state.result.received += 1
            guard let stamp, stamp.producer < cycles.count else {
                state.result.corrupt += 1
                return
            }
            let cycle = cycles[stamp.producer]
            let places = allPlaces[stamp.producer]
            let place = stamp.number % cycle.count
            guard places.count == cycle.count || contains(places, place) else {
                state.result.misrouted += 1
                return
            }
            let page = stamp.number / Self.pageCount
            let isNew = state.pages[stamp.producer].insert(stamp.number) {
                expected(places, cycle.count, from: page * Self.pageCount, to: (page + 1) * Self.pageCount)
            }
            if isNew { return }
            if isRedelivered { state.result.redelivered += 1 } else { state.result.duplicates += 1 }
        }
    }

    /// A consumer saw an earlier message behind a later one.
    func noteReordered(queue: Int) { queues[queue].state.withLock { $0.result.reordered += 1 } }
    func noteStranger() { queues[0].state.withLock { $0.result.corrupt += 1 } }

    /// - Parameter published: by producer, how many messages the broker was given.
    func result(published: [Int]) -> VerifyResult {
        var sum = VerifyResult()
        for queue in queues {
            queue.state.withLock { state in
                let result = state.result
                var expectedCount = 0
                for (producer, cycle) in cycles.enumerated() {
                    expectedCount += expected(queue.places[producer], cycle.count, from: 0, to: published[producer])
                }
                let repeated = result.duplicates + result.redelivered
                let distinct = result.received - result.corrupt - result.misrouted - repeated
                sum.expected += expectedCount
                sum.lost += max(0, expectedCount - distinct)
                sum.received += result.received
                sum.duplicates += result.duplicates
                sum.redelivered += result.redelivered
                sum.reordered += result.reordered
                sum.misrouted += result.misrouted
                sum.corrupt += result.corrupt
            }
        }
        return sum
    }

    /// How many messages with numbers from `start` up to `end` a queue with these places gets.
    private func expected(_ places: [Int], _ cycleCount: Int, from start: Int, to end: Int) -> Int {
        func below(_ number: Int) -> Int {
            number / cycleCount * places.count + lowerBound(places, number % cycleCount)
        }
        return below(end) - below(start)
    }

    private func contains(_ places: [Int], _ place: Int) -> Bool {
        let index = lowerBound(places, place)
        return index < places.count && places[index] == place
    }

    private func lowerBound(_ places: [Int], _ place: Int) -> Int {
        var low = 0
        var high = places.count
        while low < high {
            let middle = (low + high) / 2
            if places[middle] < place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Ledger.Pages {
    /// Marks the message. Returns false when it was there already.
    fileprivate mutating func insert(_ number: Int, pageExpected: () -> Int) -> Bool {
        let page = number / Ledger.pageCount
        if page < completeBelow || complete.contains(page) { return false }
        if bits[page] == nil {
            bits[page] = Array(repeating: 0, count: Ledger.pageCount / 64)
            missing[page] = pageExpected()
        }
        let place = number % Ledger.pageCount
        let bit: UInt64 = 1 << UInt64(place % 64)
        guard bits[page, default: []][place / 64] & bit == 0 else { return false }
        bits[page, default: []][place / 64] |= bit
        let left = missing[page, default: 0] - 1
        missing[page] = left
        if left == 0 {
            bits[page] = nil
            missing[page] = nil
            complete.insert(page)
            while complete.remove(completeBelow) != nil { completeBelow += 1 }
        }
        return true
    }
}
