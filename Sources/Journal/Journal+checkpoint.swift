/// How far a checkpoint is.
struct CheckpointProgress {
    enum Phase {
        case idle
        /// The messages of removed holders are taken out, so that no index file lists them.
        case sweeping(LiveIndex.Sweep)
        /// One index file a job.
        case indexing
        /// The index files may reflect what is not on stable storage yet.
        case waitingForSync
        case writing
        /// What nobody needs any more is given back.
        case retiring
    }

    var phase = Phase.idle
    var isRequested = false
    /// The disk was full, so that the next one waits until somebody says that it may work again.
    var isBlocked = false
    /// As it was at its position; the segments come in as they are looked at.
    var content = CheckpointContent()
    /// Segments that are still to be looked at.
    var waiting: [Segment] = []
    /// New index files' numbers.
    var indexed: [(segment: Segment, number: Int)] = []
    /// Segments without a live message, before the checkpoint.
    var dead: [Segment] = []
    /// What has to be synced before the checkpoint may count on the index files.
    var syncNeeded: UInt64 = 0
    var nextIndexNumber = 1

    /// Position and generation of the last finished one.
    var lastPosition: UInt64 = 0
    var generation: UInt64 = 0
    /// The file that recovery began with.
    var loadedName: String?

    /// Given up, but perhaps still being read.
    var retired: [Segment] = []
    /// A ready segment whose space the next try needs more.
    var sacrificed: PreparedSegment?
    /// The last try met a full disk.
    var isStarved = false
    /// Index files that no checkpoint names any more.
    var obsolete: [String] = []

    /// Index files of checkpoints that were given up: they go with the next one that is not.
    var orphaned: [String] = []

    /// To know without a walk whether anything can be given back.
    var countedAt = (emptied: -1, segments: -1)
    var emptyByteCount = 0
}

extension Journal {
    /// A checkpoint is due: append a state snapshot, the state as it is at that place of the log, to the state's lane.
    /// A snapshot that comes while a checkpoint is under way means nothing.
    package var wantsStateSnapshot: Bool {
        guard isRecovered, !hasFailed, case .idle = checkpoint.phase, !checkpoint.isBlocked else { return false }
        return checkpoint.isRequested || writtenPosition - checkpoint.lastPosition >= configuration.checkpointByteCount
            || emptyByteCount() >= configuration.checkpointByteCount
    }

    /// Makes a checkpoint due: before a clean stop, or when somebody wants the next start to be quick.
    package func requestCheckpoint() {
        checkpoint.isRequested = true
        checkpoint.isBlocked = false
    }

    /// A checkpoint has begun and is not finished yet.
    package var isCheckpointUnderWay: Bool {
        if case .idle = checkpoint.phase { return false }
        return true
    }

    /// Bytes of files that the next checkpoint could give back.
    private func emptyByteCount() -> Int {
        let segments = index.segments.segments
        if checkpoint.countedAt != (index.emptiedCount, segments.count) {
            checkpoint.countedAt = (index.emptiedCount, segments.count)
            checkpoint.emptyByteCount = segments.reduce(0) { sum, segment in
                segment.counters.pointee.liveCount == 0 && segment !== current ? sum + segment.byteCount : sum
            }
        }
        return checkpoint.emptyByteCount
    }

    /// Everything before is written and in the index.
    func beginCheckpoint(_ state: UnsafeRawBufferPointer) {
        guard case .idle = checkpoint.phase else { return }
        var content = CheckpointContent()
        content.generation = checkpoint.generation + 1
        content.position = writtenPosition
        content.highestSegmentSequence = nextSegmentSequence - 1
        content.highestSequence = index.highestSequence
        for lane in content.laneHighest.indices { content.laneHighest[lane] = index.lanes[lane].highest }
        index.early.forEach { content.early.append($0) }
        index.holders.forEach { slot in
            if slot.state != HolderTable.present { content.removedHolders.append((slot.holder, slot.state)) }
        }
        content.marks = index.marks.pruned { index.isHeld($0, by: $1) }.holders
        content.state = Array(state)
        checkpoint.content = content
        checkpoint.waiting = index.segments.segments.reversed()
        checkpoint.indexed = []
        checkpoint.dead = []
        checkpoint.isRequested = false
        checkpoint.syncNeeded = writtenPosition
        shared.withLock {
            index.holders.ageRemoved()
            index.marks = index.marks.pruned { index.isHeld($0, by: $1) }
        }
        if let sweep = index.beginSweep() { checkpoint.phase = .sweeping(sweep) } else { checkpoint.phase = .indexing }
    }

    private static let chunksPerStep = 64

    func nextCheckpointJob() -> MaintenanceJob? {
        while true {
            switch checkpoint.phase {
            case .idle: return retirementJob()
            case .sweeping(var sweep):
                checkpoint.phase = .indexing
                var isUnfinished = false
                shared.withLock { isUnfinished = index.go(on: &sweep, chunkCount: Self.chunksPerStep) }
                if isUnfinished {
                    checkpoint.phase = .sweeping(sweep)
                    return MaintenanceJob(self, .nothing)
                }
            case .indexing:
                if let job = indexJob() { return job }
                index.evict()
                checkpoint.phase = .waitingForSync
            case .waitingForSync:
                guard syncedPosition >= checkpoint.syncNeeded else { return nil }
                checkpoint.phase = .writing
                return MaintenanceJob(self, .writeCheckpoint(checkpoint.content.make()))
            case .writing: return nil
            case .retiring:
                checkpoint.phase = .idle
            }
        }
    }

    /// Looks at the segments one after the other until there is one whose index file has to be written.
    private func indexJob() -> MaintenanceJob? {
        let position = checkpoint.content.position
        while let segment = checkpoint.waiting.popLast() {
            let counters = segment.counters
            let isBefore = counters.pointee.end <= position && segment !== current
            var listed = CheckpointContent.SegmentInUse(
                fileNumber: segment.fileNumber, header: segment.header, end: counters.pointee.end,
                indexNumber: segment.indexNumber)
            checkpoint.syncNeeded = max(checkpoint.syncNeeded, writtenPosition)
            if counters.pointee.liveCount == 0 || counters.pointee.base >= position {
                listed.indexNumber = 0
                if segment.indexNumber != 0 { checkpoint.indexed.append((segment, 0)) }
                if isBefore { checkpoint.dead.append(segment) } else { checkpoint.content.segments.append(listed) }
                continue
            }
            if !counters.pointee.isChanged, segment.indexNumber != 0 {
                checkpoint.content.segments.append(listed)
                continue
            }
            let moved = liveMoved(segment)
            segment.moved = moved
            let writer = IndexFile.make(segment, index, moved: moved, before: position)
            // The one that holds the checkpoint's position has more behind it that its file does not list.
            counters.pointee.isChanged = !isBefore
            listed.indexNumber = checkpoint.nextIndexNumber
            checkpoint.nextIndexNumber += 1
            checkpoint.content.segments.append(listed)
            checkpoint.indexed.append((segment, listed.indexNumber))
            return MaintenanceJob(
                self, .writeIndex(path: path(JournalFiles.index(segment.fileNumber, use: listed.indexNumber)), writer))
        }
        return nil
    }

    func finishIndexFile(_ job: MaintenanceJob) throws(JournalError) {
        if let failure = job.failure { try abandonCheckpoint(failure) }
    }

    func finishCheckpointFiles(_ job: MaintenanceJob) throws(JournalError) {
        if let failure = job.failure { return try abandonCheckpoint(failure) }
        checkpoint.isStarved = false
        // There was room for this, so there may be for more.
        isDiskFull = false
        checkpoint.lastPosition = checkpoint.content.position
        checkpoint.obsolete += checkpoint.orphaned
        checkpoint.orphaned = []
        checkpoint.generation = checkpoint.content.generation
        for (segment, number) in checkpoint.indexed {
            if segment.indexNumber != 0 {
                checkpoint.obsolete.append(path(JournalFiles.index(segment.fileNumber, use: segment.indexNumber)))
            }
            segment.indexNumber = number
        }
        shared.withLock { for segment in checkpoint.dead { index.segments.remove(segment) } }
        checkpoint.retired += checkpoint.dead
        forgetCheckpoint()
        checkpoint.phase = .retiring
    }

    /// Only a full disk is survived: the old checkpoint is still the valid one. A ready segment is given up for the
    /// next try, which may free many.
    private func abandonCheckpoint(_ failure: JournalError) throws(JournalError) {
        guard failure.isNoSpace else { throw fail(failure) }
        isDiskFull = true
        checkpoint.isStarved = true
        for (segment, number) in checkpoint.indexed where number != 0 {
            segment.counters.pointee.isChanged = true
            checkpoint.orphaned.append(path(JournalFiles.index(segment.fileNumber, use: number)))
        }
        // One copy may be in place already, and is what a start would believe: what it names has to stay.
        checkpoint.generation = checkpoint.content.generation
        if let spare = pool.popLast() {
            checkpoint.sacrificed = spare
            checkpoint.isRequested = true
        } else {
            checkpoint.isBlocked = true
        }
        forgetCheckpoint()
        checkpoint.phase = .retiring
    }

    private func forgetCheckpoint() {
        checkpoint.content = CheckpointContent()
        checkpoint.waiting = []
        checkpoint.indexed = []
        checkpoint.dead = []
    }
}
