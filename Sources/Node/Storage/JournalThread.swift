import Broker
import Journal
import Logging
import Synchronization

/// The thread that writes the journal: what the shards and the control plane have handed over is written in one go,
/// synced in one go, and then those who waited are told. The batch is whatever arrived during the last sync.
final class JournalThread: Sendable {
    /// What the thread tells the node, from itself.
    struct Events: Sendable {
        /// A shard may look again at who waits.
        let advanced: @Sendable (_ shard: Int) -> Void
        let diskIsFull: @Sendable (Bool) -> Void
        /// Nothing is confirmed any more.
        let failed: @Sendable (JournalError) -> Void
        /// Bytes of memory that the journal needs to know what is alive.
        let indexed: @Sendable (Int) -> Void
    }

    /// Belongs to the thread.
    nonisolated(unsafe) private let work: JournalWork
    private let lanes: [LaneInbox]
    private let finishedJobs: FinishedJobs
    private let signal: ThreadSignal
    private let isStopped = Atomic<Bool>(false)
    /// The thread sleeps long: it wants to hear of what nobody waits for, too.
    private let isIdle = Atomic<Bool>(false)
    private let firstFailure = Mutex<JournalError?>(nil)
    private let events: Events

    /// A lane with so much is written without anybody waiting.
    private static let wantedByteCount = 512 << 10

    init(
        journal: Journal, controlPlane: ControlPlane, progress: JournalProgress, shardCount: Int,
        maintenance: SerialThread, meter: JournalMeter, events: Events
    ) {
        let lanes = (0..<shardCount).map { _ in LaneInbox() }
        self.lanes = lanes
        self.events = events
        let finishedJobs = FinishedJobs()
        let signal = ThreadSignal()
        self.finishedJobs = finishedJobs
        self.signal = signal
        work = JournalWork(
            journal: journal, controlPlane: controlPlane, progress: progress, lanes: lanes, meter: meter, events: events
        ) { job in
            maintenance.perform {
                job.run()
                finishedJobs.append(job)
                signal.wake()
            }
        }
    }

    /// The end of a shard's turn, from its event loop. Returns an empty buffer to go on with.
    func append(
        _ records: LaneBuffer, shard: Int, position: UInt64, sequence: UInt64, urgency: LaneUrgency
    ) -> LaneBuffer {
        let (byteCount, spare) = lanes[shard].append(
            records, position: position, sequence: sequence, urgency: urgency)
        let isWanted = urgency != .none || byteCount > Self.wantedByteCount
        if isWanted || isIdle.load(ordering: .acquiring) && isIdle.exchange(false, ordering: .acquiringAndReleasing) {
            signal.wake()
        }
        return spare
    }

    func start() { startThread { [self] in run() } }

    /// Writes and syncs what there is, makes a checkpoint, and ends. The shards hand over nothing more. Returns what
    /// has failed, now or before.
    func stop() -> JournalError? {
        isStopped.store(true, ordering: .releasing)
        signal.wake()
        signal.waitForFinish()
        return firstFailure.withLock { $0 }
    }

    private func run() {
        do throws(JournalError) { try serve() } catch { fail(error) }
        do throws(JournalError) { try work.close() } catch { fail(error) }
        signal.finish()
    }

    private func serve() throws(JournalError) {
        while !isStopped.load(ordering: .acquiring) {
            try work.turn(finished: finishedJobs.take())
            isIdle.store(work.isIdle, ordering: .releasing)
            // Who handed something over before could not know.
            if work.isIdle, lanes.contains(where: { !$0.isEmpty }) { continue }
            signal.wait(milliseconds: work.patienceMilliseconds)
        }
        try work.beginStop()
        while try work.isStopping(finished: finishedJobs.take()) {
            signal.wait(milliseconds: work.patienceMilliseconds)
        }
    }

    private func fail(_ error: JournalError) {
        firstFailure.withLock { if $0 == nil { $0 = error } }
        events.failed(error)
    }
}

/// Jobs that have run on the maintenance thread.
private final class FinishedJobs: Sendable {
    private let jobs = Mutex<[MaintenanceJob]>([])

    func append(_ job: MaintenanceJob) { jobs.withLock { $0.append(job) } }

    func take() -> [MaintenanceJob] {
        jobs.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
    }
}
