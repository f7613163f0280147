import AMQPWire
import Routing

// Out of the queues: the outgoing half of every message's way.
extension ShardState {
    /// Gives a queue's messages to its consumers while there are both, for one turn's worth.
    func deliver(from queue: UnsafeMutablePointer<QueueState>) {
        if queue.pointee.extras != nil { careFor(queue) }
        if queue.pointee.ready.absentChunkCount > 0 { load(queue) }
        if !queue.pointee.waitingGets.isEmpty { serveGets(queue) }
        var left = Limit.deliveriesPerTurn
        while let first = queue.pointee.ready.first, !first.isPagedOut, let slot = queue.pointee.consumers.takeNext(),
            mayDeliver(first, queue, slot)
        {
            if queue.pointee.consumers.isAlone, queue.pointee.extras == nil {
                left -= deliverRun(from: queue, to: slot, limit: left)
            } else {
                guard let entry = queue.pointee.popFirst() else { break }
                deliver(entry, from: queue, to: slot)
                left -= 1
            }
            if left == 0 {
                list(queue)
                return
            }
        }
        // Consumers may have taken what they waited for.
        if !queue.pointee.waitingGets.isEmpty, queue.pointee.ready.isEmpty { serveGets(queue) }
        if queue.pointee.ready.absentChunkCount > 0 { load(queue) }
        if queue.pointee.consumers.hasUnleased { askForLeases(queue) }
    }

    /// One message to one consumer that has credit for it.
    @inline(__always)
    func deliver(_ entry: QueueEntry, from queue: UnsafeMutablePointer<QueueState>, to slot: UInt32) {
        let credit = queue.pointee.consumers.credits.unsafelyUnwrapped + Int(slot)
        let noAck = credit.pointee.noAck
        if !noAck {
            credit.pointee.unackedCount &+= 1
            queue.pointee.unackedCount &+= 1
            queue.pointee.unackedContents.add(entry.message, isStoring: queue.pointee.holder != 0)
            queue.pointee.counters.deliver &+= 1
            queue.pointee.typeCounters.pointee.deliver &+= 1
        } else {
            queue.pointee.counters.deliverNoAck &+= 1
            queue.pointee.typeCounters.pointee.deliverNoAck &+= 1
            if queue.pointee.extras != nil, queue.pointee.arguments.deduplicates {
                queue.pointee.removeDuplicate(entry.message)
            }
        }
        let consumer = ConsumerReference(slot: slot, serial: credit.pointee.serial)
        if let channel = credit.pointee.channel {
            write(
                entry, to: channel, consumerIndex: Int(credit.pointee.consumerIndex), noAck: noAck,
                queue: queue.pointee.address, consumer: consumer)
        } else {
            deliverRemotely(entry, from: queue, credit, consumer)
        }
    }

    @inline(never)
    private func deliverRemotely(
        _ entry: QueueEntry, from queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>, _ consumer: ConsumerReference
    ) {
        let usesLease = credit.pointee.leaseCount > 0
        if usesLease { credit.pointee.leaseCount -= 1 }
        credit.pointee.window.pointee.availableByteCount -= entry.message.byteCount
        if entry.isRedelivered { countRedelivery(queue) }
        mailbox(Int(credit.pointee.channelAddress.connection.shard)).append(
            entry,
            to: DeliverRun(
                channel: credit.pointee.channelAddress, consumerIndex: credit.pointee.consumerIndex,
                noAck: credit.pointee.noAck, usesLease: usesLease, queue: queue.pointee.address,
                consumer: consumer))
    }

    /// The channel's side: the next delivery tag, the frames, and a note until the ack comes.
    @inline(__always)
    func write(
        _ entry: QueueEntry, to channel: UnsafeMutablePointer<ChannelState>, consumerIndex: Int, noAck: Bool,
        queue: QueueAddress, consumer: ConsumerReference
    ) {
        let connection = channel.pointee.connection
        channel.pointee.latestDeliveryTag &+= 1
        let tag = channel.pointee.latestDeliveryTag
        let encodedTag = channel.pointee.encodedTag(consumerIndex)
        if entry.isPlain {
            connection.pointee.outbound.writeDeliver(
                channel: channel.pointee.number, consumerTag: encodedTag, deliveryTag: tag, redelivered: false,
                content: entry.message.content, frameMax: connection.pointee.frameMax)
        } else {
            writeRedelivered(entry, to: channel, encodedTag, tag, queue)
        }
        if queue.shard == index {
            let byteCount = entry.message.byteCount
            connection.pointee.window.availableByteCount &-= byteCount
            connection.pointee.deliveredByteCount &+= byteCount
        }
        noteWritten(1, to: channel, noAck: noAck)
        settleOrKeep(entry, of: queue, channel, consumerIndex: consumerIndex, noAck: noAck, consumer: consumer)
    }

    /// One that was delivered before, or is not simply what was published.
    @inline(never)
    func writeRedelivered(
        _ entry: QueueEntry, to channel: UnsafeMutablePointer<ChannelState>, _ encodedTag: UnsafeRawBufferPointer,
        _ tag: UInt64, _ queue: QueueAddress
    ) {
        let connection = channel.pointee.connection
        withDeliveredContent(entry) { content in
            connection.pointee.outbound.writeDeliver(
                channel: channel.pointee.number, consumerTag: encodedTag, deliveryTag: tag,
                redelivered: entry.isRedelivered, content: content, frameMax: connection.pointee.frameMax)
        }
        guard entry.isRedelivered else { return }
        countRedelivery(channel)
        if queue.shard == index, let queue = self.queue(queue) { countRedelivery(queue) }
    }

    func countRedelivery(_ queue: UnsafeMutablePointer<QueueState>) {
        queue.pointee.counters.redeliver &+= 1
        queue.pointee.typeCounters.pointee.redeliver &+= 1
    }

    func countRedelivery(_ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.counters.redeliver &+= 1
        statistics.messages.redeliver &+= 1
    }

    /// Deliveries of another shard's queue. A channel or a consumer that has ended meanwhile sends them back.
    func accept(_ delivery: DeliverRun, _ entries: UnsafeBufferPointer<QueueEntry>) {
        let connection = connection(delivery.channel.connection)
        if let connection {
            connection.pointee.remoteDeliveredByteCounts[delivery.queue.shard] += entries.reduce(0) {
                $0 + $1.message.byteCount
            }
            list(connection)
        }
        let channel = connection?.pointee.channel(delivery.channel)
        if delivery.usesLease, let channel {
            channel.pointee.leasedCount -= min(UInt32(entries.count), channel.pointee.leasedCount)
        }
        guard let channel, channel.pointee.phase == .open,
            channel.pointee.hasConsumer(
                delivery.consumer, of: delivery.queue, at: Int(delivery.consumerIndex))
        else {
            for entry in entries {
                settle(
                    queue: delivery.queue, entry: entry, consumer: delivery.consumer,
                    outcome: delivery.noAck ? .bounced : .failed)
            }
            return
        }
        write(
            entries, to: channel, consumerIndex: Int(delivery.consumerIndex), noAck: delivery.noAck,
            queue: delivery.queue, consumer: delivery.consumer)
    }
}

// Windows.
extension ShardState {
    static func window(
        of connection: UnsafeMutablePointer<ConnectionState>
    ) -> UnsafeMutablePointer<DeliveryWindow> {
        (UnsafeMutableRawPointer(connection) + windowOffset).assumingMemoryBound(to: DeliveryWindow.self)
    }

    private static let windowOffset = MemoryLayout<ConnectionState>.offset(of: \.window).unsafelyUnwrapped

    func remoteWindow(_ address: ConnectionAddress) -> UnsafeMutablePointer<DeliveryWindow> {
        if let window = remoteWindows[address] { return window }
        let window = UnsafeMutablePointer<DeliveryWindow>.allocate(capacity: 1)
        window.initialize(to: DeliveryWindow(availableByteCount: Limit.deliveryWindowByteCount))
        remoteWindows[address] = window
        return window
    }

    /// What was delivered to the connection has left for the socket.
    func creditDeliveries(_ connection: UnsafeMutablePointer<ConnectionState>) {
        let own = connection.pointee.deliveredByteCount
        if own > 0 {
            connection.pointee.deliveredByteCount = 0
            open(Self.window(of: connection), own)
        }
        guard connection.pointee.usedShards != 0 else { return }
        for shard in 0..<shardCount where connection.pointee.remoteDeliveredByteCounts[shard] > 0 {
            mailbox(shard).append(
                WindowCreditRecord(
                    connection: connection.pointee.address,
                    byteCount: connection.pointee.remoteDeliveredByteCounts[shard]))
            connection.pointee.remoteDeliveredByteCounts[shard] = 0
        }
    }

    /// Consumers that the window held back are asked again.
    func open(_ window: UnsafeMutablePointer<DeliveryWindow>, _ byteCount: Int) {
        window.pointee.availableByteCount += byteCount
        guard window.pointee.isOpen, !window.pointee.blocked.isEmpty else { return }
        let blocked = window.pointee.blocked
        window.pointee.blocked = []
        for waiting in blocked {
            if let queue = queue(waiting.queue), queue.pointee.makeReady(waiting.consumer) { list(queue) }
        }
    }
}

// Channel-wide limits (basic.qos with global=true): the channel's shard owns the credit; queues of other shards lease
// it for what they have ready, and return at once what they do not use.
extension ShardState {
    /// Acks or a new limit have made room.
    func channelCreditFreed(_ channel: UnsafeMutablePointer<ChannelState>) {
        guard !channel.pointee.limitedConsumers.isEmpty, channel.pointee.hasChannelCredit else { return }
        let waiting = channel.pointee.limitedConsumers
        channel.pointee.limitedConsumers = []
        for consumer in waiting {
            switch consumer {
            case .local(let address, let reference):
                if let queue = queue(address), queue.pointee.makeReady(reference) { list(queue) }
            case .remote(let address, let reference, let wanted):
                grant(channel, address, reference, wanted)
            }
        }
    }

    private func grant(
        _ channel: UnsafeMutablePointer<ChannelState>, _ queue: QueueAddress, _ consumer: ConsumerReference,
        _ wanted: UInt32
    ) {
        let limit = UInt32(channel.pointee.channelPrefetchCount)
        let used = UInt32(channel.pointee.unacked.count) + channel.pointee.leasedCount
        let free = limit == 0 ? wanted : limit - min(limit, used)
        guard free > 0 else {
            channel.pointee.limitedConsumers.append(.remote(queue: queue, consumer: consumer, wanted: wanted))
            return
        }
        let count = min(free, wanted)
        channel.pointee.leasedCount += count
        mailbox(queue.shard).append(
            LeaseGrantRecord(channel: channel.pointee.address, queue: queue, consumer: consumer, count: count))
    }

    private func askForLeases(_ queue: UnsafeMutablePointer<QueueState>) {
        guard !queue.pointee.ready.isEmpty else { return }
        for reference in queue.pointee.consumers.takeUnleased() {
            guard let credit = queue.pointee.consumers.credit(reference) else { continue }
            let wanted = min(Limit.leaseCount, UInt32(clamping: queue.pointee.readyCount))
            mailbox(Int(credit.pointee.channelAddress.connection.shard)).append(
                LeaseRequestRecord(
                    channel: credit.pointee.channelAddress, queue: queue.pointee.address, consumer: reference,
                    wanted: wanted))
        }
    }

    func accept(_ request: LeaseRequestRecord) {
        guard let channel = channel(request.channel) else { return }
        grant(channel, request.queue, request.consumer, request.wanted)
    }

    /// The queue's side: delivers on the lease at once and returns the rest.
    func accept(_ granted: LeaseGrantRecord, from shard: Int) {
        guard let queue = queue(granted.queue), let credit = queue.pointee.consumers.credit(granted.consumer) else {
            mailbox(shard).append(LeaseReturnRecord(channel: granted.channel, count: granted.count))
            return
        }
        credit.pointee.hasAskedForLease = false
        credit.pointee.leaseCount += granted.count
        _ = queue.pointee.makeReady(granted.consumer)
        deliver(from: queue)
        guard let credit = queue.pointee.consumers.credit(granted.consumer), credit.pointee.leaseCount > 0 else {
            return
        }
        mailbox(shard).append(
            LeaseReturnRecord(channel: credit.pointee.channelAddress, count: credit.pointee.leaseCount))
        credit.pointee.leaseCount = 0
    }

    func accept(_ returned: LeaseReturnRecord) {
        guard let channel = channel(returned.channel) else { return }
        channel.pointee.leasedCount -= min(returned.count, channel.pointee.leasedCount)
        channelCreditFreed(channel)
    }

    /// Queues of other shards learn that a channel-wide limit came or went.
    func tellChannelLimit(_ channel: UnsafeMutablePointer<ChannelState>, _ isLimited: Bool) {
        var shards: UInt64 = 0
        for case let consumer? in channel.pointee.consumers where consumer.queue.shard != index {
            shards |= 1 << UInt64(consumer.queue.shard)
        }
        for shard in 0..<shardCount where shards & (1 << UInt64(shard)) != 0 {
            mailbox(shard).append(.channelLimit(channel: channel.pointee.address, isLimited: isLimited))
        }
    }

    func setChannelLimit(_ address: ChannelAddress, _ isLimited: Bool) {
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot] else { continue }
            if queue.pointee.consumers.setNeedsLease(channel: address, isLimited) { list(queue) }
        }
    }
}
