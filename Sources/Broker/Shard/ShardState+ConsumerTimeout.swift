import AMQPWire
import Routing

// x-consumer-timeout: a consumer that keeps a message for too long loses it, and is cancelled.
//
// Off unless a queue has it. RabbitMQ cancels consumers of quorum queues since 4.3 and closed the channel before: a
// client that does not understand basic.cancel from the broker still sees its channel closed. An ack that comes after
// all does no harm: what was taken from the consumer is not settled by it.
extension ShardState {
    /// The consumer's queue has a timeout, another one, or none any more.
    func setTimeout(
        _ milliseconds: UInt64?, _ channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int
    ) {
        channel.pointee.setTimeout(milliseconds, consumerIndex: consumerIndex)
        if milliseconds != nil { channel.pointee.connection.pointee.hasTimedConsumers = true }
    }

    /// A queue's consumers learn that its timeout has changed.
    func tellTimeout(_ queue: UnsafeMutablePointer<QueueState>) {
        let milliseconds = queue.pointee.arguments.consumerTimeoutMilliseconds
        for reference in queue.pointee.consumers.references {
            guard let description = queue.pointee.consumers.description(reference) else { continue }
            let change = ConsumerTimeoutChange(
                channel: description.channel, consumerIndex: description.consumerIndex, consumer: reference,
                milliseconds: milliseconds)
            let shard = Int(description.channel.connection.shard)
            if shard == index { accept(change) } else { mailbox(shard).append(.consumerTimeout(change)) }
        }
    }

    func accept(_ change: ConsumerTimeoutChange) {
        guard let channel = channel(change.channel), Int(change.consumerIndex) < channel.pointee.consumers.count,
            channel.pointee.consumers[Int(change.consumerIndex)]?.reference == change.consumer
        else { return }
        setTimeout(change.milliseconds, channel, consumerIndex: Int(change.consumerIndex))
    }

    @inline(never)
    func noteDelivery(_ channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int, tag: UInt64) {
        channel.pointee.noteDelivery(tag, consumerIndex: consumerIndex, now: now.monotonicMilliseconds)
    }

    /// Called once a second.
    func checkTimedConsumers(_ connection: UnsafeMutablePointer<ConnectionState>) {
        for case let channel? in connection.pointee.channels
        where channel.pointee.hasTimedConsumers && channel.pointee.phase == .open {
            for consumerIndex in channel.pointee.timedConsumers.keys.sorted() {
                guard channel.pointee.isOver(consumerIndex: consumerIndex, now: now.monotonicMilliseconds) else {
                    continue
                }
                if timeOut(channel, consumerIndex: consumerIndex) { break }
            }
            guard connection.pointee.phase == .running else { return }
        }
    }

    /// Returns whether the channel ends by it.
    private func timeOut(_ channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int) -> Bool {
        guard let consumer = channel.pointee.consumers[consumerIndex], let reference = consumer.reference,
            let timeout = channel.pointee.timedConsumers[consumerIndex]?.timeoutMilliseconds
        else { return false }
        note(
            .warning,
            "consumer '\(consumer.tag)' on channel \(channel.pointee.number) of connection "
                + "\(channel.pointee.connection.pointee.peer.name) has timed out waiting for an acknowledgement, "
                + "timeout: \(timeout) ms")
        guard channel.pointee.connection.pointee.capabilities.consumerCancelNotify else {
            fail(channel, .consumerTimeout(channel: channel.pointee.number, milliseconds: timeout))
            return true
        }
        _ = cancel(reference, of: consumer.queue)
        channel.pointee.removeConsumer(at: consumerIndex)
        write(BasicCancel(consumerTag: consumer.tag, noWait: true), channel)
        takeBack(channel, reference, of: consumer.queue)
        channelCreditFreed(channel)
        return false
    }

    private func takeBack(
        _ channel: UnsafeMutablePointer<ChannelState>, _ consumer: ConsumerReference, of queue: QueueAddress
    ) {
        if channel.pointee.returnedTags.count > Limit.returnedTags { channel.pointee.returnedTags.removeAll() }
        for tag in channel.pointee.unacked.tags(of: consumer, queue) {
            guard let delivery = channel.pointee.unacked.take(tag) else { continue }
            channel.pointee.returnedTags.insert(tag)
            settle(delivery, .requeued)
        }
    }
}
