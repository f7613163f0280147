import AMQPWire
import Routing

// The end of a turn: what events have made possible is done in one go, then handed to the shell.
extension ShardState {
    /// Ends a turn: delivers what can be delivered, confirms what can be confirmed, frees what has ended.
    package func finishTurn() {
        if !removedVirtualHosts.isEmpty { endRemovedVirtualHosts() }
        if !removedUsers.isEmpty { endRemovedUsers() }
        resumeChannels()
        if let next = deadlines.first, next.milliseconds <= now.wallMilliseconds { meetDeadlines() }
        if !rejectedMessages.isEmpty { deadLetterRejected() }
        if hasAnnounced || !pendingEvents.isEmpty { publishEvents() }
        if !pendingTraces.isEmpty { publishTraces() }
        deliverListed()
        writeConfirms()
        flushPendingRelease()
        freeEnded()
    }

    /// A queue may have deliveries to make.
    @inline(__always)
    func list(_ queue: UnsafeMutablePointer<QueueState>) {
        if !queue.pointee.isListed {
            queue.pointee.isListed = true
            listedQueues.append(queue.pointee.address)
        }
    }

    private func deliverListed() {
        guard !listedQueues.isEmpty else { return }
        let listed = listedQueues
        listedQueues.removeAll(keepingCapacity: true)
        for address in listed {
            guard let queue = queue(address) else { continue }
            queue.pointee.isListed = false
            deliver(from: queue)
        }
    }

    /// Whether queues still have deliveries to make that the last turn left for fairness, or connections something
    /// that the shell has not taken: it comes back.
    package var hasUnfinishedWork: Bool {
        !listedQueues.isEmpty || !resumableChannels.isEmpty || !listedConnections.isEmpty || !rejectedMessages.isEmpty
            || !pendingEvents.isEmpty || hasAnnounced || !pendingTraces.isEmpty
    }

    @inline(__always)
    func listForConfirm(_ channel: UnsafeMutablePointer<ChannelState>) {
        if !channel.pointee.isConfirmListed {
            channel.pointee.isConfirmListed = true
            confirmingChannels.append(channel)
        }
    }

    private func writeConfirms() {
        guard !confirmingChannels.isEmpty else { return }
        for channel in confirmingChannels {
            channel.pointee.isConfirmListed = false
            guard channel.pointee.phase == .open, channel.pointee.publishMode == .confirm else { continue }
            defer { countConfirms(channel) }
            while let confirm = channel.pointee.confirm.takeConfirm() {
                if confirm.isRejected {
                    write(BasicNack(deliveryTag: confirm.tag, multiple: confirm.multiple, requeue: false), channel)
                } else {
                    write(BasicAck(deliveryTag: confirm.tag, multiple: confirm.multiple), channel)
                }
            }
        }
        confirmingChannels.removeAll(keepingCapacity: true)
    }

    /// The connection has something for the shell.
    @inline(__always)
    func list(_ connection: UnsafeMutablePointer<ConnectionState>) {
        if !connection.pointee.isListed {
            connection.pointee.isListed = true
            listedConnections.append(connection.pointee.address.slot)
        }
    }

    /// Memory of what ended in this turn: until now somebody may have pointed at it.
    func freeEnded() {
        for channel in endedChannels {
            channel.pointee.deallocate()
            channel.deinitialize(count: 1)
            channel.deallocate()
        }
        endedChannels.removeAll(keepingCapacity: true)
    }
}

// What the shell takes.
extension ShardState {
    /// The next connection that has something for the shell.
    package func takeListedConnection() -> ConnectionAddress? {
        while let slot = listedConnections.popLast() {
            guard let connection = connections[slot] else { continue }
            connection.pointee.isListed = false
            return connection.pointee.address
        }
        return nil
    }

    /// Bytes for the socket, handed over: the shell frees them. nil while there are none, or the socket is full.
    package func takeOutput(_ address: ConnectionAddress) -> (memory: UnsafeMutableRawBufferPointer, count: Int)? {
        guard let connection = connection(address), connection.pointee.isWritable,
            let output = connection.pointee.outbound.take()
        else { return nil }
        connection.pointee.lastSentAt = now.monotonicMilliseconds
        connection.pointee.traffic.sentByteCount &+= UInt64(output.count)
        connection.pointee.traffic.writeCount &+= 1
        statistics.sentByteCount &+= UInt64(output.count)
        creditDeliveries(connection)
        if connection.pointee.isReadingPaused { updateReading(connection) }
        return output
    }

    /// Whether the socket shall be read.
    package func isReadingPaused(_ address: ConnectionAddress) -> Bool {
        connection(address)?.pointee.isReadingPaused ?? false
    }

    /// Whether the shell shall close the socket once everything is written.
    package func closesNow(_ address: ConnectionAddress) -> Bool {
        guard let connection = connection(address), let moment = connection.pointee.closesAtMilliseconds else {
            return false
        }
        guard moment <= now.monotonicMilliseconds else { return false }
        // A socket that takes nothing any more shall not keep its connection.
        return connection.pointee.outbound.isEmpty || now.monotonicMilliseconds - moment >= Limit.closeMilliseconds
    }

    /// What is to be sent to another shard, nil if nothing.
    package func takeBatch(for shard: Int) -> MailboxBatch? {
        let batch = outgoing.take(shard)
        if let batch, batch.transitByteCount > 0 { batch.epoch = transitEpochs.send() }
        return batch
    }
}

// Finding things.
extension ShardState {
    @inline(__always)
    func connection(_ address: ConnectionAddress) -> UnsafeMutablePointer<ConnectionState>? {
        connections[address.slot, address.generation]
    }

    func channel(_ address: ChannelAddress) -> UnsafeMutablePointer<ChannelState>? {
        connection(address.connection)?.pointee.channel(address)
    }

    @inline(__always)
    func queue(_ address: QueueAddress) -> UnsafeMutablePointer<QueueState>? {
        queues[address.slot, address.generation]
    }

    /// The queue, if it lives here and takes and gives up messages without a look at each.
    @inline(__always)
    func plainQueue(_ address: QueueAddress) -> UnsafeMutablePointer<QueueState>? {
        guard address.shard == index, let queue = queue(address), queue.pointee.extras == nil else { return nil }
        return queue
    }

    /// The batch that is being filled for another shard.
    @inline(__always)
    func mailbox(_ shard: Int) -> OutgoingBatch { outgoing[shard] }
}

// Messages.
extension ShardState {
    /// Gives back one reference, or more.
    @inline(__always)
    func release(_ message: Message, _ count: UInt32 = 1) {
        if message.shard == index {
            releaseOwn(message, count)
        } else {
            releaseForeign(message, UInt64(count))
        }
    }

    @inline(__always)
    func releaseOwn(_ message: Message, _ count: UInt32) {
        let references = message.references
        if references == count {
            if message.isInBlock {
                messages.free(message.byteCount, in: message.block)
            } else {
                messages.free(message.memory, byteCount: message.byteCount)
            }
        } else {
            message.references = references &- count
        }
    }

    /// Releases of one message that follow each other, as after a fanout, travel as one record.
    @inline(never)
    private func releaseForeign(_ message: Message, _ count: UInt64) {
        if let pending = pendingRelease, pending.message == message {
            pendingRelease = ReleaseRecord(message: message, count: pending.count + count)
            return
        }
        flushPendingRelease()
        pendingRelease = ReleaseRecord(message: message, count: count)
    }

    @inline(__always)
    func flushPendingRelease() {
        guard let release = pendingRelease else { return }
        pendingRelease = nil
        let batch = mailbox(release.message.shard)
        if release.count == 1 { batch.append(release.message, to: ReleaseRun()) } else { batch.append(release) }
    }
}
