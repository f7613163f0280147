import AMQPWire
import Journal
import Routing

// What a channel asks of a queue goes to the queue's shard: a call here, a message elsewhere, one way for both.
extension ShardState {
    /// Asks; the answer comes to `complete`, at once if the queue lives here. Until then the channel reads no frame.
    func request(
        _ request: QueueRequest, of address: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>,
        pending: PendingOperation
    ) {
        channel.pointee.pending = pending
        if address.shard == index {
            // Where the queue has to wait itself, `answer` tells later.
            guard let reply = perform(request, on: address, from: channel.pointee.address) else { return }
            channel.pointee.pending = nil
            complete(channel, pending, reply)
        } else {
            channel.pointee.connection.pointee.usedShards |= 1 << UInt64(address.shard)
            mailbox(address.shard).append(.request(request, queue: address, from: channel.pointee.address))
        }
    }

    /// The queue's side: does what is asked, on the shard that owns it. nil: it is answered later.
    func perform(_ request: QueueRequest, on address: QueueAddress, from channel: ChannelAddress) -> QueueReply? {
        if case .barrier = request { return .barrierPassed }
        guard let queue = queue(address) else { return .gone }
        if queue.pointee.arguments.queueType == .quorum, let error = Self.refusal(request, queue) {
            return .refused(error)
        }
        if queue.pointee.extras != nil { lookAt(queue, for: request) }
        switch request {
        case .barrier: return .barrierPassed
        case .counts:
            return .counts(messages: queue.pointee.readyCount, consumers: queue.pointee.consumerCount)
        case .consume(let description): return consume(description, queue)
        case .cancel(let reference, let isChannelEnding):
            cancel(reference, queue, isChannelEnding: isChannelEnding)
            return .cancelled
        case .get(let noAck, let isForced):
            if queue.pointee.isPaused, !isForced { return .empty }
            if queue.pointee.waitingGets.isEmpty, mayGet(queue, noAck: noAck) {
                return take(from: queue, noAck: noAck)
            }
            queue.pointee.waitingGets.append(WaitingGet(channel: channel, noAck: noAck))
            list(queue)
            return nil
        case .purge:
            let count = purge(queue, isJournaled: true)
            if queue.pointee.holder != 0 { journal.demand(.sync) }
            return .purged(count, lane: index, position: queue.pointee.holder == 0 ? 0 : journal.position)
        case .delete(let ifUnused, let ifEmpty, let user):
            if ifUnused, queue.pointee.consumerCount > 0 { return .refused(.inUse(queue.pointee.resource)) }
            if ifEmpty, queue.pointee.readyCount > 0 { return .refused(.notEmpty(queue.pointee.resource)) }
            let (count, isDurable) = delete(queue, by: user)
            return .deleted(count, isDurable: isDurable)
        }
    }

    /// What is asked of a queue with extras must not meet messages that should be gone.
    @inline(never)
    private func lookAt(_ queue: UnsafeMutablePointer<QueueState>, for request: QueueRequest) {
        switch request {
        case .counts, .get:
            touch(queue)
            careFor(queue)
        case .purge, .delete: careFor(queue)
        case .consume, .cancel, .barrier: break
        }
    }

    /// What cannot be asked of a quorum queue (RabbitMQ: `rabbit_quorum_queue`).
    private static func refusal(
        _ request: QueueRequest, _ queue: UnsafeMutablePointer<QueueState>
    ) -> ProtocolError? {
        switch request {
        case .consume(let description) where description.hasChannelLimit: .globalQos(queue.pointee.resource)
        case .get where queue.pointee.arguments.isSingleActiveConsumer:
            .getFromSingleActiveConsumer(queue.pointee.resource)
        case .delete(ifUnused: true, _, _): .conditionalDelete("if-unused", queue.pointee.resource)
        case .delete(_, ifEmpty: true, _): .conditionalDelete("if-empty", queue.pointee.resource)
        default: nil
        }
    }

    /// - Parameter isJournaled: whether the journal is to hear of each message; of a deleted queue's it knows.
    private func purge(_ queue: UnsafeMutablePointer<QueueState>, isJournaled: Bool) -> Int {
        queue.pointee.makeDelayedReady()
        let count = queue.pointee.readyCount
        var unseenPlaces: Set<UInt64> = []
        for _ in 0..<count {
            guard let entry = queue.pointee.popFirst() else { break }
            if entry.isPagedOut {
                dropPagedOut(entry, queue, isJournaled: isJournaled)
                if queue.pointee.arguments.deduplicates { unseenPlaces.insert(entry.place) }
                continue
            }
            if queue.pointee.arguments.deduplicates { queue.pointee.removeDuplicate(entry.message) }
            if isJournaled { journalSettlement(entry.message, of: queue.pointee.address) }
            release(entry.message)
        }
        queue.pointee.removeDuplicates(at: unseenPlaces)
        if !queue.pointee.waitingGets.isEmpty { list(queue) }
        return count
    }

    func dropPagedOut(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>, isJournaled: Bool) {
        if entry.isSpilled {
            spilled.remove(entry.pagedOutID)
        } else if isJournaled {
            let holder = queue.pointee.holder
            journal.append { $0.appendSettlement(id: entry.pagedOutID, holder: holder) }
        }
    }

    /// The end of a queue: nobody finds it any more, its consumers are told, its messages are dropped. Returns how
    /// many were ready, and whether the journal was told.
    ///
    /// - Parameter user: who wants it; nil: nobody, it is the broker's own doing.
    func delete(
        _ queue: UnsafeMutablePointer<QueueState>, by user: ShortString? = nil
    ) -> (messageCount: Int, isDurable: Bool) {
        let address = queue.pointee.address
        let name = queue.pointee.name
        // As in RabbitMQ, before the queue's own end.
        let isHeard = controlPlane.hasEventListeners
        if isHeard { announceEndOfConsumers(queue) }
        let isDurable = try? changeTopology(queue.pointee.virtualHostIndex, by: user) {
            topology, changes throws(ProtocolError) in
            topology.removeQueue(name, address: address, changes: &changes)
        }
        if !Self.isReplyQueue(name) { statistics.queuesDeleted &+= 1 }
        for reference in queue.pointee.consumers.references {
            guard let description = remove(reference, from: queue, isAnnounced: isHeard) else { continue }
            tellCancelled(description, reference)
        }
        for get in queue.pointee.waitingGets { answer(get.channel, .gone) }
        let count = purge(queue, isJournaled: false)
        if queue.pointee.isPagingListed {
            pagingQueues.removeAll { $0 == address }
            if pagingQueues.isEmpty { residentShare = .all }
        }
        removeQueueState(address)
        return (count, isDurable ?? true)
    }

    private func tellCancelled(_ description: ConsumerDescription, _ reference: ConsumerReference) {
        let address = description.channel
        if Int(address.connection.shard) == index {
            consumerCancelled(address, description.consumerIndex, reference)
        } else {
            mailbox(Int(address.connection.shard)).append(
                .consumerCancelled(channel: address, consumerIndex: description.consumerIndex, consumer: reference))
        }
    }

    /// The channel's side of a queue's end: basic.cancel to clients that understand it (RabbitMQ's extension).
    func consumerCancelled(_ address: ChannelAddress, _ consumerIndex: UInt32, _ reference: ConsumerReference) {
        guard let channel = channel(address), Int(consumerIndex) < channel.pointee.consumers.count,
            let consumer = channel.pointee.consumers[Int(consumerIndex)], consumer.reference == reference
        else { return }
        channel.pointee.removeConsumer(at: Int(consumerIndex))
        guard channel.pointee.phase == .open, channel.pointee.connection.pointee.capabilities.consumerCancelNotify
        else { return }
        write(BasicCancel(consumerTag: consumer.tag, noWait: true), channel)
    }
}

// The answers.
extension ShardState {
    /// An answer of another shard.
    func receive(_ reply: QueueReply, for address: ChannelAddress) {
        if address.number == 0 {
            guard let connection = connection(address.connection), connection.pointee.phase == .closing else { return }
            connection.pointee.barrierCount -= 1
            if connection.pointee.barrierCount == 0 { finishClose(connection) }
            return
        }
        guard let channel = channel(address), let pending = channel.pointee.pending, channel.pointee.phase == .open
        else {
            undo(reply, for: address)
            return
        }
        if case .close(let barriers) = pending {
            guard case .barrierPassed = reply else {
                undo(reply, for: address)
                return
            }
            channel.pointee.pending = .close(barriers: barriers - 1)
            if barriers == 1 { finishClose(channel) }
            return
        }
        resume(channel)
        complete(channel, pending, reply)
    }

    /// Nobody waits for this answer any more: what it gives is given back.
    private func undo(_ reply: QueueReply, for address: ChannelAddress) {
        switch reply {
        case .got(let got):
            settle(
                queue: got.queue, entry: got.entry, consumer: .none, outcome: got.noAck ? .bounced : .failed)
        case .consuming(let reference, let queue, _): _ = cancel(reference, of: queue)
        default: break
        }
    }

    /// Finishes a channel's operation with the queue's answer.
    func complete(_ channel: UnsafeMutablePointer<ChannelState>, _ pending: PendingOperation, _ reply: QueueReply) {
        do throws(ProtocolError) {
            switch (pending, reply) {
            case (_, .refused(let error)): throw error
            case (.declare(let declare, let isDurable), .counts(let messages, let consumers)):
                statistics.queuesDeclared &+= 1
                if declare.noWait { return }
                let answer = QueueDeclareOk(
                    queue: declare.queue, messageCount: UInt32(clamping: messages),
                    consumerCount: UInt32(clamping: consumers))
                // Whoever declared it first may still wait for the journal.
                write(answer, channel, isDurable: isDurable)
            case (.declare(let declare, _), .gone): try self.declare(declare, channel)
            case (.consume(_, let queue, _), .gone), (.get(let queue), .gone), (.purge(let queue, _), .gone):
                if case .consume(let index, _, _) = pending { channel.pointee.removeConsumer(at: index) }
                throw .notFound(resource(queue, channel))
            case (.consume(let consumerIndex, _, let noWait), _):
                completeConsume(channel, consumerIndex: consumerIndex, noWait: noWait, reply)
            case (.cancel(let tag, let noWait), _):
                // Until now what was on its way from another shard found its consumer.
                if let index = channel.pointee.consumerIndexes[tag] { channel.pointee.removeConsumer(at: index) }
                if !noWait { write(BasicCancelOk(consumerTag: tag), channel) }
            case (.get, .got(let got)): writeGot(got, channel)
            case (.get, _):
                channel.pointee.counters.getEmpty &+= 1
                statistics.messages.getEmpty &+= 1
                write(BasicGetEmpty(), channel)
            case (.purge(_, let noWait), .purged(let count, let lane, let position)):
                if noWait { return }
                writeStable(
                    QueuePurgeOk(messageCount: UInt32(clamping: count)), channel, lane: lane, position: position)
            case (.delete(let noWait), .deleted(let count, let isDurable)):
                if noWait { return }
                write(QueueDeleteOk(messageCount: UInt32(clamping: count)), channel, isDurable: isDurable)
            case (.delete(let noWait), _):
                if !noWait { writeStable(QueueDeleteOk(messageCount: 0), channel) }
            case (.probe(let declare), _): try self.declare(declare, channel, isProbed: true)
            case (.declare, _), (.purge, _), (.close, _), (.stable, _), (.commit, _): break
            }
        } catch {
            fail(channel, error.blaming(pending))
        }
    }
}

extension ProtocolError {
    fileprivate func blaming(_ pending: PendingOperation) -> ProtocolError {
        switch pending {
        case .declare, .probe: blaming(QueueDeclare.classID, QueueDeclare.methodID)
        case .consume: blaming(BasicConsume.classID, BasicConsume.methodID)
        case .cancel: blaming(BasicCancel.classID, BasicCancel.methodID)
        case .get: blaming(BasicGet.classID, BasicGet.methodID)
        case .purge: blaming(QueuePurge.classID, QueuePurge.methodID)
        case .delete: blaming(QueueDelete.classID, QueueDelete.methodID)
        case .commit: blaming(TxCommit.classID, TxCommit.methodID)
        case .close, .stable: blaming(ChannelClose.classID, ChannelClose.methodID)
        }
    }
}
