import AMQPWire
import Routing

// basic.qos, consume, cancel, get, ack, nack, reject, recover (AMQP 0-9-1 class basic; RabbitMQ: rabbit_channel).
extension ShardState {
    func receiveBasicMethod(_ channel: UnsafeMutablePointer<ChannelState>, _ method: Method) throws(ProtocolError) {
        switch method {
        case .basicQos(let qos): try self.qos(qos, channel)
        case .basicConsume(let consume): try self.consume(consume, channel)
        case .basicCancel(let cancel): self.cancel(cancel, channel)
        case .basicGet(let get):
            let queue = try accessibleQueue(get.queue, channel, .read)
            request(
                .get(noAck: get.noAck, isForced: channel.pointee.connection.pointee.isDirect), of: queue.address,
                channel,
                pending: .get(queue: queue.name))
        case .basicAck(let ack):
            try settle(channel, tag: ack.deliveryTag, multiple: ack.multiple, outcome: .acked, methodID: 80)
        case .basicNack(let nack):
            try settle(
                channel, tag: nack.deliveryTag, multiple: nack.multiple,
                outcome: nack.requeue ? .requeued : .rejected, methodID: 120)
        case .basicReject(let reject):
            try settle(
                channel, tag: reject.deliveryTag, multiple: false, outcome: reject.requeue ? .failed : .rejected,
                methodID: 90)
        case .basicRecover(let recover):
            guard recover.requeue else { throw .recoverWithoutRequeue }
            requeueAll(channel)
            write(BasicRecoverOk(), channel)
        case .basicRecoverAsync(let recover):
            guard recover.requeue else { throw .recoverWithoutRequeue }
            requeueAll(channel)
        default: throw Self.unexpected(method)
        }
    }

    private func requeueAll(_ channel: UnsafeMutablePointer<ChannelState>) {
        // Not what is delivered meanwhile, by dead-lettering to this very channel.
        let last = channel.pointee.latestDeliveryTag
        while let delivery = channel.pointee.unacked.takeFirst(upTo: last) { settle(delivery, .requeued) }
        channelCreditFreed(channel)
    }

    /// RabbitMQ: with global=false the count holds for consumers that start later, and a channel-wide limit ends.
    private func qos(_ qos: BasicQos, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        guard qos.prefetchSize == 0 else { throw .prefetchSize(qos.prefetchSize) }
        let wasLimited = channel.pointee.channelPrefetchCount != 0
        if qos.global {
            channel.pointee.channelPrefetchCount = qos.prefetchCount
        } else {
            channel.pointee.consumerPrefetchCount = qos.prefetchCount
            channel.pointee.channelPrefetchCount = 0
        }
        let isLimited = channel.pointee.channelPrefetchCount != 0
        if wasLimited != isLimited { tellChannelLimit(channel, isLimited) }
        write(BasicQosOk(), channel)
        channelCreditFreed(channel)
    }

    private func consume(
        _ consume: BasicConsume, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) {
        if channel.pointee.consumerIndexes[consume.consumerTag] != nil {
            throw .consumerTagReused(consume.consumerTag)
        }
        if let limit = settings.limits.consumersPerChannel, channel.pointee.consumerIndexes.count >= limit {
            throw .consumerLimit(limit)
        }
        if try consumeReplies(consume, channel) { return }
        let queue = try accessibleQueue(consume.queue, channel, .read)
        let priority = try priority(consume, queue.name, channel)
        let details = details(of: channel)
        let tag = consume.consumerTag.isEmpty ? random.name(prefix: "amq.ctag-") : consume.consumerTag
        let index = channel.pointee.addConsumer(tag: tag, queue: queue.address, noAck: consume.noAck)
        let description = ConsumerDescription(
            tag: tag, channel: channel.pointee.address, consumerIndex: UInt32(index), noAck: consume.noAck,
            isExclusive: consume.exclusive, prefetchCount: channel.pointee.consumerPrefetchCount,
            hasChannelLimit: channel.pointee.channelPrefetchCount != 0, priority: priority,
            arguments: consume.arguments, connection: details)
        request(
            .consume(description), of: queue.address, channel,
            pending: .consume(consumerIndex: index, queue: queue.name, noWait: consume.noWait))
    }

    private func priority(
        _ consume: BasicConsume, _ queue: ShortString, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Int64 {
        guard let value = consume.arguments["x-priority"] else { return 0 }
        guard let priority = value.integer else {
            throw .invalidArgument(
                "x-priority", resource(queue, channel), reason: "\"expected integer, got \(value.typeName)\"")
        }
        return priority
    }

    /// The queue's side of basic.consume. Deliveries begin at the end of the turn, behind the answer.
    func consume(
        _ description: ConsumerDescription, _ queue: UnsafeMutablePointer<QueueState>
    ) -> QueueReply {
        let isLocal = Int(description.channel.connection.shard) == index
        let channel = isLocal ? self.channel(description.channel) : nil
        let window: UnsafeMutablePointer<DeliveryWindow>
        if isLocal {
            guard let connection = connection(description.channel.connection) else { return .cancelled }
            window = Self.window(of: connection)
        } else {
            window = remoteWindow(description.channel.connection)
        }
        guard let reference = queue.pointee.consumers.add(description, channel: channel, window: window) else {
            return .refused(.exclusiveUse(queue.pointee.resource))
        }
        if !isLocal { window.pointee.consumerCount += 1 }
        announce(description, of: queue)
        list(queue)
        return .consuming(
            reference, queue.pointee.address,
            timeoutMilliseconds: queue.pointee.arguments.consumerTimeoutMilliseconds)
    }

    func completeConsume(
        _ channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int, noWait: Bool, _ reply: QueueReply
    ) {
        guard let consumer = channel.pointee.consumers[consumerIndex] else { return }
        switch reply {
        case .consuming(let reference, _, let timeout):
            if let timeout, !consumer.noAck { setTimeout(timeout, channel, consumerIndex: consumerIndex) }
            channel.pointee.consumers[consumerIndex]?.reference = reference
            if !noWait { write(BasicConsumeOk(consumerTag: consumer.tag), channel) }
        default: channel.pointee.removeConsumer(at: consumerIndex)
        }
        guard channel.pointee.rechecksConsumers else { return }
        channel.pointee.rechecksConsumers = false
        recheckConsumers(channel)
    }

    private func cancel(_ cancel: BasicCancel, _ channel: UnsafeMutablePointer<ChannelState>) {
        guard let index = channel.pointee.consumerIndexes[cancel.consumerTag],
            let consumer = channel.pointee.consumers[index], let reference = consumer.reference
        else {
            // The specification wants this ignored.
            if !cancel.noWait { write(BasicCancelOk(consumerTag: cancel.consumerTag), channel) }
            return
        }
        request(
            .cancel(reference, isChannelEnding: false), of: consumer.queue, channel,
            pending: .cancel(tag: cancel.consumerTag, noWait: cancel.noWait))
    }

    /// Without waiting: for channels that end. Returns the queue's shard as a bit, 0 if it is this one.
    func cancel(_ reference: ConsumerReference, of address: QueueAddress) -> UInt64 {
        if address.shard == index {
            if let queue = queue(address) { cancel(reference, queue, isChannelEnding: true) }
            return 0
        }
        let nobody = ChannelAddress(
            connection: ConnectionAddress(slot: .max, generation: 0, shard: UInt16(index)), number: .max, serial: 0)
        mailbox(address.shard).append(
            .request(.cancel(reference, isChannelEnding: true), queue: address, from: nobody))
        return 1 << UInt64(address.shard)
    }

    /// The queue's side: an auto-delete queue goes with its last consumer.
    func cancel(
        _ reference: ConsumerReference, _ queue: UnsafeMutablePointer<QueueState>, isChannelEnding: Bool
    ) {
        let wasActive = queue.pointee.consumers.active == reference
        guard let description = remove(reference, from: queue) else { return }
        if queue.pointee.isAutoDelete, queue.pointee.consumerCount == 0 {
            _ = delete(queue)
        } else if wasActive {
            activateNext(queue, after: description, isChannelEnding: isChannelEnding)
        }
    }

    /// The next consumer gets nothing before it is back what the ended one had not settled: otherwise messages would
    /// overtake each other. With basic.cancel the channel keeps it, as in RabbitMQ.
    private func activateNext(
        _ queue: UnsafeMutablePointer<QueueState>, after ended: ConsumerDescription, isChannelEnding: Bool
    ) {
        let shard = Int(ended.channel.connection.shard)
        if isChannelEnding, shard != index {
            queue.pointee.consumers.beginHandOver()
            mailbox(shard).append(.handOver(queue.pointee.address))
        } else {
            queue.pointee.consumers.activateNext()
            list(queue)
        }
    }

    func writeGot(_ got: GotMessage, _ channel: UnsafeMutablePointer<ChannelState>) {
        let connection = channel.pointee.connection
        channel.pointee.latestDeliveryTag &+= 1
        let tag = channel.pointee.latestDeliveryTag
        withDeliveredContent(got.entry) { content in
            connection.pointee.outbound.writeGetOk(
                channel: channel.pointee.number, deliveryTag: tag, redelivered: got.entry.isRedelivered,
                messageCount: UInt32(clamping: got.remaining), content: content,
                frameMax: connection.pointee.frameMax)
        }
        list(connection)
        if got.entry.isRedelivered { countRedelivery(channel) }
        if channel.pointee.isWatched { watch(got.entry, of: got.queue, channel, noAck: got.noAck, isGot: true) }
        if got.noAck {
            channel.pointee.counters.getNoAck &+= 1
            statistics.messages.getNoAck &+= 1
            journalSettlement(got.entry.message, of: got.queue)
            release(got.entry.message)
        } else {
            channel.pointee.counters.get &+= 1
            statistics.messages.get &+= 1
            channel.pointee.unacked.append(
                UnackedDelivery(tag: tag, queue: got.queue, entry: got.entry, consumer: .none))
        }
    }
}

// Settling.
extension ShardState {
    /// ack, nack, reject: tag 0 with `multiple` is everything. RabbitMQ: `collect_acks`.
    @inline(__always)
    func settle(
        _ channel: UnsafeMutablePointer<ChannelState>, tag: UInt64, multiple: Bool, outcome: Outcome, methodID: UInt16
    ) throws(ProtocolError) {
        if channel.pointee.publishMode == .transaction {
            do throws(ProtocolError) {
                return try holdSettlement(channel, tag: tag, multiple: multiple, outcome: outcome)
            } catch {
                throw error.blaming(60, methodID)
            }
        }
        if multiple {
            if tag != 0, !channel.pointee.unacked.contains(tag), !channel.pointee.returnedTags.contains(tag) {
                throw ProtocolError.unknownDeliveryTag(tag).blaming(60, methodID)
            }
            // Not what is delivered meanwhile, by dead-lettering to this very channel.
            let last = tag == 0 ? channel.pointee.latestDeliveryTag : tag
            if outcome == .acked {
                acknowledge(channel, upTo: last)
            } else {
                while let delivery = channel.pointee.unacked.takeFirst(upTo: last) { settle(delivery, outcome) }
            }
        } else {
            guard let delivery = channel.pointee.unacked.take(tag) else {
                if channel.pointee.returnedTags.remove(tag) != nil { return }
                throw ProtocolError.unknownDeliveryTag(tag).blaming(60, methodID)
            }
            settle(delivery, outcome)
            if outcome == .acked {
                countAcks(1, channel)
                if channel.pointee.isWatched { watchAck(of: delivery.queue, channel) }
            }
        }
        if !channel.pointee.limitedConsumers.isEmpty { channelCreditFreed(channel) }
    }

    @inline(__always)
    func countAcks(_ count: UInt64, _ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.counters.ack &+= count
        statistics.messages.ack &+= count
    }

    @inline(__always)
    func settle(_ delivery: UnackedDelivery, _ outcome: Outcome) {
        // Here and not by the queue's shard: what this connection publishes next comes behind it in the same lane, so
        // an ack that a later confirm covers is never forgotten.
        if outcome == .acked { journalSettlement(delivery.entry.message, of: delivery.queue) }
        settle(queue: delivery.queue, entry: delivery.entry, consumer: delivery.consumer, outcome: outcome)
    }

    /// Tells the queue, here or on its own shard.
    @inline(__always)
    func settle(queue: QueueAddress, entry: QueueEntry, consumer: ConsumerReference, outcome: Outcome) {
        let record = SettleRecord(queue: queue, entry: entry, consumer: consumer, outcome: outcome)
        if queue.shard == index { accept(record) } else { mailbox(queue.shard).append(record) }
    }

    /// The queue's side.
    @inline(__always)
    func accept(_ settled: SettleRecord) {
        guard let queue = queue(settled.queue) else { return release(settled.entry.message) }
        if settled.outcome != .bounced {
            queue.pointee.unackedCount -= 1
            queue.pointee.unackedContents.subtract(settled.entry.message, isStoring: queue.pointee.holder != 0)
            noteSettled(1, by: settled.consumer, queue)
        }
        switch settled.outcome {
        case .acked:
            queue.pointee.typeCounters.pointee.ack &+= 1
            if queue.pointee.extras != nil, queue.pointee.arguments.deduplicates {
                queue.pointee.removeDuplicate(settled.entry.message)
            }
            release(settled.entry.message)
        case .bounced:
            queue.pointee.uncount(settled.entry, isGet: settled.consumer == .none)
            requeue(settled.entry, queue, .bounced)
        case .requeued, .failed:
            queue.pointee.counters.returned &+= 1
            requeue(settled.entry, queue, settled.outcome)
        case .rejected:
            queue.pointee.counters.returned &+= 1
            discard(settled.entry, queue, reason: .rejected)
        }
    }

    @inline(never)
    private func requeue(
        _ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>, _ outcome: Outcome
    ) {
        var entry = entry
        entry.markRedelivered()
        if outcome != .bounced {
            if queue.pointee.arguments.countsAsFailed(outcome) {
                entry.countDelivery()
                if let limit = queue.pointee.arguments.deliveryLimit, entry.deliveryCount > limit {
                    return discard(entry, queue, reason: .deliveryLimit)
                }
                journalDeliveryCount(entry, queue)
            } else if queue.pointee.arguments.queueType == .quorum {
                entry.countReturn()
            }
            if queue.pointee.arguments.delayedRetry != nil, delay(entry, queue, outcome) { return }
        }
        queue.pointee.putBack(entry)
        noteExpiration(entry, queue)
        list(queue)
    }
}
