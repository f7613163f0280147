import AMQPWire
import Glibc
import struct LeveretClient.ConnectionOptions
import Synchronization

/// One run of a load against one broker, from the first connection to the removal of what it declared.
struct LoadRun {
    let plan: LoadPlan
    let options: ConnectionOptions
    let processes: [Int32]
    let prefix: String
    let keepsTopology: Bool
    let deadline: Deadline
    let progress: Progress

    func run() throws(PerfError) -> LoadResult {
        try ProcessorTime.check(processes)
        let start = MonotonicClock.nanoseconds
        progress.show("connecting")
        let routes = RoutePlan(plan, prefix: prefix)
        let control = RunControl()
        let connecting = Connecting(
            options: options, plan: plan, routes: routes, control: control, deadline: deadline)
        let session = try connecting.session()
        let topology = Topology(routes: routes, plan: plan)
        defer {
            progress.end()
            if !keepsTopology { topology.remove(options) }
        }
        try topology.declare(session, deadline)
        var result = LoadResult(plan: plan, product: session.product, place: options.place)
        let parts = Parts(plan, routes, control)
        let producers = try connecting.producers { index in
            let place = index % plan.threads
            return (parts.confirms.isEmpty ? nil : parts.confirms[place], parts.lags.isEmpty ? nil : parts.lags[place])
        }
        let consumers = try connecting.consumers { parts.bodyReader($0) }
        let sessions = producers.map(\.session) + consumers.map(\.session)
        defer {
            // Who was stopped within a frame cannot say goodbye.
            let polite = producers.filter(\.isBetweenMessages).map(\.session)
            Connecting.close(polite + consumers.filter { !$0.hasOutput }.map(\.session) + [session])
        }
        if plan.scenario != .backlog { try connecting.subscribe(consumers, waiting: true) }
        for descriptor in sessions.map(\.descriptor) { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        result.setupSeconds = Double(MonotonicClock.nanoseconds - start) / 1e9
        if plan.scenario == .backlog {
            let backlog = BacklogRun(
                run: self, routes: routes, control: control, connecting: connecting, session: session)
            try backlog.run(producers, consumers, &result)
        } else {
            try measure(producers, consumers, routes, control, &result)
        }
        parts.fill(&result, published: producers.map(\.published))
        return result
    }

    private func measure(
        _ producers: [Producer], _ consumers: [Consumer], _ routes: RoutePlan, _ control: RunControl,
        _ result: inout LoadResult
    ) throws(PerfError) {
        let loops = try loops(producers, consumers, routes, control)
        let length = plan.messages == nil ? plan.durationSeconds : 2
        let coordinator = coordinator(control, sampleNanoseconds: UInt64(max(0.02, min(1, length / 50)) * 1e9))
        setSchedules(producers)
        result.window = try coordinator.run(loops) { counters throws(PerfError) in
            if plan.messages == nil { return try coordinator.watchTime(counters) }
            return try coordinator.watchCount(counters, isConsuming: plan.consumers > 0)
        }
        result.residentPeakKibibytes = coordinator.residentPeakKibibytes
        result.lastTimes = LoadResult.LastTimes(loops.map(\.counters))
        if let error = control.error { throw error }
    }

    func coordinator(_ control: RunControl, sampleNanoseconds: UInt64) -> Coordinator {
        Coordinator(
            plan, control, processes: processes, deadline: deadline, progress: progress,
            sampleNanoseconds: sampleNanoseconds)
    }

    /// The connections, spread over the threads.
    func loops(
        _ producers: [Producer], _ consumers: [Consumer], _ routes: RoutePlan, _ control: RunControl
    ) throws(PerfError) -> [LoadLoop] {
        let cycles = (0..<plan.producers).map { routes.cycle(of: $0, plan) }
        var loops: [LoadLoop] = []
        for thread in 0..<plan.threads {
            loops.append(
                try LoadLoop(
                    control, routes, cycles: cycles,
                    producers: producers.indices.filter { $0 % plan.threads == thread }.map { producers[$0] },
                    consumers: consumers.indices.filter { $0 % plan.threads == thread }.map { consumers[$0] }))
        }
        return loops
    }

    func setSchedules(_ producers: [Producer]) {
        guard let rate = plan.rate else { return }
        // A moment for the threads to begin, or the first messages would be late.
        let start = MonotonicClock.nanoseconds + 5_000_000
        for producer in producers {
            producer.schedule = Schedule(start: start, rate: rate, producer: producer.index, of: plan.producers)
        }
    }
}

/// What measures and checks beside the connections; one of each kind for each thread.
private struct Parts {
    private let plan: LoadPlan
    private let control: RunControl
    private let ledger: Ledger?
    let latencies: [LatencyRecorder]
    let confirms: [LatencyRecorder]
    let lags: [LatencyRecorder]

    init(_ plan: LoadPlan, _ routes: RoutePlan, _ control: RunControl) {
        self.plan = plan
        self.control = control
        ledger = plan.verifies ? Ledger(plan, routes) : nil
        func recorders(_ isWanted: Bool) -> [LatencyRecorder] {
            isWanted ? (0..<plan.threads).map { _ in LatencyRecorder(control) } : []
        }
        latencies = recorders(plan.measuresLatency)
        confirms = recorders(plan.confirmWindow > 0)
        lags = recorders(plan.measuresLatency)
    }

    func bodyReader(_ consumer: Int) -> BodyReader? {
        guard plan.isStamped else { return nil }
        return BodyReader(
            plan, control, latencies: latencies.isEmpty ? nil : latencies[consumer % plan.threads],
            verifier: ledger.map { DeliveryVerifier($0, plan) })
    }

    func fill(_ result: inout LoadResult, published: [Int]) {
        if !latencies.isEmpty { result.latency = LatencySummary(latencies) }
        if !confirms.isEmpty { result.confirmLatency = LatencySummary(confirms) }
        if !lags.isEmpty { result.sendLag = LatencySummary(lags) }
        result.verify = ledger?.result(published: published)
    }
}

extension LoadResult.LastTimes {
    init(_ counters: [LoopCounters]) {
        publish = counters.map { $0.publishTime.load(ordering: .relaxed) }.max() ?? 0
        confirm = counters.map { $0.confirmTime.load(ordering: .relaxed) }.max() ?? 0
        consume = counters.map { $0.consumeTime.load(ordering: .relaxed) }.max() ?? 0
    }
}

extension ConnectionOptions {
    /// Where it is, without the password.
    var place: String { "\(host):\(port)" + (virtualHost == "/" ? "" : "/\(virtualHost)") }
}
