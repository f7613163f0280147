import AMQPWire
import Routing

// Messages that follow each other, of one queue and to one consumer: what need not be asked, counted or written for
// each of them is asked, counted and written once.
extension ShardState {
    /// As many messages as may go in one piece to a consumer that has all turns: nothing but its credit has to be asked
    /// between one and the next.
    ///
    /// - Precondition: it may have the first one.
    /// - Parameter limit: at least 1.
    /// - Returns: how many it got, at least 1.
    func deliverRun(from queue: UnsafeMutablePointer<QueueState>, to slot: UInt32, limit: Int) -> Int {
        let credit = queue.pointee.consumers.credits.unsafelyUnwrapped + Int(slot)
        let run = queue.pointee.ready.firstRun
        guard run.count > 1, credit.pointee.leaseCount == 0 else {
            if let entry = queue.pointee.popFirst() { deliver(entry, from: queue, to: slot) }
            return 1
        }
        var contents = QueueContents()
        let count = takeCredit(run, limit: limit, from: queue, slot, &contents)
        let entries = UnsafeBufferPointer(rebasing: run[..<count])
        let consumer = ConsumerReference(slot: slot, serial: credit.pointee.serial)
        if let channel = credit.pointee.channel {
            write(
                entries, to: channel, consumerIndex: Int(credit.pointee.consumerIndex), noAck: credit.pointee.noAck,
                queue: queue.pointee.address, consumer: consumer)
        } else {
            mailbox(Int(credit.pointee.channelAddress.connection.shard)).append(
                entries,
                to: DeliverRun(
                    channel: credit.pointee.channelAddress, consumerIndex: credit.pointee.consumerIndex,
                    noAck: credit.pointee.noAck, usesLease: false, queue: queue.pointee.address, consumer: consumer))
        }
        noteDelivered(count, contents, from: queue, credit)
        queue.pointee.ready.removeFirst(count)
        queue.pointee.readyContents.subtract(contents)
        return count
    }

    /// How many of the queue's first entries a consumer may have now. Takes them from its connection's window.
    private func takeCredit(
        _ entries: UnsafeMutableBufferPointer<QueueEntry>, limit: Int, from queue: UnsafeMutablePointer<QueueState>,
        _ slot: UInt32, _ contents: inout QueueContents
    ) -> Int {
        let credit = queue.pointee.consumers.credits.unsafelyUnwrapped + Int(slot)
        let channel = credit.pointee.channel
        let isStoring = queue.pointee.holder != 0
        let available = credit.pointee.window.pointee.availableByteCount
        let limit = min(
            limit, entries.count, credit.pointee.prefetchCapacity,
            credit.pointee.noAck ? .max : channel?.pointee.channelCapacity ?? .max)
        var byteCount = 0
        var count = 0
        while count < limit, byteCount < available, entries[count].isInMemory, mayDeliver(entries[count], queue, slot) {
            let entry = entries[count]
            contents.add(entry.message, isStoring: isStoring)
            byteCount += entry.message.byteCount
            if channel == nil, entry.isRedelivered { countRedelivery(queue) }
            count += 1
        }
        credit.pointee.window.pointee.availableByteCount = available - byteCount
        if let channel { channel.pointee.connection.pointee.deliveredByteCount &+= byteCount }
        return count
    }

    /// Counts what a consumer got.
    @inline(__always)
    func noteDelivered(
        _ count: Int, _ contents: QueueContents, from queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>
    ) {
        let number = UInt64(truncatingIfNeeded: count)
        if credit.pointee.noAck {
            queue.pointee.counters.deliverNoAck &+= number
            queue.pointee.typeCounters.pointee.deliverNoAck &+= number
        } else {
            credit.pointee.unackedCount &+= UInt32(truncatingIfNeeded: count)
            queue.pointee.unackedCount &+= count
            queue.pointee.unackedContents.add(contents)
            queue.pointee.counters.deliver &+= number
            queue.pointee.typeCounters.pointee.deliver &+= number
        }
    }

    /// The channel's side: delivery tags, frames, and notes until acks come. What they take of the connection's window
    /// was taken.
    func write(
        _ entries: UnsafeBufferPointer<QueueEntry>, to channel: UnsafeMutablePointer<ChannelState>,
        consumerIndex: Int, noAck: Bool, queue: QueueAddress, consumer: ConsumerReference
    ) {
        let connection = channel.pointee.connection
        var frames = DeliveryFrames()
        var isLikeLast = false
        for index in entries.indices {
            let entry = entries[index]
            channel.pointee.latestDeliveryTag &+= 1
            let tag = channel.pointee.latestDeliveryTag
            if !isLikeLast
                || !connection.pointee.outbound.repeatDelivery(
                    &frames, deliveryTag: tag, body: entry.message.body)
            {
                frames = DeliveryFrames()
                if entry.isPlain {
                    frames = writeWhole(entry.message.content, to: channel, consumerIndex: consumerIndex)
                } else {
                    writeRedelivered(entry, to: channel, channel.pointee.encodedTag(consumerIndex), tag, queue)
                }
            }
            // It may be gone when the next one's turn comes.
            isLikeLast =
                !frames.isEmpty && index &+ 1 < entries.count && entries[index &+ 1].isPlain
                && entries[index &+ 1].message.isLike(entry.message)
            settleOrKeep(
                entry, of: queue, channel, consumerIndex: consumerIndex, noAck: noAck, consumer: consumer)
        }
        noteWritten(entries.count, to: channel, noAck: noAck)
    }

    /// The delivery with the channel's latest tag is in the connection's output: it is done, or waits for its ack.
    @inline(__always)
    func settleOrKeep(
        _ entry: QueueEntry, of queue: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>,
        consumerIndex: Int, noAck: Bool, consumer: ConsumerReference
    ) {
        if channel.pointee.isWatched { watch(entry, of: queue, channel, noAck: noAck, isGot: false) }
        if noAck {
            journalSettlement(entry.message, of: queue)
            release(entry.message)
        } else {
            keep(entry, of: queue, channel, consumerIndex: consumerIndex, consumer: consumer)
        }
    }

    /// The delivery with the channel's latest tag waits for its ack.
    @inline(__always)
    func keep(
        _ entry: QueueEntry, of queue: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>,
        consumerIndex: Int, consumer: ConsumerReference
    ) {
        let tag = channel.pointee.latestDeliveryTag
        channel.pointee.unacked.append(UnackedDelivery(tag: tag, queue: queue, entry: entry, consumer: consumer))
        if channel.pointee.hasTimedConsumers { noteDelivery(channel, consumerIndex: consumerIndex, tag: tag) }
    }

    /// Deliveries are in the connection's output: counts them, and sees to it that it is written.
    @inline(__always)
    func noteWritten(_ count: Int, to channel: UnsafeMutablePointer<ChannelState>, noAck: Bool) {
        list(channel.pointee.connection)
        let number = UInt64(truncatingIfNeeded: count)
        if noAck {
            channel.pointee.counters.deliverNoAck &+= number
            statistics.messages.deliverNoAck &+= number
        } else {
            channel.pointee.counters.deliver &+= number
            statistics.messages.deliver &+= number
        }
    }

    /// Writes what was never delivered before, with the channel's latest tag.
    ///
    /// - Returns: the frames, if another delivery may be a copy of them.
    @inline(never)
    func writeWhole(
        _ content: ContentView, to channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int
    ) -> DeliveryFrames {
        let connection = channel.pointee.connection
        let encodedTag = channel.pointee.encodedTag(consumerIndex)
        let frames = DeliveryFrames(
            at: connection.pointee.outbound.count, consumerTagByteCount: encodedTag.count, content: content,
            frameMax: connection.pointee.frameMax)
        connection.pointee.outbound.writeDeliver(
            channel: channel.pointee.number, consumerTag: encodedTag, deliveryTag: channel.pointee.latestDeliveryTag,
            redelivered: false, content: content, frameMax: connection.pointee.frameMax)
        return frames
    }
}
