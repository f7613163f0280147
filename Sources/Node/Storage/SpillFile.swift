import Broker
import Journal
import Logging
import Synchronization
import SystemMemory

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where transient messages go when memory is scarce: a file for each shard, never synced, on a thread of their own.
/// Writes and reads are done in the order in which they are asked for, so what was written can be read.
///
/// They pass by the system's page cache where the file system lets them: it would only fill memory with what was to
/// leave it. A file is unlinked as soon as it is open, so nothing is left of it whatever happens. It holds nothing that
/// must last: it is no business of `Disk`.
final class SpillFile: Sendable {
    private let directory: String
    private let logger: Logger
    private let memory: MemoryAccount
    private let meter: JournalMeter
    /// Memory was tight, and is not any more.
    private let relieved: @Sendable () -> Void
    private let failed: @Sendable (JournalError) -> Void
    private let thread = SerialThread()
    /// Where what was read is checked, while the disk reads on.
    private let checker: SerialThread
    /// By shard; -1 until the first message. The thread's.
    nonisolated(unsafe) private var descriptors: [Int32]
    private let spares = Mutex<[SpillBuffer]>([])
    private let isStarted = Atomic<Bool>(false)
    private let isStopped = Atomic<Bool>(false)
    private let pending = Atomic<Int>(0)

    private static let retryMicroseconds: UInt32 = 250_000
    /// Buffers that are kept, and how large they may be.
    private static let spareLimit = 4
    private static let spareByteCount = 2 << 20

    init(
        directory: String, shardCount: Int, checker: SerialThread, memory: MemoryAccount, meter: JournalMeter,
        logger: Logger, relieved: @escaping @Sendable () -> Void,
        failed: @escaping @Sendable (JournalError) -> Void
    ) {
        self.directory = directory
        self.checker = checker
        self.memory = memory
        self.meter = meter
        self.logger = logger
        self.relieved = relieved
        self.failed = failed
        descriptors = Array(repeating: -1, count: shardCount)
    }

    /// What waits to be written, in bytes.
    var pendingByteCount: Int { pending.load(ordering: .relaxed) }

    func perform(_ command: SpillCommand, shard: Int) {
        startIfNeeded()
        switch command {
        case .write(let buffer, let offset):
            let byteCount = buffer.capacity
            pending.add(byteCount, ordering: .relaxed)
            memory.add(byteCount)
            thread.perform { [self] in
                buffer.seal()
                attempt(shard) { descriptor throws(JournalError) in try write(buffer, descriptor, offset) }
                keep(buffer)
                pending.subtract(byteCount, ordering: .relaxed)
                let before = memory.level
                if memory.add(-byteCount) < before { relieved() }
            }
        case .truncate(let byteCount):
            thread.perform { [self] in
                // It gives room back; a disk that refuses has other ways to say so.
                if descriptors[shard] >= 0 { _ = ftruncate(descriptors[shard], off_t(byteCount)) }
            }
        }
    }

    func read(
        _ request: PageRequest, _ place: SpilledPlace, shard: Int, then deliver: @escaping @Sendable (PageRead) -> Void
    ) {
        thread.perform { [self] in
            if place.isWhole {
                nonisolated(unsafe) let target = UnsafeMutableRawPointer.allocate(
                    byteCount: place.byteCount, alignment: SpillBuffer.alignment)
                let byteCount = read(place, shard: shard, into: target)
                checker.perform {
                    deliver(PageRead(request: request, place: place, memory: target, byteCount: byteCount))
                }
            } else {
                let buffer = takeSpare(place.byteCount) ?? SpillBuffer(minimumCapacity: place.byteCount)
                let byteCount = read(place, shard: shard, into: buffer.memory)
                checker.perform { [self] in
                    let bytes = UnsafeRawBufferPointer(start: buffer.memory, count: byteCount)
                    deliver(PageRead(request: request, place: place, copying: bytes))
                    keep(buffer)
                }
            }
        }
    }

    /// Returns how much could be read: what could not is skipped, and said.
    private func read(_ place: SpilledPlace, shard: Int, into target: UnsafeMutableRawPointer) -> Int {
        let start = Clock.monotonicNanoseconds
        var got = 0
        while got < place.byteCount {
            let count = pread(descriptors[shard], target + got, place.byteCount - got, off_t(place.offset + got))
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            got += count
        }
        meter.noteReads(1, byteCount: got, nanoseconds: Clock.monotonicNanoseconds - start)
        return got
    }

    /// A buffer to use again, if there is one of that size.
    func takeSpare(_ byteCount: Int = 0) -> SpillBuffer? {
        spares.withLock { spares in
            spares.lastIndex { $0.capacity >= byteCount }.map { spares.remove(at: $0) }
        }
    }

    private func keep(_ buffer: SpillBuffer) {
        guard buffer.capacity <= Self.spareByteCount else { return }
        spares.withLock { if $0.count < Self.spareLimit { $0.append(buffer) } }
    }

    private func startIfNeeded() {
        if isStarted.exchange(true, ordering: .acquiringAndReleasing) { return }
        logger.info("memory is scarce: transient messages go to a file in \(directory)")
        thread.start()
    }

    /// Waits while the disk is full: nothing is lost, the messages wait in memory, and so do publishers, once that is
    /// tight.
    private func attempt(_ shard: Int, _ body: (Int32) throws(JournalError) -> Void) {
        while !isStopped.load(ordering: .acquiring) {
            do throws(JournalError) {
                if descriptors[shard] < 0 { descriptors[shard] = try open(shard) }
                return try body(descriptors[shard])
            } catch {
                guard error.isNoSpace else { return failed(error) }
                usleep(Self.retryMicroseconds)
            }
        }
    }

    private func open(_ shard: Int) throws(JournalError) -> Int32 {
        let path = "\(directory)/spill-\(shard).scratch"
        let descriptor = leveret_open_uncached(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC)
        guard descriptor >= 0 else { throw .disk(operation: "open", path: path, errorNumber: errno) }
        unlink(path)
        return descriptor
    }

    private func write(_ buffer: SpillBuffer, _ descriptor: Int32, _ offset: Int) throws(JournalError) {
        let start = Clock.monotonicNanoseconds
        var done = 0
        while done < buffer.byteCount {
            let count = pwrite(descriptor, buffer.memory + done, buffer.byteCount - done, off_t(offset + done))
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw .disk(operation: "write", path: "\(directory)/spill", errorNumber: errno)
            }
        }
        meter.noteWrite(byteCount: done, nanoseconds: Clock.monotonicNanoseconds - start)
    }

    /// Nobody wants what it holds any more.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        if isStarted.load(ordering: .acquiring) { thread.stop() }
        for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
    }
}
