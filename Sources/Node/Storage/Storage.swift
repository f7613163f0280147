import Broker
import Journal
import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Everything of the node that touches the disk: the journal with its threads, and the spill file.
final class Storage: Sendable {
    let memory: MemoryAccount
    private let journal: JournalThread
    private let reader: JournalReader
    private let readerThread = SerialThread()
    private let maintenanceThread = SerialThread()
    private let spillFile: SpillFile
    private let meter: JournalMeter

    /// - Parameters:
    ///   - journal: recovered.
    ///   - shards: in the order of their indexes.
    init(
        journal: Journal, configuration: Configuration, controlPlane: ControlPlane, progress: JournalProgress,
        shards: [Shard], memory: MemoryAccount, meter: JournalMeter, logger: Logger,
        diskIsFull: @escaping @Sendable (Bool) -> Void,
        failed: @escaping @Sendable (JournalError) -> Void
    ) {
        self.memory = memory
        self.meter = meter
        reader = journal.makeReader()
        self.journal = JournalThread(
            journal: journal, controlPlane: controlPlane, progress: progress, shardCount: shards.count,
            maintenance: maintenanceThread, meter: meter,
            events: JournalThread.Events(
                advanced: { shards[$0].journalAdvanced() }, diskIsFull: diskIsFull, failed: failed,
                indexed: { memory.setJournal($0) }))
        spillFile = SpillFile(
            directory: configuration.dataDirectory, shardCount: shards.count, checker: readerThread, memory: memory,
            meter: meter, logger: logger,
            relieved: { for shard in shards { shard.wake() } }, failed: failed)
    }

    static func journalDirectory(_ configuration: Configuration) -> String { "\(configuration.dataDirectory)/journal" }

    /// Memory for the index of one shard's queues, or of the journal: an eighth of the memory for all of them together
    /// is plain, what is beyond it may leave memory.
    static func indexMemory(_ name: String, _ configuration: Configuration, memoryLimitBytes: Int) -> IndexMemory {
        IndexMemory(
            path: "\(configuration.dataDirectory)/\(name).scratch",
            plainByteLimit: memoryLimitBytes / 8 / (configuration.shardCount + 1))
    }

    func start() {
        maintenanceThread.start()
        readerThread.start()
        journal.start()
    }

    /// Everything that was handed over is on stable storage when it returns, unless it returns what has failed.
    func stop() -> JournalError? {
        // It hands over to the reader, and that one reads files that the journal closes.
        spillFile.stop()
        readerThread.stop()
        let failure = journal.stop()
        maintenanceThread.stop()
        return failure
    }

    /// What is on its way to the spill file, and in memory too.
    var spillingByteCount: Int { spillFile.pendingByteCount }

    /// Whether more transient messages may leave memory now.
    var maySpill: Bool { spillingByteCount < Self.spillByteLimit }
    private static let spillByteLimit = 32 << 20

    /// The end of a shard's turn: what it has for the disk, and what it wants from it.
    func serve(_ state: ShardState, of shard: Shard) {
        if let (records, position, sequence, urgency) = state.takeLane() {
            state.reuseLane(
                journal.append(records, shard: state.index, position: position, sequence: sequence, urgency: urgency))
        }
        let commands = state.takeSpillCommands()
        if !commands.isEmpty {
            for command in commands { spillFile.perform(command, shard: state.index) }
            if state.wantsSpillBuffer, let spare = spillFile.takeSpare() { state.reuseSpillBuffer(spare) }
        }
        for request in state.takePageRequests() {
            if let place = request.spilled {
                spillFile.read(request, place, shard: state.index) { shard.receive($0) }
            } else {
                readerThread.perform { [reader, meter] in
                    let start = Clock.monotonicNanoseconds
                    let read = PageRead(request, from: reader)
                    meter.noteReads(
                        read.blockCount, byteCount: read.byteCount, nanoseconds: Clock.monotonicNanoseconds - start)
                    shard.receive(read)
                }
            }
        }
    }
}

extension PageRead {
    /// Reads what is asked for.
    fileprivate convenience init(_ request: PageRequest, from reader: JournalReader) {
        self.init(request: request)
        reader.read(request.ids, blocks: { addBlock($0, byteCount: $1) }) { index, outcome in
            if case .content(let bytes) = outcome { add(bytes, at: index) }
        }
    }
}
