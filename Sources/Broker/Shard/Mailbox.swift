import AMQPWire
import Routing

/// What one shard sends another in one go: records of the message path, and rarer messages, in one order.
///
/// Batches of one pair of shards arrive in the order in which they were sent: nothing overtakes.
package final class MailboxBatch: @unchecked Sendable {
    let source: Int
    /// Records, each a `RecordHead` and the record's bytes.
    var records = OutboundBuffer()
    var control: [ControlMessage] = []
    /// Sizes of the messages that are on their way to a queue.
    var transitByteCount = 0
    /// Their epoch.
    var epoch: UInt64 = 0
    /// Where the latest run begins, and where it ends: if nothing is behind that, it may go on.
    private var runStart = 0
    private var runEnd = -1

    /// For the inbox of the shell: the batch that was pushed before.
    package var link: UnsafeMutableRawPointer?

    init(source: Int) { self.source = source }

    deinit { records.deallocate() }

    package var isEmpty: Bool { records.isEmpty }

    @inline(__always)
    func append<Record: MailboxRecord>(_ record: Record) {
        // Rounded up, so that every record is aligned.
        let size = (MemoryLayout<RecordHead>.stride + MemoryLayout<Record>.stride + 7) & ~7
        let position = records.reserve(size)
        position.storeBytes(of: RecordHead(kind: Record.kind, byteCount: UInt32(size)), as: RecordHead.self)
        (position + MemoryLayout<RecordHead>.stride).storeBytes(of: record, as: Record.self)
        records.advance(size)
    }

    /// Appends to the latest run if it is of the same description, and begins another one else.
    @inline(__always)
    func append<Run: MailboxRun>(_ element: Run.Element, to run: Run) {
        if !continues(run) { begin(run) }
        let byteCount = MemoryLayout<Run.Element>.stride
        records.reserve(byteCount).storeBytes(of: element, as: Run.Element.self)
        extendRun(byteCount)
    }

    func append<Run: MailboxRun>(_ elements: UnsafeBufferPointer<Run.Element>, to run: Run) {
        if !continues(run) { begin(run) }
        let byteCount = elements.count * MemoryLayout<Run.Element>.stride
        guard let base = elements.baseAddress else { return }
        records.reserve(byteCount).copyMemory(from: base, byteCount: byteCount)
        extendRun(byteCount)
    }

    @inline(__always)
    private func continues<Run: MailboxRun>(_ run: Run) -> Bool {
        guard records.count == runEnd, let base = records.base else { return false }
        let head = base + runStart
        return head.load(as: RecordHead.self).kind == Run.kind
            && run.isSame(as: head.load(fromByteOffset: MemoryLayout<RecordHead>.stride, as: Run.self))
    }

    @inline(never)
    private func begin<Run: MailboxRun>(_ run: Run) {
        runStart = records.count
        append(run)
    }

    @inline(__always)
    private func extendRun(_ byteCount: Int) {
        records.advance(byteCount)
        runEnd = records.count
        (records.base.unsafelyUnwrapped + runStart).assumingMemoryBound(to: RecordHead.self).pointee.byteCount +=
            UInt32(byteCount)
    }

    /// Appends messages, each of them for all the queues that a shard has of these.
    ///
    /// - Parameter count: of the shard's queues.
    func append(_ messages: UnsafeBufferPointer<Message>, to queues: RouteBuffer, of shard: Int, count: Int) {
        guard let base = messages.baseAddress else { return }
        begin(EnqueueRun(messageCount: messages.count))
        let byteCount = (messages.count + count) * MemoryLayout<EnqueueRun.Element>.stride
        var position = records.reserve(byteCount)
        position.copyMemory(from: base, byteCount: messages.count * MemoryLayout<Message>.stride)
        position += messages.count * MemoryLayout<Message>.stride
        for index in 0..<queues.count where queues[index].shard == shard {
            position.storeBytes(of: queues[index], as: QueueAddress.self)
            position += MemoryLayout<QueueAddress>.stride
        }
        extendRun(byteCount)
    }

    func append(_ message: ControlMessage) {
        control.append(message)
        append(ControlRecord(index: control.count - 1))
    }
}

/// The batches that a shard is filling for the others. To fill one does not retain it: that would be two atomic
/// instructions for each record.
struct OutgoingBatches {
    private let batches: UnsafeMutablePointer<Unmanaged<MailboxBatch>?>
    private let shardCount: Int
    private let source: Int

    init(shardCount: Int, source: Int) {
        self.shardCount = shardCount
        self.source = source
        batches = .allocate(capacity: shardCount)
        batches.initialize(repeating: nil, count: shardCount)
    }

    /// Until it is taken.
    @inline(__always)
    subscript(shard: Int) -> OutgoingBatch {
        precondition(shard >= 0 && shard < shardCount)
        return OutgoingBatch(batch: batches[shard] ?? open(shard))
    }

    @inline(never)
    private func open(_ shard: Int) -> Unmanaged<MailboxBatch> {
        let batch = Unmanaged.passRetained(MailboxBatch(source: source))
        batches[shard] = batch
        return batch
    }

    /// nil if there is none.
    func take(_ shard: Int) -> MailboxBatch? {
        defer { batches[shard] = nil }
        return batches[shard]?.takeRetainedValue()
    }

    func deallocate() {
        for shard in 0..<shardCount { batches[shard]?.release() }
        batches.deallocate()
    }
}

struct OutgoingBatch {
    fileprivate let batch: Unmanaged<MailboxBatch>

    @inline(__always)
    func append<Record: MailboxRecord>(_ record: Record) { batch._withUnsafeGuaranteedRef { $0.append(record) } }

    @inline(__always)
    func append<Run: MailboxRun>(_ element: Run.Element, to run: Run) {
        batch._withUnsafeGuaranteedRef { $0.append(element, to: run) }
    }

    func append<Run: MailboxRun>(_ elements: UnsafeBufferPointer<Run.Element>, to run: Run) {
        batch._withUnsafeGuaranteedRef { $0.append(elements, to: run) }
    }

    func append(_ messages: UnsafeBufferPointer<Message>, to queues: RouteBuffer, of shard: Int, count: Int) {
        batch._withUnsafeGuaranteedRef { $0.append(messages, to: queues, of: shard, count: count) }
    }

    func append(_ message: ControlMessage) { batch._withUnsafeGuaranteedRef { $0.append(message) } }

    /// A message of that size is in it, on its way to a queue.
    @inline(__always)
    func addTransit(byteCount: Int) { batch._withUnsafeGuaranteedRef { $0.transitByteCount += byteCount } }
}

struct RecordHead: BitwiseCopyable {
    let kind: RecordKind
    /// With this head, and with what follows the record if it is a `MailboxRun`.
    var byteCount: UInt32
}

enum RecordKind: UInt32, BitwiseCopyable {
    case enqueue, enqueueRun, offer, rejection, settle, deliver, release, releases, windowCredit, transitCredit
    case leaseRequest, leaseGrant, leaseReturn, control
}

/// Plain bytes between shards: 8-byte aligned, no references.
protocol MailboxRecord: BitwiseCopyable {
    static var kind: RecordKind { get }
}

/// What many records that follow each other have in common is said once; then come what they differ in, of 8-byte
/// aligned sizes: a deep queue's deliveries are memory that one CPU writes and another reads.
protocol MailboxRun: MailboxRecord {
    associatedtype Element: BitwiseCopyable

    func isSame(as other: Self) -> Bool
}

extension MailboxRun {
    /// - Parameters:
    ///   - record: where the run was found.
    ///   - end: where the next record begins.
    static func elements(of record: UnsafeRawPointer, until end: UnsafeRawPointer) -> UnsafeBufferPointer<Element> {
        let start = record + (MemoryLayout<Self>.stride + 7) & ~7
        return UnsafeBufferPointer(
            start: start.assumingMemoryBound(to: Element.self), count: (end - start) / MemoryLayout<Element>.stride)
    }
}

/// A message for a queue. The queue's shard holds the reference from now on.
struct EnqueueRecord: MailboxRecord {
    static let kind = RecordKind.enqueue
    let queue: QueueAddress
    let message: Message
}

/// Messages that were published one after the other, alike but for time and body, each of them for the same queues.
/// First come the messages, then the queues. The queues' shard holds a reference of each for each queue from now on.
struct EnqueueRun: MailboxRun {
    typealias Element = UInt64

    static let kind = RecordKind.enqueueRun
    let messageCount: Int

    /// Others may go to other queues.
    func isSame(as other: EnqueueRun) -> Bool { false }
}

/// A message for a queue that may reject it, of a publisher who is to be told.
struct OfferRecord: MailboxRecord {
    static let kind = RecordKind.offer
    let queue: QueueAddress
    let message: Message
    let channel: ChannelAddress
    /// As `ConfirmTracker` numbers it.
    let number: UInt64
}

/// A queue has rejected what was offered. Comes before the credit of the batch that had brought it.
struct RejectionRecord: MailboxRecord {
    static let kind = RecordKind.rejection
    let channel: ChannelAddress
    let number: UInt64
}

/// How a delivery ended.
enum Outcome: UInt8, BitwiseCopyable {
    case acked
    /// Given back, which is no failure: nacked with requeue, recovered, or taken back after the consumer timeout.
    case requeued
    /// A delivery that failed, and is tried again: basic.reject with requeue, or the channel has ended.
    case failed
    /// Rejected or nacked without requeue: dead-lettered or dropped.
    case rejected
    /// Delivered without ack to a channel that had ended: back to its place, and it never counted as unacked.
    case bounced
}

struct SettleRecord: MailboxRecord {
    static let kind = RecordKind.settle
    let queue: QueueAddress
    let entry: QueueEntry
    let consumer: ConsumerReference
    let outcome: Outcome
}

/// Messages for a consumer whose channel lives on the receiving shard.
struct DeliverRun: MailboxRun {
    typealias Element = QueueEntry

    static let kind = RecordKind.deliver
    let channel: ChannelAddress
    let consumerIndex: UInt32
    let noAck: Bool
    /// Delivered on a lease of the channel-wide limit.
    let usesLease: Bool
    let queue: QueueAddress
    let consumer: ConsumerReference

    /// A consumer has one channel, and keeps it.
    @inline(__always)
    func isSame(as other: DeliverRun) -> Bool {
        consumer == other.consumer && queue == other.queue && usesLease == other.usesLease
    }
}

/// References given back to the shard that published the messages: one of each.
struct ReleaseRun: MailboxRun {
    typealias Element = Message

    static let kind = RecordKind.releases

    @inline(__always)
    func isSame(as other: ReleaseRun) -> Bool { true }
}

/// References given back to the shard that published the message.
struct ReleaseRecord: MailboxRecord {
    static let kind = RecordKind.release
    let message: Message
    var count: UInt64
}

/// Bytes of a delivery window that have left for the socket.
struct WindowCreditRecord: MailboxRecord {
    static let kind = RecordKind.windowCredit
    let connection: ConnectionAddress
    let byteCount: Int
}

/// Bytes of messages that have reached their queues, and the epoch in which they were sent.
struct TransitCreditRecord: MailboxRecord {
    static let kind = RecordKind.transitCredit
    let byteCount: Int
    let epoch: UInt64
}

/// Credit of a channel-wide limit: asked for by a queue's shard, granted by the channel's, returned when not used.
struct LeaseRequestRecord: MailboxRecord {
    static let kind = RecordKind.leaseRequest
    let channel: ChannelAddress
    let queue: QueueAddress
    let consumer: ConsumerReference
    let wanted: UInt32
}

struct LeaseGrantRecord: MailboxRecord {
    static let kind = RecordKind.leaseGrant
    let channel: ChannelAddress
    let queue: QueueAddress
    let consumer: ConsumerReference
    let count: UInt32
}

struct LeaseReturnRecord: MailboxRecord {
    static let kind = RecordKind.leaseReturn
    let channel: ChannelAddress
    let count: UInt32
}

/// Points at a `ControlMessage` of the same batch.
struct ControlRecord: MailboxRecord {
    static let kind = RecordKind.control
    let index: Int
}

/// What is rare enough to carry names and tables.
enum ControlMessage: Sendable {
    case request(QueueRequest, queue: QueueAddress, from: ChannelAddress)
    case reply(QueueReply, to: ChannelAddress)
    /// The queue of this consumer is gone: basic.cancel.
    case consumerCancelled(channel: ChannelAddress, consumerIndex: UInt32, consumer: ConsumerReference)
    /// The queue of this consumer has another consumer timeout.
    case consumerTimeout(ConsumerTimeoutChange)
    /// The channel-wide limit of a channel came or went.
    case channelLimit(channel: ChannelAddress, isLimited: Bool)
    /// Has this connection's socket ended? Answered with `QueueReply.probed`.
    case probe(ConnectionAddress, from: ChannelAddress)
    /// The connection is gone: its delivery window is not needed any more.
    case connectionEnded(ConnectionAddress)
    /// The active consumer of this queue was on a channel that has ended: answered when all that was on its way to it
    /// has been sent back.
    case handOver(QueueAddress)
    case handedOver(QueueAddress)
}

struct ConsumerTimeoutChange: Sendable {
    let channel: ChannelAddress
    let consumerIndex: UInt32
    let consumer: ConsumerReference
    let milliseconds: UInt64?
}

/// What a channel asks of a queue, wherever it lives.
enum QueueRequest: Sendable {
    case counts
    case consume(ConsumerDescription)
    case cancel(ConsumerReference, isChannelEnding: Bool)
    /// - Parameter isForced: also from a queue whose deliveries are stopped: for administrators.
    case get(noAck: Bool, isForced: Bool)
    case purge
    case delete(ifUnused: Bool, ifEmpty: Bool, by: ShortString)
    /// Answered when everything sent before has been done. Goes to a shard, not a queue.
    case barrier
}

enum QueueReply: Sendable {
    case counts(messages: Int, consumers: Int)
    /// The queue had been deleted when the request came.
    case gone
    case consuming(ConsumerReference, QueueAddress, timeoutMilliseconds: UInt64?)
    case cancelled
    case got(GotMessage)
    case empty
    /// What the journal has to know of it ends at this position of this lane.
    case purged(Int, lane: Int, position: UInt64)
    case deleted(Int, isDurable: Bool)
    case refused(ProtocolError)
    case barrierPassed
    case probed
}

struct GotMessage: @unchecked Sendable {
    let entry: QueueEntry
    let queue: QueueAddress
    let noAck: Bool
    /// Messages still ready behind it.
    let remaining: Int
}
