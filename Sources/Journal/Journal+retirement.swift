/// What goes when no checkpoint needs it any more.
struct Retirement {
    /// Segments that will be used again.
    var blanked: [Segment] = []
    /// Files that are deleted; those of segments are closed.
    var deleted: [DiskFile] = []
    var unlinked: [String] = []

    var isEmpty: Bool { blanked.isEmpty && deleted.isEmpty && unlinked.isEmpty }
}

extension Journal {
    /// Gives back segments that nobody reads, and deletes index files that no checkpoint names.
    func retirementJob() -> MaintenanceJob? {
        var work = Retirement()
        work.unlinked = checkpoint.obsolete
        checkpoint.obsolete = []
        if let spare = checkpoint.sacrificed {
            checkpoint.sacrificed = nil
            work.deleted.append(spare.file)
        }
        var ready = pool.count
        var pinned: [Segment] = []
        var isPinned = false
        for segment in checkpoint.retired {
            shared.withLock { isPinned = segment.pinCount > 0 }
            if isPinned {
                pinned.append(segment)
            } else if segment.byteCount == configuration.segmentByteCount, ready < configuration.pooledSegmentLimit {
                ready += 1
                work.blanked.append(segment)
            } else {
                work.deleted.append(segment.file)
            }
        }
        checkpoint.retired = pinned
        return work.isEmpty ? nil : MaintenanceJob(self, .retire(work))
    }

    func finishRetirement(_ job: MaintenanceJob, _ work: Retirement) throws(JournalError) {
        for segment in work.blanked {
            pool.append(
                PreparedSegment(file: segment.file, fileNumber: segment.fileNumber, byteCount: segment.byteCount))
        }
        if let failure = job.failure { throw fail(failure) }
        // There may be room now; but the checkpoint goes first, which makes more.
        if !checkpoint.isStarved { isDiskFull = false }
    }
}
