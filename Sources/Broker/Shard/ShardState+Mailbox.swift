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
            let next = position + Int(head.byteCount)
            receive(head.kind, position + MemoryLayout<RecordHead>.stride, until: next, batch)
            position = next
        }
        if batch.transitByteCount > 0 {
            mailbox(batch.source).append(
                TransitCreditRecord(byteCount: batch.transitByteCount, epoch: batch.epoch))
        }
    }

    @inline(__always)
    private func receive(
        _ kind: RecordKind, _ record: UnsafeRawPointer, until end: UnsafeRawPointer, _ batch: MailboxBatch
    ) {
        switch kind {
        case .enqueue:
            let record = record.load(as: EnqueueRecord.self)
            accept(record.message, record.queue)
        case .enqueueRun: accept(record.load(as: EnqueueRun.self), EnqueueRun.elements(of: record, until: end))
        case .offer: accept(record.load(as: OfferRecord.self), from: batch.source)
        case .rejection: accept(record.load(as: RejectionRecord.self))
        case .settle: accept(record.load(as: SettleRecord.self))
        case .deliver: accept(record.load(as: DeliverRun.self), DeliverRun.elements(of: record, until: end))
        case .release:
            let record = record.load(as: ReleaseRecord.self)
            releaseOwn(record.message, UInt32(truncatingIfNeeded: record.count))
        case .releases: for message in ReleaseRun.elements(of: record, until: end) { releaseOwn(message, 1) }
        case .windowCredit:
            let record = record.load(as: WindowCreditRecord.self)
            if let window = remoteWindows[record.connection] { open(window, record.byteCount) }
        case .transitCredit:
            let record = record.load(as: TransitCreditRecord.self)
            if transitEpochs.accept(record.epoch) { advanceChannels() }
            creditTransit(batch.source, record.byteCount)
        case .leaseRequest: accept(record.load(as: LeaseRequestRecord.self))
        case .leaseGrant: accept(record.load(as: LeaseGrantRecord.self), from: batch.source)
        case .leaseReturn: accept(record.load(as: LeaseReturnRecord.self))
        case .control: receive(batch.control[record.load(as: ControlRecord.self).index], from: batch.source)
        }
    }

    private func receive(_ message: ControlMessage, from source: Int) {
        switch message {
        case .request(let request, let queue, let channel):
            if let reply = perform(request, on: queue, from: channel) {
                mailbox(source).append(.reply(reply, to: channel))
            }
        case .reply(let reply, let channel): receive(reply, for: channel)
        case .consumerCancelled(let channel, let consumerIndex, let consumer):
            consumerCancelled(channel, consumerIndex, consumer)
        case .consumerTimeout(let change): accept(change)
        case .channelLimit(let channel, let isLimited): setChannelLimit(channel, isLimited)
        case .probe(let holder, let channel): probe(holder, from: channel)
        case .connectionEnded(let connection): forgetWindow(connection)
        // Everything that was sent to the ended channel has come back on the way that this takes now.
        case .handOver(let queue): mailbox(source).append(.handedOver(queue))
        case .handedOver(let address):
            guard let queue = queue(address) else { return }
            queue.pointee.consumers.endHandOver()
            list(queue)
        }
    }

    /// A consumer whose basic.consume was on its way when the connection ended is cancelled only after this: it still
    /// looks at the window.
    private func forgetWindow(_ connection: ConnectionAddress) {
        guard let window = remoteWindows[connection] else { return }
        window.pointee.isConnectionGone = true
        freeWindow(of: connection, ifUnused: window)
    }

    private func freeWindow(of connection: ConnectionAddress, ifUnused window: UnsafeMutablePointer<DeliveryWindow>) {
        guard window.pointee.isConnectionGone, window.pointee.consumerCount == 0 else { return }
        remoteWindows[connection] = nil
        window.deinitialize(count: 1)
        window.deallocate()
    }

    /// Takes a consumer off its queue, wherever its channel lives. nil when it was gone already.
    ///
    /// - Parameter isAnnounced: those who listen to events have been told.
    func remove(
        _ reference: ConsumerReference, from queue: UnsafeMutablePointer<QueueState>, isAnnounced: Bool = false
    ) -> ConsumerDescription? {
        guard let description = queue.pointee.consumers.remove(reference) else { return nil }
        if queue.pointee.extras != nil, queue.pointee.consumerCount == 0 { touch(queue) }
        if !isAnnounced { announceEnd(description, of: queue) }
        let connection = description.channel.connection
        if Int(connection.shard) != index, let window = remoteWindows[connection] {
            window.pointee.consumerCount -= 1
            freeWindow(of: connection, ifUnused: window)
        }
        return description
    }
}
