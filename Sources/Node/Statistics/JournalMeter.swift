import Synchronization

/// What the journal's thread has written and synced, and what was read of messages that had left memory: counted there,
/// read from anywhere.
final class JournalMeter: Sendable {
    private let writes = Atomic<UInt64>(0)
    private let writtenBytes = Atomic<UInt64>(0)
    private let writeNanoseconds = Atomic<UInt64>(0)
    private let reads = Atomic<UInt64>(0)
    private let readBytes = Atomic<UInt64>(0)
    private let readNanoseconds = Atomic<UInt64>(0)
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

    /// - Parameter count: blocks.
    func noteReads(_ count: Int, byteCount: Int, nanoseconds: UInt64) {
        reads.add(UInt64(count), ordering: .relaxed)
        readBytes.add(UInt64(byteCount), ordering: .relaxed)
        readNanoseconds.add(nanoseconds, ordering: .relaxed)
    }

    var figures: JournalFigures {
        var figures = JournalFigures()
        figures.readCount = reads.load(ordering: .relaxed)
        figures.readByteCount = readBytes.load(ordering: .relaxed)
        figures.readNanoseconds = readNanoseconds.load(ordering: .relaxed)
        figures.writeCount = writes.load(ordering: .relaxed)
        figures.writtenByteCount = writtenBytes.load(ordering: .relaxed)
        figures.writeNanoseconds = writeNanoseconds.load(ordering: .relaxed)
        figures.syncCount = syncs.load(ordering: .relaxed)
        figures.syncNanoseconds = syncNanoseconds.load(ordering: .relaxed)
        return figures
    }
}

/// What the journal has written and synced, and what was read back into memory, since the start.
package struct JournalFigures: Sendable, Equatable {
    /// `io_read_count`.
    package var readCount: UInt64 = 0
    /// `io_read_bytes`.
    package var readByteCount: UInt64 = 0
    package var readNanoseconds: UInt64 = 0
    /// `io_write_count`.
    package var writeCount: UInt64 = 0
    /// `io_write_bytes`.
    package var writtenByteCount: UInt64 = 0
    package var writeNanoseconds: UInt64 = 0
    /// `io_sync_count`.
    package var syncCount: UInt64 = 0
    package var syncNanoseconds: UInt64 = 0

    package init() {}

    /// `io_read_avg_time`, in milliseconds.
    package var meanReadMilliseconds: Double {
        readCount == 0 ? 0 : Double(readNanoseconds) / Double(readCount) / 1e6
    }
    /// `io_write_avg_time`, in milliseconds.
    package var meanWriteMilliseconds: Double {
        writeCount == 0 ? 0 : Double(writeNanoseconds) / Double(writeCount) / 1e6
    }
    /// `io_sync_avg_time`, in milliseconds.
    package var meanSyncMilliseconds: Double {
        syncCount == 0 ? 0 : Double(syncNanoseconds) / Double(syncCount) / 1e6
    }
}
