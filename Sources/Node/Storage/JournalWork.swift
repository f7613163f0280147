import Broker
import Journal

/// What the journal's thread does in one turn, and what it remembers between two. Everything here is the thread's.
final class JournalWork {
    private struct Batch {
        /// The state's records, then the lanes'.
        var buffers: [LaneBuffer] = []
        var state = LaneBuffer()
        var cursor = AppendCursor()
        /// By lane, the state's last: where the lane is when this batch is written.
        var positions: [(position: UInt64, sequence: UInt64)?]
        var lanes: [LaneInbox.Contents]
        var urgency = LaneUrgency.none
    }

    private let journal: Journal
    private let controlPlane: ControlPlane
    private let progress: JournalProgress
    private let lanes: [LaneInbox]
    private let events: JournalThread.Events
    private let meter: JournalMeter
    private let startJob: (MaintenanceJob) -> Void

    /// Taken and not written completely yet.
    private var batch: Batch?
    /// Written, by lane.
    private var written: [UInt64]
    private var wantsSync = false
    private var unsyncedSinceMilliseconds: UInt64?
    private var waitingShards: Set<Int> = []
    private var isDiskFull = false
    private var fullSinceMilliseconds: UInt64 = 0
    private var retriedAtMilliseconds: UInt64 = 0
    private var hasSnapshot = false

    /// What nobody waits for is on stable storage after this time (RabbitMQ's SYNC_INTERVAL is 200 ms).
    private static let idleSyncMilliseconds: UInt64 = 100
    /// Publishers that were blocked stay so for this time, or they would be told of every segment that comes and goes.
    private static let fullMilliseconds: UInt64 = 1000
    /// A full disk is tried again after this time.
    private static let retryMilliseconds: UInt64 = 250
    /// A shard is told of so much written though nobody waits for it: it may have paused its publishers.
    private static let toldByteCount = 1 << 20

    init(
        journal: Journal, controlPlane: ControlPlane, progress: JournalProgress, lanes: [LaneInbox],
        meter: JournalMeter, events: JournalThread.Events, startJob: @escaping (MaintenanceJob) -> Void
    ) {
        self.journal = journal
        self.controlPlane = controlPlane
        self.progress = progress
        self.lanes = lanes
        self.meter = meter
        self.events = events
        self.startJob = startJob
        written = Array(repeating: 0, count: lanes.count + 1)
    }

    /// How long the thread may sleep when nobody wakes it.
    var patienceMilliseconds: Int {
        if unsyncedSinceMilliseconds != nil { return Int(Self.idleSyncMilliseconds) / 2 }
        return isDiskFull ? Int(Self.retryMilliseconds) : 1000
    }

    /// Nothing is on its way to stable storage.
    var isIdle: Bool { batch == nil && unsyncedSinceMilliseconds == nil }

    private var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    func turn(finished jobs: [MaintenanceJob]) throws(JournalError) {
        for job in jobs { try journal.finish(job) }
        checkDisk()
        if batch == nil { takeBatch() }
        try write()
        try syncIfDue()
        maintain()
    }

    // MARK: Writing

    /// The shards' lanes first and then the state's, which is written before them: what a message refers to was
    /// declared before it was published.
    private func takeBatch() {
        var taken = Batch(positions: Array(repeating: nil, count: lanes.count + 1), lanes: [])
        for (lane, inbox) in lanes.enumerated() {
            let contents = inbox.take()
            taken.lanes.append(contents)
            if !contents.records.isEmpty { taken.positions[lane] = (contents.position, contents.sequence) }
            taken.urgency = max(taken.urgency, contents.urgency)
            if contents.urgency != .none || contents.byteCount > Self.toldByteCount { waitingShards.insert(lane) }
        }
        let state = controlPlane.takeStateRecords()
        taken.state = state.records
        if !state.records.isEmpty { taken.buffers.append(state.records) }
        taken.positions[lanes.count] = (state.position, 0)
        for contents in taken.lanes { taken.buffers += contents.records }
        if taken.urgency == .sync { wantsSync = true }
        if taken.buffers.isEmpty && !journal.hasPendingMoves {
            publish(taken)
            if taken.urgency == .write { tellShards() }
        } else {
            batch = taken
        }
    }

    private func write() throws(JournalError) {
        guard var current = batch else { return }
        let start = Clock.monotonicNanoseconds
        let outcome = try journal.append(current.buffers, from: &current.cursor, mayUseReserve: isDiskFull)
        if unsyncedSinceMilliseconds == nil { unsyncedSinceMilliseconds = now }
        guard outcome == .complete else {
            batch = current
            return
        }
        batch = nil
        meter.noteWrite(
            byteCount: current.buffers.reduce(0) { $0 + $1.count }, nanoseconds: Clock.monotonicNanoseconds - start)
        publish(current)
        recycle(current)
        if current.urgency == .write { tellShards() }
    }

    private func recycle(_ batch: Batch) {
        var state = batch.state
        state.deallocate()
        for (inbox, contents) in zip(lanes, batch.lanes) where !contents.records.isEmpty {
            inbox.recycle(contents.records)
        }
    }

    private func publish(_ batch: Batch) {
        for (lane, reached) in batch.positions.enumerated() {
            guard let reached else { continue }
            written[lane] = reached.position
            progress.setWritten(lane, position: reached.position, sequence: reached.sequence)
        }
    }

    private func syncIfDue() throws(JournalError) {
        let isOverdue = unsyncedSinceMilliseconds.map { now - $0 >= Self.idleSyncMilliseconds } ?? false
        guard wantsSync || isOverdue else { return }
        let start = Clock.monotonicNanoseconds
        try journal.sync()
        meter.noteSync(nanoseconds: Clock.monotonicNanoseconds - start)
        // A batch that waits for a segment is not written as a whole: who waits for it waits on.
        wantsSync = batch != nil && wantsSync
        unsyncedSinceMilliseconds = nil
        for (lane, position) in written.enumerated() { progress.setSynced(lane, position: position) }
        if batch == nil { tellShards() }
    }

    private func tellShards() {
        for shard in waitingShards { events.advanced(shard) }
        if !wantsSync { waitingShards.removeAll(keepingCapacity: true) }
    }

    // MARK: Looking after it

    private func maintain() {
        if journal.wantsStateSnapshot, !hasSnapshot {
            hasSnapshot = true
            controlPlane.appendSnapshot()
        } else if !journal.wantsStateSnapshot {
            hasSnapshot = false
        }
        if let job = journal.nextMaintenance() { startJob(job) }
        events.indexed(journal.memoryByteCount)
    }

    /// The disk counts as full from the first segment that could not be made until there are some ready again.
    private func checkDisk() {
        if !isDiskFull, journal.isDiskFull {
            isDiskFull = true
            fullSinceMilliseconds = now
            retriedAtMilliseconds = now
            events.diskIsFull(true)
        }
        guard isDiskFull else { return }
        if !journal.isDiskFull, now - fullSinceMilliseconds >= Self.fullMilliseconds,
            journal.statistics.readySegmentCount >= journal.configuration.readySegmentCount
        {
            isDiskFull = false
            events.diskIsFull(false)
        } else if now - retriedAtMilliseconds >= Self.retryMilliseconds {
            retriedAtMilliseconds = now
            // Segments of which everything is settled can be used again once a checkpoint does without them.
            journal.requestCheckpoint()
            journal.retryPreparation()
        }
    }

    // MARK: The end

    func beginStop() throws(JournalError) {
        try turn(finished: [])
        journal.requestCheckpoint()
    }

    /// Until everything is written and the checkpoint is made.
    func isStopping(finished jobs: [MaintenanceJob]) throws(JournalError) -> Bool {
        try turn(finished: jobs)
        if isDiskFull { return false }
        return batch != nil || journal.wantsStateSnapshot || journal.isCheckpointUnderWay
    }

    /// Also after a failure.
    func close() throws(JournalError) { try journal.close() }
}
