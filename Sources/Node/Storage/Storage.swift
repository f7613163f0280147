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
        reader = journal.makeReader()
        self.journal = JournalThread(
            journal: journal, controlPlane: controlPlane, progress: progress, shardCount: shards.count,
            maintenance: maintenanceThread, meter: meter,
            events: JournalThread.Events(
                advanced: { shards[$0].journalAdvanced() }, diskIsFull: diskIsFull, failed: failed,
                indexed: { memory.setJournal($0) }))
        spillFile = SpillFile(
            directory: Self.spillDirectory(configuration), segmentByteCount: configuration.journalSegmentByteCount,
            indexMemory: Self.indexMemory(
                "spill", configuration, memoryLimitBytes: configuration.memoryLimitBytes),
            memory: memory, logger: logger, relieved: { for shard in shards { shard.wake() } }, failed: failed)
    }

    static func journalDirectory(_ configuration: Configuration) -> String { "\(configuration.dataDirectory)/journal" }
    static func spillDirectory(_ configuration: Configuration) -> String { "\(configuration.dataDirectory)/spill" }

    /// Memory for the index of one shard's queues, or of the journal: an eighth of the memory for all of them together
    /// is plain, what is beyond it may leave memory.
    static func indexMemory(_ name: String, _ configuration: Configuration, memoryLimitBytes: Int) -> IndexMemory {
        IndexMemory(
            path: "\(configuration.dataDirectory)/\(name).scratch",
            plainByteLimit: memoryLimitBytes / 8 / (configuration.shardCount + 2))
    }

    func start() {
        maintenanceThread.start()
        readerThread.start()
        journal.start()
        spillFile.start()
    }

    /// Everything that was handed over is on stable storage when it returns, unless it returns what has failed.
    func stop() -> JournalError? {
        // It reads files that the journal closes.
        readerThread.stop()
        let failure = journal.stop()
        maintenanceThread.stop()
        spillFile.stop()
        return failure
    }

    /// Whether more transient messages may leave memory now: what is on its way to the spill file is in memory too.
    var maySpill: Bool { spillFile.pendingByteCount < Self.spillByteLimit }
    private static let spillByteLimit = 32 << 20

    /// The end of a shard's turn: what it has for the disk, and what it wants from it.
    func serve(_ state: ShardState, of shard: Shard) {
        if let (records, position, sequence, urgency) = state.takeLane() {
            state.reuseLane(
                journal.append(records, shard: state.index, position: position, sequence: sequence, urgency: urgency))
        }
        if let records = state.takeSpillLane() { spillFile.append(records) }
        for request in state.takePageRequests() {
            if request.isSpilled {
                spillFile.read(request) { shard.receive($0) }
            } else {
                readerThread.perform { [reader] in shard.receive(PageRead(request, from: reader)) }
            }
        }
    }
}
