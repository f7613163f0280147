#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// The index and its lock. The journal's thread has the lock only while it changes the index, never during a write or a
/// sync.
final class SharedIndex: Sendable {
    let lock = Mutex(false)
    let index: LiveIndex

    init(memory: IndexMemory) { index = LiveIndex(memory: memory) }

    @inline(__always)
    func withLock(_ body: () -> Void) { lock.withLock { _ in body() } }
}

/// The node's log: everything durable is a record in one total order, in segments of one directory.
///
/// Synchronous and without threads of its own. It has one owner at a time, the journal's thread, and only that may call
/// it; `JournalReader` and `MaintenanceJob` are for other threads. After any failed write or sync it takes nothing
/// more: every later call throws.
///
///     open, recover, then again and again: append, sync, nextMaintenance, finish; close
package final class Journal: @unchecked Sendable {
    package let configuration: JournalConfiguration
    let disk: Disk
    let shared: SharedIndex
    var index: LiveIndex { shared.index }
    private let lockFile: DiskFile

    /// The segment that is being written, and where in its file.
    var current: Segment?
    var writeOffset = 0
    var isHeaderWritten = false
    /// Base of the next segment.
    var nextBase: UInt64 = 0
    var nextSegmentSequence: UInt64 = 1
    var nextFileNumber = 1
    /// Written since the last sync, in order.
    var unsynced: [Segment] = []

    /// Everything before this position is written.
    package internal(set) var writtenPosition: UInt64 = 0
    /// Everything before this position is on stable storage.
    package internal(set) var syncedPosition: UInt64 = 0
    /// No segment could be prepared since the disk is full. Segments already prepared and the reserve can be used
    /// still.
    package internal(set) var isDiskFull = false
    var hasFailed = false
    var isRecovered = false
    /// Nothing is written, so the end of the log is where it was.
    var isInspection = false

    var pool: [PreparedSegment] = []
    /// What a record that is larger than a segment waits for.
    var wantedLargeByteCount: Int?
    var outstandingJob: MaintenanceJob?
    /// The latest job was a segment.
    var hasJustPrepared = false
    var plan = WritePlan()
    var checkpoint = CheckpointProgress()
    var compaction = CompactionProgress()

    private init(_ configuration: JournalConfiguration, _ disk: Disk, lockFile: DiskFile) {
        self.configuration = configuration
        shared = SharedIndex(memory: configuration.indexMemory)
        self.disk = disk
        self.lockFile = lockFile
    }

    deinit {
        plan.deallocate()
        compaction.buffer.deallocate()
    }

    func path(_ name: String) -> String { configuration.directory + "/" + name }

    // MARK: Opening

    /// Takes the directory, which is made where it is missing, and locks it. `recover` has to follow.
    package static func open(
        _ configuration: JournalConfiguration, disk: Disk
    ) throws(JournalError) -> Journal {
        let directory = configuration.directory
        if try disk.names(in: directory) == nil { try disk.createDirectory(directory) }
        let names = try disk.names(in: directory) ?? []
        let hasFormat = names.contains(JournalFiles.format)
        if !hasFormat, let stranger = names.first(where: { !JournalFiles.comesBeforeFormat($0) }) {
            throw .refused(
                "\(directory) holds \(stranger) but no journal of ours: choose an empty directory, or restore the file "
                    + "\(JournalFiles.format) if it was one")
        }
        let lockFile = try lock(directory, disk)
        do throws(JournalError) {
            if hasFormat { try JournalFiles.checkFormat(directory, disk) } else { try writeFormat(directory, disk) }
            return Journal(configuration, disk, lockFile: lockFile)
        } catch {
            disk.close(lockFile)
            throw error
        }
    }

    private static func lock(_ directory: String, _ disk: Disk) throws(JournalError) -> DiskFile {
        let path = directory + "/" + JournalFiles.lock
        let file = try disk.open(path, .readWriteOrCreate)
        do throws(JournalError) {
            guard try disk.lock(file) else {
                let holder = String(decoding: (try disk.contents(path, limit: 64)) ?? [], as: UTF8.self)
                throw JournalError.refused(
                    "\(directory) is in use by the process \(holder.filter(\.isNumber)): stop that one first")
            }
            let line = Array("\(disk.processNumber())          \n".utf8.prefix(20))
            var failure: JournalError?
            line.withUnsafeBytes { bytes in
                do throws(JournalError) { try disk.write(file, bytes, at: 0) } catch { failure = error }
            }
            if let failure { throw failure }
            return file
        } catch {
            disk.close(file)
            throw error
        }
    }

    private static func writeFormat(_ directory: String, _ disk: Disk) throws(JournalError) {
        var failure: JournalError?
        Array("\(JournalFiles.formatLine)\n".utf8).withUnsafeBytes { bytes in
            do throws(JournalError) {
                try disk.replaceFile(directory + "/" + JournalFiles.format, in: directory, bytes)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    // MARK: Syncing

    /// Returns when everything appended before is on stable storage.
    package func sync() throws(JournalError) {
        try checkUsable()
        do throws(JournalError) {
            for segment in unsynced { try disk.sync(segment.file) }
        } catch {
            hasFailed = true
            throw error
        }
        unsynced.removeAll(keepingCapacity: true)
        syncedPosition = writtenPosition
    }

    func checkUsable() throws(JournalError) {
        if hasFailed || !isRecovered { throw .failedBefore }
    }

    /// Notes a failure and throws it.
    func fail(_ error: JournalError) -> JournalError {
        hasFailed = true
        return error
    }

    /// Syncs, and says in the log that it did, so that damage to the last records is told from a torn end. Then closes
    /// all files, also after a failure. Nothing may be called after it, nor on the readers.
    package func close() throws(JournalError) {
        defer {
            for segment in index.segments.segments { disk.close(segment.file) }
            for segment in checkpoint.retired { disk.close(segment.file) }
            for prepared in pool { disk.close(prepared.file) }
            disk.close(lockFile)
            hasFailed = true
        }
        guard !hasFailed, isRecovered else { return }
        try sync()
        try appendClosingBatch()
        try sync()
    }

    package func makeReader() -> JournalReader { JournalReader(shared, disk) }

    package var statistics: JournalStatistics {
        var statistics = JournalStatistics()
        statistics.liveMessageCount = index.liveCount
        statistics.liveByteCount = index.liveByteCount
        for segment in index.segments.segments {
            statistics.segmentCount += 1
            statistics.segmentByteCount += segment.byteCount
        }
        statistics.readySegmentCount = pool.count
        return statistics
    }
}

package struct JournalStatistics: Sendable, Equatable {
    /// Those of removed holders are counted until the next checkpoint.
    package var liveMessageCount = 0
    /// Bytes of their records.
    package var liveByteCount = 0
    package var segmentCount = 0
    package var segmentByteCount = 0
    package var readySegmentCount = 0
}

/// A segment file that can be used next.
struct PreparedSegment {
    let file: DiskFile
    let fileNumber: Int
    let byteCount: Int
}
