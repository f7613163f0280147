import AMQPWire
import Broker
import Synchronization

/// What the node counts, together: totals with rates and history, each virtual host, and the facts of the process. From
/// any thread.
package final class NodeStatistics: Sendable {
    fileprivate struct State {
        var history = RateHistory<TotalsSample>()
        /// By the virtual host's index.
        var hosts: [Int: RateHistory<TotalsSample>] = [:]
        var statistics = ShardStatistics()
        var sums = ShardSums()
        var summedMilliseconds: UInt64 = 0
        /// At the latest sample, and what had changed since the one before.
        var process: ProcessSnapshot?
        var processRates = ProcessRates()
    }

    private let shards: [Shard]
    private let controlPlane: ControlPlane
    private let interval: UInt64
    let process: ProcessMeter
    private let state = Mutex(State())
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// Rates are those of this time.
    private static let rateMilliseconds: UInt64 = 5000
    /// So many queues, or channels, are looked at in one turn of a shard: a fifth of a millisecond's work at most.
    private static let queueStepCount = 1024
    private static let channelStepCount = 256
    /// With more queues and channels than this, they are summed up at each sample only, not each second.
    private static let summedEachSecond = 5000

    /// - Parameter sampleMilliseconds: how often queues and channels are sampled; nil: never.
    init(shards: [Shard], controlPlane: ControlPlane, process: ProcessMeter, sampleMilliseconds: Int?) {
        self.shards = shards
        self.controlPlane = controlPlane
        self.process = process
        interval = UInt64(sampleMilliseconds ?? 0)
    }

    func start() {
        let task = Task { await run() }
        self.task.withLock { $0 = task }
    }

    /// Nothing is asked of the shards when it returns.
    func stop() async {
        let running = task.withLock { $0 }
        running?.cancel()
        await running?.value
    }

    private func run() async {
        var sampledMilliseconds: UInt64 = 0
        while !Task.isCancelled {
            let now = Clock.now.monotonicMilliseconds
            let isSample = interval > 0 && now + 500 >= sampledMilliseconds + interval
            if isSample { sampledMilliseconds = now }
            if isSample { noteProcess() }
            await sum(sampling: isSample)
            try? await Task.sleep(nanoseconds: 1_000_000_000)
        }
    }

    // MARK: Summing up

    /// Looks at every shard: at its counters always, at its queues and channels where it is time.
    private func sum(sampling: Bool) async {
        let statistics = await readCounters()
        let count = state.withLock { state in
            state.statistics = statistics
            let total = state.sums.total
            return total.queueCount + total.channelCount
        }
        if sampling || count <= Self.summedEachSecond { await walk(sampling: sampling) }
        let now = Clock.now.wallMilliseconds
        state.withLock { $0.note(now) }
    }

    private func readCounters() async -> ShardStatistics {
        var statistics = ShardStatistics()
        for shard in shards { statistics = await statistics + shard.run { $0.allStatistics } }
        return statistics
    }

    private func walk(sampling: Bool) async {
        let sums = await withTaskGroup(of: ShardSums.self) { group in
            for shard in shards { group.addTask { await Self.walk(shard, sampling: sampling) } }
            return await group.reduce(ShardSums(), +)
        }
        let now = Clock.now.monotonicMilliseconds
        state.withLock { state in
            state.sums = sums
            state.summedMilliseconds = now
        }
    }

    private static func walk(_ shard: Shard, sampling: Bool) async -> ShardSums {
        if sampling {
            await shard.run { $0.beginSample() }
            await shard.walk(()) { state, start, _ in
                state.sampleConnections(from: start, limit: channelStepCount)
            }
        }
        let queues = await shard.walk(ShardSums()) { state, start, sums in
            sampling
                ? state.sampleQueues(from: start, limit: queueStepCount, into: &sums)
                : state.sumQueues(from: start, limit: queueStepCount, into: &sums)
        }
        return await shard.walk(queues) { state, start, sums in
            let next =
                sampling
                ? state.sampleChannels(from: start, limit: channelStepCount, into: &sums)
                : state.sumChannels(from: start, limit: channelStepCount, into: &sums)
            if next == nil { state.addVirtualHostCounters(to: &sums) }
            return next
        }
    }

    /// What is asked for shall be of now; but who asks very often, of very many objects, gets what was of late.
    private func refresh() async {
        let isRecent = state.withLock { state in
            let total = state.sums.total
            return total.queueCount + total.channelCount > Self.summedEachSecond
                && Clock.now.monotonicMilliseconds - state.summedMilliseconds < 1000
        }
        if !isRecent { await walk(sampling: false) }
        let statistics = await readCounters()
        state.withLock { $0.statistics = statistics }
    }

    // MARK: Telling

    /// The node's totals as they are now.
    package func totals(history span: HistorySpan? = nil) async -> NodeTotals {
        await refresh()
        let exchangeCount = controlPlane.objectCounts.exchanges
        return state.withLock { state in
            let total = state.sums.total
            var node = NodeTotals()
            node.totals = Self.snapshot(state.sample, state.history, span)
            node.statistics = state.statistics
            node.connectionCount = Int(
                clamping: state.statistics.connectionsOpened - state.statistics.connectionsClosed)
            node.channelCount = total.channelCount
            node.queueCount = total.queueCount
            node.consumerCount = total.consumerCount
            node.exchangeCount = exchangeCount
            node.publisherCount = state.sums.publisherCount
            return node
        }
    }

    /// What a virtual host's queues hold and its clients do; nil when it is not there.
    package func totals(ofVirtualHost name: ShortString, history span: HistorySpan? = nil) async -> TotalsSnapshot? {
        await totals(ofVirtualHosts: [name], history: span)[name]
    }

    /// The same for several.
    package func totals(
        ofVirtualHosts names: [ShortString], history span: HistorySpan? = nil
    ) async -> [ShortString: TotalsSnapshot] {
        await refresh()
        let indexes = controlPlane.virtualHostIndexes(names)
        return state.withLock { state in
            indexes.mapValues { index in
                let sums = state.sums.virtualHosts[index] ?? VirtualHostSnapshot()
                return Self.snapshot(TotalsSample(sums), state.hosts[index] ?? .short, span)
            }
        }
    }

    private static func snapshot(
        _ sample: TotalsSample, _ history: RateHistory<TotalsSample>, _ span: HistorySpan?
    ) -> TotalsSnapshot {
        var snapshot = TotalsSnapshot()
        snapshot.sample = sample
        if let (first, last) = history.ends(ofMilliseconds: rateMilliseconds) {
            snapshot.rates = TotalsRates(
                from: first.sample, to: last.sample, seconds: Double(last.milliseconds - first.milliseconds) / 1000)
        }
        if let span {
            snapshot.history = history.samples(
                ageMilliseconds: span.ageMilliseconds, incrementMilliseconds: span.incrementMilliseconds
            ).map { (milliseconds: $0.milliseconds, sample: $0.sample) }
        }
        return snapshot
    }

    /// Forgets what was before; rates begin anew.
    package func resetHistory() {
        state.withLock { state in
            state.history = RateHistory()
            state.hosts = [:]
        }
    }

    /// The process and its machine, as they are now.
    package var processSnapshot: ProcessSnapshot { process.snapshot(shards.map(\.load)) }

    /// Between the latest two samples.
    package var processRates: ProcessRates { state.withLock { $0.processRates } }

    private func noteProcess() {
        let snapshot = processSnapshot
        state.withLock { state in
            state.processRates = state.process.map { ProcessRates(from: $0, to: snapshot) } ?? ProcessRates()
            state.process = snapshot
        }
    }
}

extension NodeStatistics.State {
    /// The node's totals: what clients did counts at once, what queues hold as of the last walk.
    fileprivate var sample: TotalsSample {
        var sample = TotalsSample(sums.total)
        sample.counters = statistics.messages
        sample.receivedByteCount = statistics.receivedByteCount
        sample.sentByteCount = statistics.sentByteCount
        sample.churn = ChurnCounters(statistics)
        return sample
    }

    fileprivate mutating func note(_ now: UInt64) {
        history.append(sample, milliseconds: now)
        hosts = hosts.filter { sums.virtualHosts[$0.key] != nil }
        for (index, host) in sums.virtualHosts {
            hosts[index, default: .short].append(TotalsSample(host), milliseconds: now)
        }
    }
}

extension TotalsSample {
    fileprivate init(_ host: VirtualHostSnapshot) {
        counters = host.counters
        readyCount = host.readyCount
        unackedCount = host.unackedCount
        receivedByteCount = host.receivedByteCount
        sentByteCount = host.sentByteCount
    }
}
