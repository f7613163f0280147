import Synchronization

/// One thread's connections. It serves whoever is ready in turn: each gets one read or one write a round, so that a
/// publisher at full speed does not keep a consumer waiting.
final class LoadLoop: @unchecked Sendable {
    // Only its counters are touched by another thread while it runs.
    let counters = LoopCounters()
    let producers: [Producer]
    let consumers: [Consumer]
    private let control: RunControl
    private let routes: RoutePlan
    private let cycles: [KeyCycle]
    private let poller: Poller
    private var isFinished: [Bool]

    /// - Parameter cycles: of all producers of the run.
    init(
        _ control: RunControl, _ routes: RoutePlan, cycles: [KeyCycle], producers: [Producer], consumers: [Consumer]
    ) throws(PerfError) {
        self.control = control
        self.routes = routes
        self.cycles = cycles
        self.producers = producers
        self.consumers = consumers
        isFinished = Array(repeating: false, count: producers.count)
        poller = try Poller()
        for (index, producer) in producers.enumerated() {
            try poller.add(socket: producer.session.descriptor, index: index)
        }
        for (index, consumer) in consumers.enumerated() {
            try poller.add(socket: consumer.session.descriptor, index: producers.count + index)
        }
    }

    /// Runs until the coordinator says stop, or something fails.
    func run() {
        do {
            while control.phase != .stopped { try turn() }
        } catch {
            control.fail(error)
        }
    }

    private func turn() throws(PerfError) {
        var hasMore = false
        for consumer in consumers where consumer.isReadable || consumer.hasOutput {
            if try serve(consumer) { hasMore = true }
        }
        if !producers.isEmpty {
            let isEnding = control.phase != .publishing
            let now = MonotonicClock.nanoseconds
            for index in producers.indices where try serve(index, isEnding, now) { hasMore = true }
        }
        publishCounters()
        var next: UInt64?
        if !hasMore {
            for producer in producers {
                if let time = producer.nextTime { next = min(time, next ?? .max) }
            }
            if let time = next, time <= MonotonicClock.nanoseconds { hasMore = true }
        }
        // Without an event it looks for the coordinator's word now and then.
        poller.poll(waitMilliseconds: hasMore ? 0 : 20, until: next) { index, isReadable, isWritable in
            if index < producers.count {
                if isReadable { producers[index].isReadable = true }
                if isWritable { producers[index].isWritable = true }
            } else {
                let consumer = consumers[index - producers.count]
                if isReadable { consumer.isReadable = true }
                if isWritable { consumer.isWritable = true }
            }
        }
    }

    /// Returns whether there is more to do at once.
    private func serve(_ consumer: Consumer) throws(PerfError) -> Bool {
        if consumer.isReadable, try !consumer.read(control) { consumer.isReadable = consumer.isHeldBack }
        if consumer.hasOutput, consumer.isWritable { consumer.isWritable = try consumer.write() }
        return consumer.isReadable && !consumer.isHeldBack
    }

    private func serve(_ index: Int, _ isEnding: Bool, _ now: UInt64) throws(PerfError) -> Bool {
        let producer = producers[index]
        if producer.isReadable { producer.isReadable = try producer.read(now) }
        if isEnding { producer.finish() }
        var hasMore = producer.isReadable
        if producer.isWritable {
            switch try producer.write(now) {
            case .full: producer.isWritable = false
            case .more: hasMore = true
            case .idle: break
            }
        }
        if !isFinished[index], producer.isFinished {
            isFinished[index] = true
            let deliveries = routes.deliveryCount(cycles[producer.index], first: producer.published)
            counters.expected.wrappingAdd(deliveries, ordering: .relaxed)
            publishCounters()
            counters.finishedProducers.wrappingAdd(1, ordering: .releasing)
        }
        return hasMore
    }

    private func publishCounters() {
        var published = 0
        var confirmed = 0
        var nacked = 0
        var blocked = 0
        for producer in producers {
            published += producer.published
            confirmed += producer.confirmed
            nacked += producer.nacked
            blocked += producer.blockedCount
        }
        var consumed = 0
        var redelivered = 0
        for consumer in consumers {
            consumed += consumer.consumed
            redelivered += consumer.redelivered
        }
        let now = MonotonicClock.nanoseconds
        if counters.published.load(ordering: .relaxed) != published {
            counters.published.store(published, ordering: .relaxed)
            counters.publishTime.store(now, ordering: .relaxed)
        }
        if counters.confirmed.load(ordering: .relaxed) != confirmed {
            counters.confirmed.store(confirmed, ordering: .relaxed)
            counters.nacked.store(nacked, ordering: .relaxed)
            counters.confirmTime.store(now, ordering: .relaxed)
        }
        if counters.consumed.load(ordering: .relaxed) != consumed {
            counters.consumed.store(consumed, ordering: .relaxed)
            counters.redelivered.store(redelivered, ordering: .relaxed)
            counters.consumeTime.store(now, ordering: .relaxed)
        }
        counters.blocked.store(blocked, ordering: .relaxed)
    }
}
