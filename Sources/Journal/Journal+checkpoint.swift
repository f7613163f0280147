struct CheckpointProgress {
    var retired: [Segment] = []
}

struct CompactionProgress {}

extension Journal {
    /// A checkpoint is due: append a state snapshot, the state as it is at that place of the log, to the state's lane.
    package var wantsStateSnapshot: Bool { false }
    /// Makes a checkpoint due.
    package func requestCheckpoint() {}
    /// A checkpoint has begun and is not finished yet.
    package var isCheckpointUnderWay: Bool { false }
    /// Messages wait to be moved forward: the next `append`, which may be an empty one, takes some.
    package var hasPendingMoves: Bool { false }

    func beginCheckpoint(_ state: UnsafeRawBufferPointer) {}
    func nextCheckpointJob() -> MaintenanceJob? { nil }
    func nextCompactionJob() -> MaintenanceJob? { nil }
    func appendMoved() throws(JournalError) {}
}
