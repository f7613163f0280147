import AMQPWire
import Routing

/// What a channel waits for before it reads its next frame: the answer of a queue on another shard.
enum PendingOperation {
    case declare(QueueDeclare, isDurable: Bool)
    /// The queue is locked by another connection: its socket is looked at before the client is refused.
    case probe(QueueDeclare)
    case consume(consumerIndex: Int, queue: ShortString, noWait: Bool)
    case cancel(tag: ShortString, noWait: Bool)
    case get(queue: ShortString)
    case purge(queue: ShortString, noWait: Bool)
    case delete(noWait: Bool)
    /// The answer, a whole frame, is said when the journal has reached this position of this lane.
    case stable(lane: Int, position: UInt64, answer: [UInt8])
    /// channel.close: queues on other shards are to have back what was unacked before close-ok is said.
    case close(barriers: Int)
    /// tx.commit: what it has published and settled is to be durable, and in the queues of other shards.
    case commit
}

/// A consumer as its channel knows it.
struct ChannelConsumer {
    let tag: ShortString
    /// The tag as shortstr, for the outgoing frames; owned by the channel.
    let encodedTag: UnsafeMutableRawBufferPointer
    let queue: QueueAddress
    let noAck: Bool
    /// The queue's name of it; known once the queue has answered.
    var reference: ConsumerReference?
}

/// What a channel's publisher is told, and when its messages are delivered.
enum PublishMode: UInt8 {
    case plain
    /// confirm.select.
    case confirm
    /// tx.select.
    case transaction
}

/// One channel of a connection: what is being published on it, what was delivered on it, who consumes on it.
struct ChannelState {
    enum Phase: UInt8 {
        case open
        /// channel.close was sent: everything but its answer is dropped.
        case closing
    }

    let number: UInt16
    /// Tells this channel from an earlier one of the same number on this connection.
    let serial: UInt32
    let connection: UnsafeMutablePointer<ConnectionState>
    var phase = Phase.open
    /// What is delivered on it is traced.
    var isTraced = false
    /// It is traced, or counted by pairs: deliveries and acks look at this.
    var isWatched = false

    // Publishing
    var publishMode = PublishMode.plain
    var assembly = ContentAssembly()
    var publishPattern = PublishPattern()
    var confirm = ConfirmTracker()
    var isConfirmListed = false
    /// Among the shard's channels that wait for the journal.
    var isJournalListed = false
    var routes = PublishRoutes()
    /// The exchange that its user may write to, where permissions were looked at.
    var permittedExchange: ShortString?
    /// After tx.select.
    var transaction: Transaction?

    // Consuming
    /// For consumers that start from now on (basic.qos with global=false); 0 is no limit.
    var consumerPrefetchCount: UInt16 = 0
    /// For the channel as a whole (basic.qos with global=true); 0 is no limit.
    var channelPrefetchCount: UInt16 = 0
    var latestDeliveryTag: UInt64 = 0
    var unacked = UnackedRing()
    /// Credit promised to queues on other shards under a channel-wide limit, and what is settled but not committed.
    var leasedCount: UInt32 = 0
    var consumers: [ChannelConsumer?] = []
    var consumerIndexes: [ShortString: Int] = [:]
    private var freeConsumerIndexes: [Int] = []
    /// Consumers of this shard's queues, and lease requests of other shards', that wait for the channel-wide limit.
    var limitedConsumers: [LimitedConsumer] = []

    /// Consumers of queues that have a consumer timeout, by index.
    private(set) var timedConsumers: [Int: TimedConsumer] = [:]
    private(set) var hasTimedConsumers = false
    /// What was taken from consumers that were cancelled for keeping it: a late ack of it does no harm.
    var returnedTags: Set<UInt64> = []
    /// Where the answers go that it consumes from `amq.rabbitmq.reply-to`.
    var replyQueue: ReplyQueue?

    /// When the pending basic.consume is answered, it may have lost its permission.
    var rechecksConsumers = false

    // Statistics
    var counters = MessageCounters()
    /// Parts of them that the exchange, and the virtual host, have counted.
    var notedCounters = MessageCounters()
    /// Of `counters.publish`, what its routes know of.
    var notedPublishCount: UInt64 = 0
    var deliveryTimes = DeliveryTimes()
    /// nil unless pairs are counted.
    var pairs: ChannelPairs?
    /// nil for a channel on which nothing was published or delivered.
    var history: SampleHistory?
    /// The latest sample that saw it change; before that, when it was opened. In milliseconds since 1970.
    var activeMilliseconds: UInt64 = 0

    // Control
    var lastQueueName: ShortString?
    var pending: PendingOperation?
    /// Frames that came while an operation was pending, whole.
    var deferred = OutboundBuffer()

    init(number: UInt16, serial: UInt32, connection: UnsafeMutablePointer<ConnectionState>) {
        self.number = number
        self.serial = serial
        self.connection = connection
    }

    var address: ChannelAddress {
        ChannelAddress(connection: connection.pointee.address, number: number, serial: serial)
    }

    /// Whether the channel-wide limit allows another delivery that wants an ack.
    @inline(__always)
    var hasChannelCredit: Bool { channelCapacity > 0 }

    /// How many more deliveries that want an ack the channel-wide limit allows.
    @inline(__always)
    var channelCapacity: Int {
        channelPrefetchCount == 0 ? .max : max(0, Int(channelPrefetchCount) - unacked.count - Int(leasedCount))
    }

    /// A consumer's tag as shortstr.
    @inline(__always)
    func encodedTag(_ consumerIndex: Int) -> UnsafeRawBufferPointer {
        consumers.withUnsafeBufferPointer {
            UnsafeRawBufferPointer($0[consumerIndex].unsafelyUnwrapped.encodedTag)
        }
    }

    mutating func addConsumer(tag: ShortString, queue: QueueAddress, noAck: Bool) -> Int {
        let encoded = UnsafeMutableRawBufferPointer.allocate(byteCount: tag.count + 1, alignment: 1)
        encoded[0] = UInt8(tag.count)
        for (offset, byte) in tag.bytes.enumerated() { encoded[1 + offset] = byte }
        let consumer = ChannelConsumer(tag: tag, encodedTag: encoded, queue: queue, noAck: noAck)
        let index = freeConsumerIndexes.popLast() ?? consumers.count
        if index == consumers.count { consumers.append(consumer) } else { consumers[index] = consumer }
        consumerIndexes[tag] = index
        return index
    }

    /// Whether that consumer is still there: another one may have its place.
    @inline(__always)
    func hasConsumer(_ reference: ConsumerReference, of queue: QueueAddress, at index: Int) -> Bool {
        consumers.withUnsafeBufferPointer {
            index < $0.count && $0[index]?.reference == reference && $0[index]?.queue == queue
        }
    }

    mutating func removeConsumer(at index: Int) {
        guard let consumer = consumers[index] else { return }
        consumer.encodedTag.deallocate()
        if hasTimedConsumers { setTimeout(nil, consumerIndex: index) }
        if consumer.queue == replyQueue?.address { replyQueue = nil }
        consumerIndexes[consumer.tag] = nil
        consumers[index] = nil
        freeConsumerIndexes.append(index)
    }

    mutating func setTimeout(_ milliseconds: UInt64?, consumerIndex: Int) {
        if let milliseconds {
            timedConsumers[consumerIndex, default: TimedConsumer(timeoutMilliseconds: 0)].timeoutMilliseconds =
                milliseconds
        } else if var ended = timedConsumers.removeValue(forKey: consumerIndex) {
            ended.deallocate()
        }
        hasTimedConsumers = !timedConsumers.isEmpty
    }

    /// A consumer has got a message that it has to settle in time.
    mutating func noteDelivery(_ tag: UInt64, consumerIndex: Int, now: UInt64) {
        timedConsumers[consumerIndex]?.note(tag: tag, now: now, unacked: unacked)
    }

    mutating func isOver(consumerIndex: Int, now: UInt64) -> Bool {
        timedConsumers[consumerIndex]?.isOver(now: now, unacked: unacked) ?? false
    }

    mutating func deallocate() {
        for index in consumers.indices { removeConsumer(at: index) }
        publishPattern.deallocate()
        confirm.deallocate()
        routes.deallocate()
        unacked.deallocate()
        deferred.deallocate()
    }
}

/// What a consumer of `amq.rabbitmq.reply-to` really consumes from.
struct ReplyQueue {
    let name: ShortString
    let address: QueueAddress
}

/// Somebody who wants to deliver on a channel and has to wait for its channel-wide limit.
enum LimitedConsumer {
    case local(queue: QueueAddress, consumer: ConsumerReference)
    case remote(queue: QueueAddress, consumer: ConsumerReference, wanted: UInt32)
}
