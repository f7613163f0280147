import Broker
import Journal
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where transient messages go when memory is scarce: a journal that is never synced, on a thread of its own, emptied
/// at every start. Writes and reads are done in the order in which they are asked for, so what was written can be read.
final class SpillFile: Sendable {
    private let directory: String
    private let segmentByteCount: Int
    private let indexMemory: IndexMemory
    private let logger: Logger
    private let memory: MemoryAccount
    /// Memory was tight, and is not any more.
    private let relieved: @Sendable () -> Void
    private let failed: @Sendable (JournalError) -> Void
    private let thread = SerialThread()
    /// Opened with the first message, or emptied at the start. Then only the thread looks at it.
    private let files = Mutex<(journal: Journal, reader: JournalReader)?>(nil)
    private let isStarted = Atomic<Bool>(false)
    private let isUsed = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let pending = Atomic<Int>(0)

    private static let retryMicroseconds: UInt32 = 250_000

    init(
        directory: String, segmentByteCount: Int, indexMemory: IndexMemory, memory: MemoryAccount, logger: Logger,
        relieved: @escaping @Sendable () -> Void,
        failed: @escaping @Sendable (JournalError) -> Void
    ) {
        self.directory = directory
        self.segmentByteCount = segmentByteCount
        self.indexMemory = indexMemory
        self.logger = logger
        self.memory = memory
        self.relieved = relieved
        self.failed = failed
    }

    /// Removes what an earlier run has left. Before anything else.
    func start() {
        guard access(directory, F_OK) == 0 else { return }
        files.withLock { files in
            do throws(JournalError) {
                files = try openNow()
            } catch {
                // Where the disk is full, the first message waits for it.
                if !error.isNoSpace { failed(error) }
            }
        }
    }

    /// What waits to be written.
    var pendingByteCount: Int { pending.load(ordering: .relaxed) }

    func append(_ records: LaneBuffer) {
        if !isUsed.exchange(true, ordering: .relaxed) {
            logger.info("memory is scarce: transient messages go to \(directory)")
        }
        startIfNeeded()
        let byteCount = records.capacity
        pending.add(byteCount, ordering: .relaxed)
        memory.add(byteCount)
        thread.perform { [self] in
            var records = records
            attempt { files throws(JournalError) in try write(records, files.journal) }
            records.deallocate()
            pending.subtract(byteCount, ordering: .relaxed)
            let before = memory.level
            if memory.add(-byteCount) < before { relieved() }
        }
    }

    func read(_ request: PageRequest, then deliver: @escaping @Sendable (PageRead) -> Void) {
        startIfNeeded()
        thread.perform { [self] in
            attempt { files throws(JournalError) in deliver(PageRead(request, from: files.reader)) }
        }
    }

    private func startIfNeeded() {
        if !isStarted.exchange(true, ordering: .acquiringAndReleasing) { thread.start() }
    }

    private func attempt(_ body: ((journal: Journal, reader: JournalReader)) throws(JournalError) -> Void) {
        files.withLock { files in
            do throws(JournalError) {
                if files == nil { files = try openWhenThereIsRoom() }
                if let files { try body(files) }
            } catch {
                failed(error)
            }
        }
    }

    /// Waits while the disk is full; nil when it still was at the end.
    private func openWhenThereIsRoom() throws(JournalError) -> (Journal, JournalReader)? {
        while !isStopped.load(ordering: .acquiring) {
            do throws(JournalError) {
                return try openNow()
            } catch {
                guard error.isNoSpace else { throw error }
                usleep(Self.retryMicroseconds)
            }
        }
        return nil
    }

    private func openNow() throws(JournalError) -> (Journal, JournalReader) {
        var configuration = JournalConfiguration(directory: directory) { UInt64.random(in: .min ... .max) }
        configuration.segmentByteCount = segmentByteCount
        configuration.indexMemory = indexMemory
        configuration.isVolatile = true
        let journal = try Journal.open(configuration, disk: SystemDisk())
        _ = try journal.recover()
        return (journal, journal.makeReader())
    }

    private func write(_ records: LaneBuffer, _ journal: Journal) throws(JournalError) {
        var cursor = AppendCursor()
        while try journal.append([records], from: &cursor, mayUseReserve: false) == .needsSegment {
            if isStopped.load(ordering: .acquiring) { return }
            try maintain(journal)
            guard journal.isDiskFull else { continue }
            // Nothing is lost: the records wait in memory, and so do publishers, once that is tight.
            usleep(Self.retryMicroseconds)
            journal.retryPreparation()
        }
        try journal.sync()
        try maintain(journal)
    }

    private func maintain(_ journal: Journal) throws(JournalError) {
        while let job = journal.nextMaintenance() {
            job.run()
            try journal.finish(job)
        }
    }

    /// Nobody wants what it holds any more.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        if isStarted.load(ordering: .acquiring) { thread.stop() }
        files.withLock { files in try? files?.journal.close() }
    }
}

extension PageRead {
    /// Reads what is asked for.
    convenience init(_ request: PageRequest, from reader: JournalReader) {
        self.init(request: request)
        reader.read(request.ids, blocks: { addBlock($0, byteCount: $1) }) { index, outcome in
            if case .content(let bytes) = outcome { add(bytes, at: index) }
        }
    }
}
