import AMQPWire
import Routing

// basic.ack of deliveries that follow each other: those of one `multiple`, and frames that ack one after the other.
extension ShardState {
    /// Takes basic.ack frames while they begin here, each for the delivery behind the one before: the same as one for
    /// the last of them with `multiple`.
    ///
    /// - Parameter position: where a frame begins.
    /// - Returns: the bytes of the frames; 0 where frames have to be looked at one by one.
    @inline(never)
    func receiveAcks(
        _ channel: UnsafeMutablePointer<ChannelState>, _ position: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> Int {
        guard takesRuns(channel), let first = channel.pointee.unacked.firstTag else { return 0 }
        let frame = AckFrame(channel: channel.pointee.number)
        let limit = min(channel.pointee.unacked.leadingTagCount, (end - position) / AckFrame.byteCount)
        var count = 0
        while count < limit,
            frame.acks(first &+ UInt64(truncatingIfNeeded: count), position + count &* AckFrame.byteCount)
        {
            count &+= 1
        }
        guard count > 0 else { return 0 }
        acknowledge(channel, upTo: first &+ UInt64(truncatingIfNeeded: count) &- 1)
        if !channel.pointee.limitedConsumers.isEmpty { channelCreditFreed(channel) }
        return count &* AckFrame.byteCount
    }

    /// The channel's client has acked everything that was delivered with tags up to this one.
    func acknowledge(_ channel: UnsafeMutablePointer<ChannelState>, upTo last: UInt64) {
        var count: UInt64 = 0
        while let first = channel.pointee.unacked.first, first.tag <= last {
            if let queue = plainQueue(first.queue), !channel.pointee.isWatched {
                count &+= acknowledgeRun(channel, first, upTo: last, queue)
            } else if let delivery = channel.pointee.unacked.takeFirst(upTo: last) {
                settle(delivery, .acked)
                if channel.pointee.isWatched { watchAck(of: delivery.queue, channel) }
                count &+= 1
            }
        }
        countAcks(count, channel)
    }

    /// Those that came from one queue to one consumer: what `settle` does for each is done for all of them.
    private func acknowledgeRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ first: UnackedDelivery, upTo last: UInt64,
        _ queue: UnsafeMutablePointer<QueueState>
    ) -> UInt64 {
        let isStoring = queue.pointee.holder != 0
        var contents = QueueContents()
        let run = channel.pointee.unacked.firstRun(upTo: last)
        for index in run.indices {
            let message = run[index].entry.message
            journalSettlement(message, of: first.queue)
            contents.add(message, isStoring: isStoring)
            release(message)
        }
        let count = run.count
        channel.pointee.unacked.removeFirst(count)
        queue.pointee.unackedCount -= count
        queue.pointee.unackedContents.subtract(contents)
        queue.pointee.typeCounters.pointee.ack &+= UInt64(truncatingIfNeeded: count)
        noteSettled(count, by: first.consumer, queue)
        return UInt64(truncatingIfNeeded: count)
    }

    /// The queue may have something for a consumer that has settled so many of its deliveries.
    @inline(__always)
    func noteSettled(_ count: Int, by consumer: ConsumerReference, _ queue: UnsafeMutablePointer<QueueState>) {
        if isMemoryTight, queue.pointee.ready.absentChunkCount > 0 { list(queue) }
        guard let credit = queue.pointee.consumers.credit(consumer) else { return }
        credit.pointee.unackedCount -= UInt32(truncatingIfNeeded: count)
        if !credit.pointee.isReady, queue.pointee.makeReady(consumer) {
            awaitedSettlementCount &+= 1
            list(queue)
        }
    }
}

/// basic.ack without `multiple` on some channel, as its frame begins.
struct AckFrame {
    /// Type, channel, size and the first byte of the class.
    private let head: UInt64

    /// Head 7, class 2, method 2, delivery tag 8, bits 1, end 1.
    static let byteCount = 21

    init(channel: UInt16) {
        head = UInt64(Frame.method) << 56 | UInt64(channel) << 40 | 13 << 8
    }

    /// Whether it begins here, as far as eight bytes tell.
    @inline(__always)
    func begins(at bytes: UnsafeRawPointer) -> Bool {
        UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) == head
    }

    /// Whether these bytes are it, and for this delivery alone.
    @inline(__always)
    func acks(_ tag: UInt64, _ bytes: UnsafeRawPointer) -> Bool {
        begins(at: bytes)
            && UInt32(bigEndian: (bytes + 7).loadUnaligned(as: UInt32.self)) == 60 << 16 | 80
            && UInt64(bigEndian: (bytes + 11).loadUnaligned(as: UInt64.self)) == tag
            && UInt16(bigEndian: (bytes + 19).loadUnaligned(as: UInt16.self)) == UInt16(Frame.end)
    }
}
