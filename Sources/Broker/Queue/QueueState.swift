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
    /// With the policies that apply: `ShardState.apply` changes them.
    var arguments: QueueArguments
    /// Its number in the journal; 0 when its messages are not journaled.
    var holder: UInt32 = 0

    var ready: ReadyList
    /// Delivered and not yet settled, over all channels.
    var unackedCount = 0
    private var latestPlace: UInt64 = 0

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
        arguments: QueueArguments, memory: Unmanaged<IndexMemory>? = nil
    ) {
        self.address = address
        self.name = name
        self.virtualHost = virtualHost
        self.virtualHostIndex = virtualHostIndex
        self.isAutoDelete = isAutoDelete
        self.arguments = arguments
        consumers = QueueConsumers(
            queue: address, isSingleActive: arguments.isSingleActiveConsumer,
            higherPriorityTakesOver: arguments.queueType == .quorum)
        ready = ReadyList(memory: memory)
    }

    var readyCount: Int { ready.count }
    var resource: ResourceName { ResourceName(kind: .queue, name: name, virtualHost: virtualHost) }

    // MARK: Messages

    var mayReject: Bool { arguments.mayReject }

    /// Whether the queue has no room for another message (RabbitMQ: `will_overflow`).
    func rejects(_ message: Message) -> Bool {
        if let limit = arguments.maxLength, readyCount + 1 > limit { return true }
        return false
    }

    /// Makes the entry of a new message: its place is behind all others'.
    @inline(__always)
    mutating func accept(_ message: Message) -> QueueEntry {
        latestPlace &+= 1
        return QueueEntry(message: message, place: latestPlace)
    }

    @inline(__always)
    mutating func append(_ entry: QueueEntry) { ready.append(entry, byteCount: entry.message.byteCount) }

    /// A message from before the node was started, which is not in memory.
    mutating func recover(_ id: UInt64, byteCount: Int, isRedelivered: Bool) {
        latestPlace &+= 1
        ready.appendPagedOut(
            QueueEntry(pagedOut: id, isSpilled: false, place: latestPlace, isRedelivered: isRedelivered),
            byteCount: byteCount)
    }

    mutating func putBack(_ entry: QueueEntry) { ready.putBack(entry) }

    mutating func popFirst() -> QueueEntry? { ready.popFirst() }

    // MARK: Consumers

    var consumerCount: Int { consumers.count }

    /// The consumer may have credit again. Returns whether there is something for it.
    @inline(__always)
    mutating func makeReady(_ reference: ConsumerReference) -> Bool {
        consumers.makeReady(reference)
        return !ready.isEmpty
    }

    /// - Precondition: the messages have been taken out.
    mutating func deallocate() {
        ready.deallocate()
        consumers.deallocate()
        marks.deallocate()
    }
}

/// Who asked with basic.get, and how.
struct WaitingGet {
    let channel: ChannelAddress
    let noAck: Bool
}
