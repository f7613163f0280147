struct CompactionProgress {}

extension Journal {
    /// Messages wait to be moved forward: the next `append`, which may be an empty one, takes some.
    package var hasPendingMoves: Bool { false }

    func nextCompactionJob() -> MaintenanceJob? { nil }
    func appendMoved() throws(JournalError) {}
}
