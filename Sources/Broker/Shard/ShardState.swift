import AMQPWire
import Journal
import Routing

/// Everything one shard owns: its connections with their channels, its queues, the messages its publishers sent, and
/// its replica of the routing tables. Deterministic: bytes, batches and moments go in; bytes, batches and notes for
/// the shell come out. It reads no clock, no socket and no randomness, so a test drives it as the event loop does.
///
/// One thread at a time, always the same event loop. The shell's turn is: feed events (`receive`, `receiveBatch`,
/// `tick`, ...), call `finishTurn`, then take what `takeListedConnection` and `takeBatch` give.
///
/// Its aspects stand in files of their own: `ShardState+Frames` is where bytes come in.
package final class ShardState {
    package let index: Int
    package let shardCount: Int
    package let settings: BrokerSettings
    package let controlPlane: ControlPlane
    /// Where the lists of deep queues are.
    let indexMemory: IndexMemory
    /// Set by the shell before each event.
    package var now: Moment
    var random: SeededRandom

    var connections = SlotTable<ConnectionState>()
    /// Channels live as long as somebody may point at them: until the end of the turn in which they end.
    var endedChannels: [UnsafeMutablePointer<ChannelState>] = []
    var queues = SlotTable<QueueState>(generationBits: 24)
    var messages = MessageStore()

    // Topology
    var appliedVersion: UInt64 = 0
    var lagCheckedVersion: UInt64 = 0
    var virtualHosts: [VirtualHostReplica] = []
    /// Queues that may reject what is published to them.
    var rejectingQueues: Set<QueueAddress> = []
    var mustForgetRoutes = false
    /// What users may do: see `ShardState+Access`.
    var permissions = AccessTable()
    /// What connections may do is to be looked at again.
    var mustMeasureConnections = false
    /// Their connections and queues here end with this turn.
    var removedVirtualHosts: Set<Int> = []
    /// Their connections here end with this turn.
    var removedUsers: Set<ShortString> = []
    /// What clients are told of the node when they connect.
    var clusterName: String
    /// Connections that have not been told yet that their login is refused.
    var refusedLoginCount = 0

    /// Whether who is bound to a recent-history exchange gets its messages: not while bindings come back at a start.
    var replaysHistory = true
    /// Bindings that want them.
    var pendingReplays: [(host: Int, binding: Binding)] = []

    // Durability
    var holders: HolderTable
    var journal: ShardJournal
    /// Sequences of this run's messages begin here.
    var firstSequence: UInt64 = 0

    // Messages that leave memory
    var spilled = SpillSpace()
    var pagingQueues: [QueueAddress] = []
    var residentShare = ResidentShare.all
    var pageRequests: [PageRequest] = []
    /// What leaves memory does not come back long before its turn.
    package var isMemoryScarce = false
    /// Memory is so scarce that publishers have to wait.
    var isMemoryTight = false
    var listMeasure = ListMeasure()

    // To do in time
    var deadlines = BinaryHeap<QueueDeadline>()
    /// Above so many, those that are out of date are dropped.
    var deadlineLimit = Limit.staleDeadlines

    // To do before the turn ends
    var listedQueues: [QueueAddress] = []
    var confirmingChannels: [UnsafeMutablePointer<ChannelState>] = []
    var listedConnections: [UInt32] = []
    var resumableChannels: [ChannelAddress] = []
    /// connection.close came while a channel waits for another shard's answer.
    var closingConnections: [ConnectionAddress] = []

    /// For the event exchange, by virtual host: see `ShardState+Events`.
    var pendingEvents: [(host: Int, event: BrokerEvent)] = []
    /// For the trace exchange, by virtual host: see `ShardState+Trace`.
    var pendingTraces: [(host: Int, message: Message)] = []
    /// Something was announced that this shard has not seen in the history yet.
    var hasAnnounced = false

    /// Dead-letter cycles that were told of in the log: hashes of their queues' names.
    var notedCycles: Set<Int> = []

    /// What the node is short of: see `ShardState+Alarms`.
    var alarms: ResourceAlarms = []

    /// Settlements of consumers that had no credit left while messages waited for them: they wait for each turn.
    package var awaitedSettlementCount: UInt64 = 0

    // Other shards
    let outgoing: OutgoingBatches
    /// Bytes of messages on their way to each other shard's queues.
    var transitByteCounts: [Int]
    var transitEpochs = TransitEpochs()
    /// The epoch in which the message that is being published was sent to another shard; 0 if it was not.
    var latestSentEpoch: UInt64 = 0
    /// The messages that are being published together, and by their number from the first on, how many queues have
    /// given back a reference of just these: see `ShardState+PublishRun`.
    let publishRun = UnsafeMutablePointer<Message>.allocate(capacity: runMessageLimit)
    let takenCounts = UnsafeMutablePointer<UInt32>.allocate(capacity: runMessageLimit + 1)
    /// A queue of this shard has rejected the message that is being published.
    var isLatestRejected = false
    /// Rejections that led to the one that is being dead-lettered.
    var rejectionDepth = 0
    /// Messages to be dead-lettered when the turn ends.
    var rejectedMessages = RingBuffer<RejectedMessage>()
    /// Of the message whose header is being read, where it had to be changed.
    var rewrittenProperties = OutboundBuffer()
    /// Connections that publish too fast for some other shard.
    var pausedPublishers: Set<ConnectionAddress> = []
    /// Windows for connections of other shards.
    var remoteWindows: [ConnectionAddress: UnsafeMutablePointer<DeliveryWindow>] = [:]
    /// For the shell: sockets to be looked at.
    var probes: [Probe] = []
    var pendingRelease: ReleaseRecord?

    /// For the log of the shell.
    package var notes: [Note] = []
    /// The shell reads them between turns.
    package var statistics = ShardStatistics()
    let typeCounters = QueueTypeCounters()
    var sampleTimes = SampleTimes()

    /// - Parameters:
    ///   - seed: for the names that the broker makes up; from the system's randomness, or from a test.
    ///   - progress: how far the journal is; nil when there is none, and everything stays in memory.
    package init(
        index: Int, shardCount: Int, settings: BrokerSettings, controlPlane: ControlPlane, seed: [UInt64], now: Moment,
        progress: JournalProgress? = nil, indexMemory: IndexMemory = IndexMemory()
    ) {
        self.index = index
        self.shardCount = shardCount
        self.settings = settings
        self.controlPlane = controlPlane
        self.indexMemory = indexMemory
        self.now = now
        random = SeededRandom(seed: seed)
        outgoing = OutgoingBatches(shardCount: shardCount, source: index)
        transitByteCounts = Array(repeating: 0, count: shardCount)
        holders = HolderTable(shardCount: shardCount)
        journal = ShardJournal(progress: progress)
        clusterName = settings.clusterName
        takenCounts.initialize(repeating: 0, count: Self.runMessageLimit + 1)
        applyTopology()
        // Nobody is connected yet.
        removedUsers = []
    }

    /// Deletes every queue that lives here: other shards get their messages back with the next batches.
    package func deleteAllQueues() {
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot] else { continue }
            if queue.pointee.extras?.pointee.gate != nil {
                closeGate(queue.pointee.address)
            } else {
                _ = delete(queue)
            }
        }
    }

    /// Frees all memory; the shard is not to be used afterwards. Messages that are still referred to, here or on other
    /// shards, go with it.
    package func deallocate() {
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot] else { continue }
            for case let channel? in connection.pointee.channels { endedChannels.append(channel) }
            connection.pointee.outbound.deallocate()
            connection.pointee.input.deallocate()
        }
        freeEnded()
        for slot in queues.occupiedSlots() { queues[slot]?.pointee.deallocate() }
        for window in remoteWindows.values {
            window.deinitialize(count: 1)
            window.deallocate()
        }
        outgoing.deallocate()
        publishRun.deallocate()
        takenCounts.deallocate()
        connections.deallocate()
        queues.deallocate()
        messages.deallocate()
        holders.deallocate()
        journal.deallocate()
        rewrittenProperties.deallocate()
        transitEpochs.deallocate()
        typeCounters.deallocate()
        rejectedMessages.deallocate()
    }

    func note(_ level: Note.Level, _ text: String) { notes.append(Note(level: level, text: text)) }
}

/// Something for the log.
package struct Note: Sendable, Equatable {
    package enum Level: Sendable { case debug, info, warning, error }
    package let level: Level
    package let text: String
}

/// The routing tables of one virtual host, as this shard has them.
struct VirtualHostReplica {
    var routing = RoutingTable()
    var internalExchanges = ExchangeSet()
    /// Those that topic permissions are for.
    var topicExchanges = ExchangeSet()
    /// The gates of its exchanges, on whatever shard.
    var gates: [ExchangeID: QueueAddress] = [:]
    /// See `ShardState+Trace`.
    var isTraced = false
    var counters = ReplicaCounters()
    /// Empty unless pairs are counted.
    var outgoing = MessagePairs<ExchangeToQueue>()
}

/// xoshiro256**: good enough for names that must differ, and repeatable from a seed.
struct SeededRandom: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seed: [UInt64]) {
        precondition(seed.count == 4, "the seed is four words")
        state = (seed[0] | 1, seed[1], seed[2], seed[3])
    }

    mutating func next() -> UInt64 {
        func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    /// `amq.gen-` or `amq.ctag-` and 22 characters, RabbitMQ's form (URL-safe base 64 of 16 bytes).
    mutating func name(prefix: String) -> ShortString {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var bytes = Array(prefix.utf8)
        for _ in 0..<22 { bytes.append(alphabet[Int(next() >> 58)]) }
        return ShortString(bytes: bytes)
    }
}
