import AMQPWire
import Journal
import Routing

/// A queue on its owner shard: messages that wait, consumers that take them in turn.
///
/// It decides who gets what and when; it sends nothing. `consumers.takeNext` is asked until it says no. After every
/// event that ends so, either no message waits or no consumer has credit.
struct QueueState {
    let address: QueueAddress
    let name: ShortString
    let virtualHost: ShortString
    let virtualHostIndex: Int
    let isAutoDelete: Bool
    /// Gates of exchanges and queues of replies are queues only to the engine.
    var isShown = true
    /// The effective ones: declared, and by policy.
    var arguments: QueueArguments
    /// nil for a queue without expiry, limits, priorities or deduplication.
    var extras: UnsafeMutablePointer<QueueExtras>?
    /// Its number in the journal; 0 when its messages are not journaled.
    var holder: UInt32 = 0

    var ready: ReadyList
    /// Delivered and not yet settled, over all channels.
    var unackedCount = 0
    var readyContents = QueueContents()
    var unackedContents = QueueContents()
    private(set) var latestPlace: UInt64 = 0
    var counters = QueueCounters()
    /// What its type counts, on this shard.
    let typeCounters: UnsafeMutablePointer<MessageCounters>
    /// nil for a queue that nobody has ever used.
    var history: SampleHistory?
    /// The latest sample that saw it change; before that, when it was made. In milliseconds since 1970.
    var activeMilliseconds: UInt64
    /// See `ShardState.sampleCapacity`; nil without consumers.
    var consumerCapacity: Float?

    var consumers: QueueConsumers

    /// Listed among the queues to be asked for deliveries.
    var isListed = false
    /// Listed among the queues that wait for a delivery mark.
    var isMarkListed = false
    /// Listed among the queues of which messages may leave memory.
    var isPagingListed = false
    var marks = DeliveryMarks()
    /// basic.get that waits until the first message is in memory and may be delivered.
    var waitingGets: [WaitingGet] = []

    init(
        address: QueueAddress, name: ShortString, virtualHost: ShortString, virtualHostIndex: Int, isAutoDelete: Bool,
        arguments: QueueArguments, memory: Unmanaged<IndexMemory>? = nil,
        typeCounters: UnsafeMutablePointer<MessageCounters>, now: Moment
    ) {
        self.address = address
        self.name = name
        self.virtualHost = virtualHost
        self.virtualHostIndex = virtualHostIndex
        self.isAutoDelete = isAutoDelete
        self.arguments = arguments
        self.typeCounters = typeCounters
        activeMilliseconds = now.wallMilliseconds
        consumers = QueueConsumers(
            queue: address, isSingleActive: arguments.isSingleActiveConsumer,
            higherPriorityTakesOver: arguments.queueType == .quorum)
        ready = ReadyList(memory: memory)
        if arguments.wantsExtras {
            _ = makeExtras()
            addLevels(arguments.levelCount)
        }
    }

    var readyCount: Int { ready.count + (extras?.pointee.otherCount ?? 0) }
    var resource: ResourceName { ResourceName(kind: .queue, name: name, virtualHost: virtualHost) }

    // MARK: Messages

    /// Whether the queue has no room for another message, and does not make room (RabbitMQ: `will_overflow`).
    func rejects(_ message: Message) -> Bool {
        arguments.mayReject && wouldOverflow(bodyByteCount: message.bodyByteCount)
    }

    /// Makes the entry of a new message: its place is behind all others'.
    @inline(__always)
    mutating func accept(_ message: Message) -> QueueEntry {
        latestPlace &+= 1
        if holder != 0, message.isPersistent || message.id != 0 { noteDiskWrites(1) }
        return QueueEntry(message: message, place: latestPlace)
    }

    /// So many messages came and went at once.
    mutating func noteAccepted(_ count: Int) { latestPlace &+= UInt64(truncatingIfNeeded: count) }

    @inline(__always)
    mutating func append(_ entry: QueueEntry) {
        readyContents.add(entry.message, isStoring: holder != 0)
        if extras != nil { return appendCounted(entry) }
        ready.append(entry, byteCount: entry.message.byteCount)
    }

    /// A message from before the node was started, which is not in memory.
    mutating func recover(_ id: UInt64, byteCount: Int, isRedelivered: Bool, deliveryCount: Int) {
        let bodyByteCount = Self.estimatedBodyByteCount(recordByteCount: byteCount)
        readyContents.bodyByteCount += bodyByteCount
        readyContents.persistentByteCount += bodyByteCount
        readyContents.persistentCount += 1
        ready.appendPagedOut(
            makeEntry(recovering: id, isRedelivered: isRedelivered, deliveryCount: deliveryCount),
            byteCount: byteCount)
    }

    mutating func makeEntry(recovering id: UInt64, isRedelivered: Bool, deliveryCount: Int) -> QueueEntry {
        latestPlace &+= 1
        counters.recovered &+= 1
        return QueueEntry(
            pagedOut: id, isSpilled: false, place: latestPlace, isRedelivered: isRedelivered,
            deliveryCount: deliveryCount)
    }

    /// What comes from now on is in memory.
    mutating func endRecovery() {
        for level in 0..<levelCount { withList(level) { $0.endPagedOut() } }
    }

    mutating func putBack(_ entry: QueueEntry) {
        readyContents.add(entry.message, isStoring: holder != 0)
        if extras != nil { return putBackCounted(entry) }
        ready.putBack(entry)
    }

    @inline(__always)
    mutating func popFirst() -> QueueEntry? {
        if extras != nil { return popFirstCounted() }
        guard let entry = ready.popFirst() else { return nil }
        subtractReady(entry)
        return entry
    }

    // MARK: Consumers

    var consumerCount: Int { consumers.count }
    /// An administrator has stopped deliveries.
    var isPaused: Bool { consumers.isPaused }

    /// The consumer may have credit again. Returns whether there is something for it.
    @inline(__always)
    mutating func makeReady(_ reference: ConsumerReference) -> Bool {
        consumers.makeReady(reference)
        return !ready.isEmpty
    }

    /// - Precondition: the messages have been taken out.
    mutating func deallocate() {
        ready.deallocate()
        extras?.pointee.deallocate()
        extras?.deinitialize(count: 1)
        extras?.deallocate()
        extras = nil
        consumers.deallocate()
        marks.deallocate()
    }
}

/// Who asked with basic.get, and how.
struct WaitingGet {
    let channel: ChannelAddress
    let noAck: Bool
}
