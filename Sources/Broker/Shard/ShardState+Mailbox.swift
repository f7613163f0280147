import AMQPWire
import Routing

// What other shards send.
extension ShardState {
    /// Takes a batch of another shard: everything in it, in order.
    package func receiveBatch(_ batch: MailboxBatch) {
        followTopology()
        guard var position = batch.records.bytes.baseAddress else { return }
        let end = position + batch.records.count
        while position < end {
            let head = position.load(as: RecordHead.self)
            receive(head.kind, position + MemoryLayout<RecordHead>.stride, batch)
            position += Int(head.byteCount)
        }
        if batch.transitByteCount > 0 {
            mailbox(batch.source).append(TransitCreditRecord(byteCount: batch.transitByteCount))
        }
    }

    @inline(__always)
    private func receive(_ kind: RecordKind, _ record: UnsafeRawPointer, _ batch: MailboxBatch) {
        switch kind {
        case .enqueue:
            let record = record.load(as: EnqueueRecord.self)
            accept(record.message, record.queue)
        case .settle: accept(record.load(as: SettleRecord.self))
        case .deliver: accept(record.load(as: DeliverRecord.self))
        case .release:
            let record = record.load(as: ReleaseRecord.self)
            releaseOwn(record.message, UInt32(truncatingIfNeeded: record.count))
        case .windowCredit:
            let record = record.load(as: WindowCreditRecord.self)
            if let window = remoteWindows[record.connection] { open(window, record.byteCount) }
        case .transitCredit: creditTransit(batch.source, record.load(as: TransitCreditRecord.self).byteCount)
        case .leaseRequest: accept(record.load(as: LeaseRequestRecord.self))
        case .leaseGrant: accept(record.load(as: LeaseGrantRecord.self), from: batch.source)
        case .leaseReturn: accept(record.load(as: LeaseReturnRecord.self))
        case .control: receive(batch.control[record.load(as: ControlRecord.self).index], from: batch.source)
        }
    }

    private func receive(_ message: ControlMessage, from source: Int) {
        switch message {
        case .request(let request, let queue, let channel):
            let reply = perform(request, on: queue, from: channel)
            mailbox(source).append(.reply(reply, to: channel))
        case .reply(let reply, let channel): receive(reply, for: channel)
        case .consumerCancelled(let channel, let consumerIndex, let consumer):
            consumerCancelled(channel, consumerIndex, consumer)
        case .channelLimit(let channel, let isLimited): setChannelLimit(channel, isLimited)
        case .probe(let holder, let channel): probe(holder, from: channel)
        case .connectionEnded(let connection): connectionEnded(elsewhere: connection)
        }
    }

    /// The connection has ended. A consumer that was still to be answered is cancelled later, and keeps the window.
    private func connectionEnded(elsewhere connection: ConnectionAddress) {
        remoteWindows[connection]?.pointee.hasEnded = true
        forgetWindowIfUnused(connection)
    }

    /// A consumer is gone; it may have been the last to point at the window of another shard's connection.
    func consumerRemoved(_ description: ConsumerDescription) {
        let connection = description.channel.connection
        guard Int(connection.shard) != index else { return }
        remoteWindows[connection]?.pointee.consumerCount -= 1
        forgetWindowIfUnused(connection)
    }

    private func forgetWindowIfUnused(_ connection: ConnectionAddress) {
        guard let window = remoteWindows[connection], window.pointee.hasEnded, window.pointee.consumerCount == 0 else {
            return
        }
        remoteWindows[connection] = nil
        window.deinitialize(count: 1)
        window.deallocate()
    }
}
