import Glibc

/// Fills the queues without a consumer, waits until they hold everything, then drains them.
struct BacklogRun {
    let run: LoadRun
    let routes: RoutePlan
    let control: RunControl
    let connecting: Connecting
    let session: BrokerSession

    private static let sampleNanoseconds: UInt64 = 5_000_000

    private var plan: LoadPlan { run.plan }

    func run(
        _ producers: [Producer], _ consumers: [Consumer], _ result: inout LoadResult
    ) throws(PerfError) {
        var backlog = BacklogResult()
        backlog.residentBeforeKibibytes = ProcessorTime.residentKibibytes(of: run.processes)
        let filling = try run.loops(producers, [], routes, control)
        let fillCoordinator = run.coordinator(control, sampleNanoseconds: Self.sampleNanoseconds)
        run.setSchedules(producers)
        let fill = try fillCoordinator.run(filling) { counters throws(PerfError) in
            try fillCoordinator.watchCount(counters, isConsuming: false)
        }
        if let error = control.error { throw error }
        var last = LoadResult.LastTimes(filling.map(\.counters))
        let expected = fill.end.expected
        backlog.queued = try settle(expected)
        let settled = plan.confirmWindow > 0 ? last.confirm : MonotonicClock.nanoseconds
        backlog.settledSeconds = seconds(fill.start.time, settled)
        backlog.residentFullKibibytes = ProcessorTime.residentKibibytes(of: run.processes)
        backlog.fill = half(
            fill, last.publish, fill.samples.map { ($0.time, $0.published) }, total: fill.end.published)

        control.phase = .draining
        try connecting.subscribe(consumers, waiting: false)
        let draining = try run.loops([], consumers, routes, control)
        let drainCoordinator = run.coordinator(control, sampleNanoseconds: Self.sampleNanoseconds)
        let drain = try drainCoordinator.run(draining) { counters throws(PerfError) in
            try drainCoordinator.watchDeliveries(counters, expected: expected)
        }
        if let error = control.error { throw error }
        last.consume = LoadResult.LastTimes(draining.map(\.counters)).consume
        backlog.drain = half(
            drain, last.consume, drain.samples.map { ($0.time, $0.consumed) }, total: drain.end.consumed)
        result.backlog = backlog
        result.lastTimes = last
        result.window = Self.joined(fill, drain)
        result.residentPeakKibibytes = [fillCoordinator, drainCoordinator].compactMap(\.residentPeakKibibytes).max()
    }

    private func seconds(_ start: UInt64, _ end: UInt64) -> Double { Double(max(start, end) - start) / 1e9 }

    private func half(
        _ window: Coordinator.Window, _ last: UInt64, _ samples: [(time: UInt64, count: Int)], total: Int
    ) -> BacklogResult.Half {
        var half = BacklogResult.Half()
        half.seconds = seconds(window.start.time, last)
        half.rate = half.seconds > 0 ? Double(total) / half.seconds : 0
        half.slices = BacklogResult.slices(samples, total: total)
        if let used = window.use?.brokerSeconds, total > 0 { half.brokerSecondsPerMillion = used / Double(total) * 1e6 }
        return half
    }

    /// Waits until the queues hold everything, or hold no more for a while. Returns what they hold.
    private func settle(_ expected: Int) throws(PerfError) -> Int {
        let topology = Topology(routes: routes, plan: plan)
        var depth = 0
        var change = MonotonicClock.nanoseconds
        while true {
            let now = try topology.depth(session, run.deadline)
            if now >= expected { return now }
            if now != depth { change = MonotonicClock.nanoseconds }
            depth = now
            if Double(MonotonicClock.nanoseconds - change) / 1e9 > plan.drainTimeoutSeconds { return depth }
            if run.deadline.isOver { throw PerfError(.timeout, "the queues did not fill within --timeout") }
            if Interruption.sleep(nanoseconds: 5_000_000) { throw PerfError(.interrupted, "interrupted") }
        }
    }

    /// Both halves as one window, without the time between them.
    static func joined(_ fill: Coordinator.Window, _ drain: Coordinator.Window) -> Coordinator.Window {
        var window = fill
        window.samples = fill.samples
        for var sample in drain.samples {
            sample.published = fill.end.published
            sample.confirmed = fill.end.confirmed
            window.samples.append(sample)
        }
        window.end.consumed = drain.end.consumed
        window.end.redelivered = drain.end.redelivered
        window.end.time = drain.end.time
        window.isDrained = drain.isDrained
        if let first = fill.use, let second = drain.use { window.use = first + second }
        return window
    }
}

extension ProcessorUse {
    static func + (left: Self, right: Self) -> Self {
        ProcessorUse(
            elapsedSeconds: left.elapsedSeconds + right.elapsedSeconds,
            clientSeconds: left.clientSeconds + right.clientSeconds,
            brokerSeconds: left.brokerSeconds.flatMap { first in right.brokerSeconds.map { first + $0 } },
            otherCores: left.otherCores.flatMap { first in
                right.otherCores.map {
                    (first * left.elapsedSeconds + $0 * right.elapsedSeconds)
                        / (left.elapsedSeconds + right.elapsedSeconds)
                }
            })
    }

    private init(elapsedSeconds: Double, clientSeconds: Double, brokerSeconds: Double?, otherCores: Double?) {
        self.elapsedSeconds = elapsedSeconds
        self.clientSeconds = clientSeconds
        self.brokerSeconds = brokerSeconds
        self.otherCores = otherCores
    }
}
