import Glibc

/// Runs the loops and watches them: it opens and closes the measured window, waits for what must still come, samples
/// the processes, shows how it goes, and ends everything when something fails, takes too long or is interrupted.
final class Coordinator {
    /// What was seen between two moments.
    struct Window: Equatable, Sendable {
        var start = CounterSample()
        var end = CounterSample()
        var use: ProcessorUse?
        /// The counters from the start on, at even distances.
        var samples: [CounterSample] = []
        var isDrained = false

        var elapsedSeconds: Double { Double(end.time - start.time) / 1e9 }
    }

    private static let tickNanoseconds: UInt64 = 20_000_000

    private let plan: LoadPlan
    private let control: RunControl
    private let processes: [Int32]
    private let deadline: Deadline
    private let progress: Progress
    private let sampleNanoseconds: UInt64
    private(set) var residentPeakKibibytes: Int?
    /// Before the first message.
    private var beginning = CounterSample()

    init(
        _ plan: LoadPlan, _ control: RunControl, processes: [Int32], deadline: Deadline, progress: Progress,
        sampleNanoseconds: UInt64
    ) {
        self.plan = plan
        self.control = control
        self.processes = processes
        self.deadline = deadline
        self.progress = progress
        self.sampleNanoseconds = sampleNanoseconds
    }

    /// - Parameter watch: with the loops running; whatever it does, they are stopped and joined afterwards.
    func run(_ loops: [LoadLoop], _ watch: ([LoopCounters]) throws(PerfError) -> Window) throws(PerfError) -> Window {
        var threads: [SystemThread] = []
        defer {
            control.phase = .stopped
            for thread in threads { thread.join() }
            progress.end()
        }
        beginning.time = MonotonicClock.nanoseconds
        for loop in loops { threads.append(try SystemThread { loop.run() }) }
        return try watch(loops.map(\.counters))
    }

    /// Measures a time: warm-up, window, and for those who must know what arrived, the rest.
    func watchTime(_ counters: [LoopCounters]) throws(PerfError) -> Window {
        var window = Window()
        try pass(seconds: plan.warmupSeconds, counters, &window)
        window.samples = []
        let before = ProcessorTime(processes: processes)
        window.start = CounterSample(counters)
        control.openWindow(at: window.start.time)
        try pass(seconds: plan.durationSeconds, counters, &window)
        window.end = CounterSample(counters)
        control.closeWindow(at: window.end.time)
        window.use = ProcessorUse(
            from: before, to: ProcessorTime(processes: processes), elapsedSeconds: window.elapsedSeconds)
        control.phase = .draining
        if plan.isStamped {
            window.isDrained = try drain(counters, &window)
        } else {
            // A moment to end in order; a broker that takes nothing more is not waited for.
            let end = Deadline(seconds: 1)
            while !end.isOver, try tick(counters, &window).finishedProducers < plan.producers {}
        }
        return window
    }

    /// Measures until all messages are published and, with consumers, delivered.
    func watchCount(_ counters: [LoopCounters], isConsuming: Bool) throws(PerfError) -> Window {
        var window = Window()
        let before = ProcessorTime(processes: processes)
        window.start = beginning
        window.samples = [window.start]
        control.openWindow(at: 0)
        var end = window.start
        while true {
            end = try tick(counters, &window)
            if end.finishedProducers == plan.producers { break }
        }
        window.isDrained = isConsuming ? try drain(counters, &window) : true
        window.end = CounterSample(counters)
        window.samples.append(window.end)
        window.use = ProcessorUse(
            from: before, to: ProcessorTime(processes: processes), elapsedSeconds: window.elapsedSeconds)
        return window
    }

    /// Measures until so many messages were delivered.
    func watchDeliveries(_ counters: [LoopCounters], expected: Int) throws(PerfError) -> Window {
        var window = Window()
        let before = ProcessorTime(processes: processes)
        window.start = beginning
        window.samples = [window.start]
        window.isDrained = try awaitDeliveries(counters, &window) { $0.consumed >= expected }
        window.end = CounterSample(counters)
        window.samples.append(window.end)
        window.use = ProcessorUse(
            from: before, to: ProcessorTime(processes: processes), elapsedSeconds: window.elapsedSeconds)
        return window
    }

    /// Waits for every delivery. Returns whether all came.
    private func drain(_ counters: [LoopCounters], _ window: inout Window) throws(PerfError) -> Bool {
        while try tick(counters, &window).finishedProducers < plan.producers {}
        if plan.consumers == 0 { return true }
        return try awaitDeliveries(counters, &window) { $0.consumed >= $0.expected }
    }

    private func awaitDeliveries(
        _ counters: [LoopCounters], _ window: inout Window, _ isDone: (CounterSample) -> Bool
    ) throws(PerfError) -> Bool {
        var sample = CounterSample(counters)
        var progressTime = sample.time
        var consumed = sample.consumed
        while !isDone(sample) {
            sample = try tick(counters, &window)
            if sample.consumed != consumed {
                consumed = sample.consumed
                progressTime = sample.time
            } else if Double(sample.time - progressTime) / 1e9 > plan.drainTimeoutSeconds {
                return false
            }
        }
        return true
    }

    private func pass(seconds: Double, _ counters: [LoopCounters], _ window: inout Window) throws(PerfError) {
        let end = MonotonicClock.nanoseconds + UInt64(seconds * 1e9)
        while case let now = MonotonicClock.nanoseconds, now < end {
            try tick(counters, &window, nanoseconds: min(Self.tickNanoseconds, end - now))
        }
    }

    @discardableResult
    private func tick(
        _ counters: [LoopCounters], _ window: inout Window, nanoseconds: UInt64 = Coordinator.tickNanoseconds
    ) throws(PerfError) -> CounterSample {
        let pause = min(nanoseconds, max(sampleNanoseconds / 2, 1_000_000))
        if Interruption.sleep(nanoseconds: pause) { throw PerfError(.interrupted, "interrupted") }
        if let error = control.error { throw error }
        if deadline.isOver {
            throw PerfError(.timeout, "the run is not at its end after the time of --timeout; raise it or do less")
        }
        let sample = CounterSample(counters)
        let isMeasuring = control.phase == .publishing || plan.messages != nil
        if isMeasuring, sample.time - (window.samples.last?.time ?? 0) >= sampleNanoseconds {
            window.samples.append(sample)
        }
        if let resident = ProcessorTime.residentKibibytes(of: processes) {
            residentPeakKibibytes = max(resident, residentPeakKibibytes ?? 0)
        }
        progress.show(sample)
        return sample
    }
}
