import AMQPWire
import Routing

// The queues' side of messages that follow each other: see `ShardState+PublishRun`.
extension ShardState {
    /// Gives new messages, alike but for time and body, to a queue of this shard. It gets a reference of each; those
    /// that it gives back at once are for `releaseTaken`.
    func accept(_ run: UnsafeBufferPointer<Message>, _ address: QueueAddress) {
        // A queue that was deleted on the way: as if it had been deleted just after.
        guard let queue = queue(address) else { return noteTaken(run.count) }
        if queue.pointee.extras != nil { return acceptEach(run, address) }
        let isAwaited = queue.pointee.ready.isEmpty
        var taken = 0
        if let (credit, consuming) = awaiting(queue) {
            taken = deliverAtOnce(run, from: queue, credit, to: consuming)
            if taken == run.count { return }
        }
        for message in run[taken...] { queue.pointee.append(queue.pointee.accept(message)) }
        if queue.pointee.consumers.hasUnleased || !queue.pointee.waitingGets.isEmpty {
            list(queue)
        } else if isAwaited {
            deliver(from: queue)
        }
        listIfDeep(queue)
    }

    /// One by one, for a queue that looks at each.
    @inline(never)
    private func acceptEach(_ run: UnsafeBufferPointer<Message>, _ address: QueueAddress) {
        for message in run { accept(message, address) }
    }

    /// New messages that a queue's one consumer gets as soon as they come: they never stand in the queue.
    ///
    /// - Returns: how many; with the last of them if that had to wait for a delivery mark, and stands in the queue now.
    private func deliverAtOnce(
        _ run: UnsafeBufferPointer<Message>, from queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>, to channel: UnsafeMutablePointer<ChannelState>
    ) -> Int {
        let connection = channel.pointee.connection
        let address = queue.pointee.address
        let noAck = credit.pointee.noAck
        let consumer = queue.pointee.consumers.reference(of: credit)
        let consumerIndex = Int(credit.pointee.consumerIndex)
        let isStoring = queue.pointee.holder != 0
        let available = credit.pointee.window.pointee.availableByteCount
        let limit = noAck ? run.count : min(run.count, credit.pointee.prefetchCapacity, channel.pointee.channelCapacity)
        var frames = DeliveryFrames()
        var contents = QueueContents()
        var byteCount = 0
        var count = 0
        var isWaiting = false
        while count < limit, byteCount < available {
            let message = run[count]
            let entry = queue.pointee.accept(message)
            if !noAck, !mayDeliver(entry, queue, consumer.slot) {
                queue.pointee.append(entry)
                isWaiting = true
                break
            }
            channel.pointee.latestDeliveryTag &+= 1
            if !connection.pointee.outbound.repeatDelivery(
                &frames, deliveryTag: channel.pointee.latestDeliveryTag, body: message.body)
            {
                frames = writeWhole(message.content, to: channel, consumerIndex: consumerIndex)
            }
            if noAck {
                if isStoring { journalSettlement(message, of: address) }
            } else {
                keep(entry, of: address, channel, consumerIndex: consumerIndex, consumer: consumer)
                contents.add(message, isStoring: isStoring)
            }
            byteCount &+= message.byteCount
            count &+= 1
        }
        if noAck { noteTaken(count) }
        noteDeliveredAtOnce(count, byteCount: byteCount, contents, from: queue, credit, to: channel)
        return isWaiting ? count + 1 : count
    }

    /// Messages that never stood in their queue are in the output of its one consumer.
    @inline(__always)
    func noteDeliveredAtOnce(
        _ count: Int, byteCount: Int, _ contents: QueueContents, from queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>, to channel: UnsafeMutablePointer<ChannelState>
    ) {
        credit.pointee.window.pointee.availableByteCount -= byteCount
        channel.pointee.connection.pointee.deliveredByteCount &+= byteCount
        noteDelivered(count, contents, from: queue, credit)
        noteWritten(count, to: channel, noAck: credit.pointee.noAck)
    }

    /// The first so many messages of the run have a reference less to be held.
    @inline(__always)
    private func noteTaken(_ count: Int) { takenCounts[count] &+= 1 }

    /// Gives back what queues have given back of these messages.
    func releaseTaken(of run: UnsafeBufferPointer<Message>) {
        var references: UInt32 = 0
        var count = run.count
        while count > 0 {
            references &+= takenCounts[count]
            takenCounts[count] = 0
            count &-= 1
            if references > 0 { release(run[count], references) }
        }
        takenCounts[0] = 0
    }

    /// Messages of another shard's publisher, each for all of these queues.
    func accept(_ record: EnqueueRun, _ words: UnsafeBufferPointer<UInt64>) {
        guard let base = words.baseAddress else { return }
        let memory = UnsafeRawPointer(base)
        let run = UnsafeBufferPointer(
            start: memory.assumingMemoryBound(to: Message.self), count: record.messageCount)
        let queues = UnsafeBufferPointer(
            start: (memory + record.messageCount * MemoryLayout<Message>.stride).assumingMemoryBound(
                to: QueueAddress.self), count: words.count - record.messageCount)
        for queue in queues { accept(run, queue) }
        releaseTaken(of: run)
    }
}
