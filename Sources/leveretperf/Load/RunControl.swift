import Synchronization

/// What the threads of a run share: the coordinator says what to do, the loops say how far they are.
final class RunControl: Sendable {
    enum Phase: Int {
        case publishing
        /// Producers end with their last whole message; consumers go on.
        case draining
        case stopped
    }

    /// When the run began, in nanoseconds of the monotonic clock: times in stamps count from here.
    let epoch: UInt64
    let secret: UInt64
    private let phaseNumber = Atomic<Int>(Phase.publishing.rawValue)
    private let windowStart = Atomic<UInt64>(.max)
    private let windowEnd = Atomic<UInt64>(.max)
    private let failure = Mutex<PerfError?>(nil)

    init(epoch: UInt64 = MonotonicClock.nanoseconds, secret: UInt64 = UInt64.random(in: 0...UInt64.max)) {
        self.epoch = epoch
        self.secret = secret
    }

    var phase: Phase {
        get { Phase(rawValue: phaseNumber.load(ordering: .acquiring)) ?? .stopped }
        set { phaseNumber.store(newValue.rawValue, ordering: .releasing) }
    }

    func openWindow(at time: UInt64) { windowStart.store(time, ordering: .relaxed) }
    func closeWindow(at time: UInt64) { windowEnd.store(time, ordering: .relaxed) }

    /// Whether a message of that time counts.
    @inline(__always)
    func isMeasured(_ time: UInt64) -> Bool {
        time >= windowStart.load(ordering: .relaxed) && time < windowEnd.load(ordering: .relaxed)
    }

    /// The first failure is the cause of the others.
    func fail(_ error: PerfError) { failure.withLock { $0 = $0 ?? error } }
    var error: PerfError? { failure.withLock { $0 } }
}

/// What one loop has done so far; written by it alone, once for each turn.
final class LoopCounters: Sendable {
    let published = Atomic<Int>(0)
    let consumed = Atomic<Int>(0)
    let confirmed = Atomic<Int>(0)
    let nacked = Atomic<Int>(0)
    let redelivered = Atomic<Int>(0)
    /// `connection.blocked` and `channel.flow` that stopped a producer.
    let blocked = Atomic<Int>(0)
    /// Producers that are done, and how many deliveries what they published must make.
    let finishedProducers = Atomic<Int>(0)
    let expected = Atomic<Int>(0)
    /// When the last message was published, confirmed, consumed.
    let publishTime = Atomic<UInt64>(0)
    let confirmTime = Atomic<UInt64>(0)
    let consumeTime = Atomic<UInt64>(0)
}

/// All loops' counters at one moment.
struct CounterSample: Equatable, Sendable {
    var time: UInt64 = 0
    var published = 0
    var consumed = 0
    var confirmed = 0
    var nacked = 0
    var redelivered = 0
    var blocked = 0
    var finishedProducers = 0
    var expected = 0

    init() {}

    init(_ counters: [LoopCounters]) {
        time = MonotonicClock.nanoseconds
        for loop in counters {
            // Acquired first: whoever sees a producer finished sees what it published.
            finishedProducers += loop.finishedProducers.load(ordering: .acquiring)
            expected += loop.expected.load(ordering: .relaxed)
            published += loop.published.load(ordering: .relaxed)
            consumed += loop.consumed.load(ordering: .relaxed)
            confirmed += loop.confirmed.load(ordering: .relaxed)
            nacked += loop.nacked.load(ordering: .relaxed)
            redelivered += loop.redelivered.load(ordering: .relaxed)
            blocked += loop.blocked.load(ordering: .relaxed)
        }
    }
}
