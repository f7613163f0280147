import Synchronization

/// What the journal's thread has written and synced: counted there, read from anywhere.
final class JournalMeter: Sendable {
    private let writes = Atomic<UInt64>(0)
    private let writtenBytes = Atomic<UInt64>(0)
    private let writeNanoseconds = Atomic<UInt64>(0)
    private let syncs = Atomic<UInt64>(0)
    private let syncNanoseconds = Atomic<UInt64>(0)

    func noteWrite(byteCount: Int, nanoseconds: UInt64) {
        writes.add(1, ordering: .relaxed)
        writtenBytes.add(UInt64(byteCount), ordering: .relaxed)
        writeNanoseconds.add(nanoseconds, ordering: .relaxed)
    }

    func noteSync(nanoseconds: UInt64) {
        syncs.add(1, ordering: .relaxed)
        syncNanoseconds.add(nanoseconds, ordering: .relaxed)
    }

    var figures: JournalFigures {
        var figures = JournalFigures()
        figures.writeCount = writes.load(ordering: .relaxed)
        figures.writtenByteCount = writtenBytes.load(ordering: .relaxed)
        figures.writeNanoseconds = writeNanoseconds.load(ordering: .relaxed)
        figures.syncCount = syncs.load(ordering: .relaxed)
        figures.syncNanoseconds = syncNanoseconds.load(ordering: .relaxed)
        return figures
    }
}

/// What the journal has written and synced since the start.
package struct JournalFigures: Sendable, Equatable {
    /// `io_write_count`.
    package var writeCount: UInt64 = 0
    /// `io_write_bytes`.
    package var writtenByteCount: UInt64 = 0
    package var writeNanoseconds: UInt64 = 0
    /// `io_sync_count`.
    package var syncCount: UInt64 = 0
    package var syncNanoseconds: UInt64 = 0

    package init() {}

    /// `io_write_avg_time`, in milliseconds.
    package var meanWriteMilliseconds: Double {
        writeCount == 0 ? 0 : Double(writeNanoseconds) / Double(writeCount) / 1e6
    }
    /// `io_sync_avg_time`, in milliseconds.
    package var meanSyncMilliseconds: Double {
        syncCount == 0 ? 0 : Double(syncNanoseconds) / Double(syncCount) / 1e6
    }
}
