import AMQPWire
import Routing

// basic.publish: from the method frame to the queues. The incoming half of every message's way.
extension ShardState {
    /// The method frame of basic.publish: reserved, exchange, routing key, bits.
    @inline(__always)
    func receivePublish(
        _ channel: UnsafeMutablePointer<ChannelState>, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        // class 2, method 2, reserved 2, exchange 1 + n, routing key 1 + n, bits 1
        guard payload.count >= 9, let base = payload.baseAddress else {
            throw ProtocolError.malformedMethod(.truncated, payload)
        }
        let exchangeCount = Int((base + 6).load(as: UInt8.self))
        guard payload.count >= 9 + exchangeCount else { throw ProtocolError.malformedMethod(.truncated, payload) }
        let keyCount = Int((base + 7 + exchangeCount).load(as: UInt8.self))
        guard payload.count == 9 + exchangeCount + keyCount else {
            throw ProtocolError.malformedMethod(.truncated, payload)
        }
        let bits = (base + payload.count - 1).load(as: UInt8.self)
        selectRoute(UnsafeRawBufferPointer(start: base + 6, count: 2 + exchangeCount + keyCount), channel)
        channel.pointee.assembly.begin(isMandatory: bits & 1 != 0, isImmediate: bits & 2 != 0)
        channel.pointee.publishPattern.begin(isCandidate: bits <= 1)
    }

    /// The content header: class, weight, body size, properties.
    @inline(__always)
    func receiveHeader(
        _ channel: UnsafeMutablePointer<ChannelState>, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        guard payload.count >= 12, let base = payload.baseAddress else {
            throw ProtocolError.unknownFrame(type: Frame.header, payload: payload)
        }
        let classID = UInt16(bigEndian: base.loadUnaligned(as: UInt16.self))
        guard classID == 60 else { throw ProtocolError.wrongHeaderClass(classID).blaming(60, 40) }
        guard (base + 2).loadUnaligned(as: UInt16.self) == 0 else {
            throw ProtocolError.expectedHeader.blaming(60, 40)
        }
        let size = UInt64(bigEndian: (base + 4).loadUnaligned(as: UInt64.self))
        if size > UInt64(settings.maxMessageSize) { throw tooLarge(size) }
        var propertyBytes = UnsafeRawBufferPointer(start: base + 12, count: payload.count - 12)
        let properties: BasicPropertiesView
        do {
            properties = try BasicPropertiesView(validating: propertyBytes)
        } catch {
            throw ProtocolError.malformed(error).blaming(60, 40)
        }
        var story = MessageStory(publishedMilliseconds: now.wallMilliseconds, priority: properties.priority)
        if properties.flags & Self.checkedProperties != 0 {
            propertyBytes = try checkProperties(properties, propertyBytes, channel)
            if properties.flags & BasicPropertiesView.Flag.expiration != 0 {
                story = MessageStory(
                    publishedMilliseconds: now.wallMilliseconds, priority: properties.priority, care: .expiration)
            }
        }
        if !properties.hasCopies {
            let message = store(
                addressing: channel.pointee.routes.current.pointee.addressing, properties: propertyBytes,
                bodyByteCount: Int(size), isPersistent: properties.isPersistent, story: story)
            channel.pointee.assembly.receiveHeader(message)
            if properties.flags & Self.checkedProperties == 0, channel.pointee.publishPattern.isWanted() {
                keepPattern(message, channel)
            }
        } else {
            receiveCopiedHeader(channel, properties, propertyBytes, bodyByteCount: Int(size), story)
        }
        if !alarms.isEmpty { block(channel.pointee.connection) }
        if size == 0 { try publish(channel) }
    }

    private func tooLarge(_ size: UInt64) -> ProtocolError {
        size > UInt64(Limit.bodyByteCount)
            ? ProtocolError.bodySizeTooLarge(size).blaming(60, 40)
            : ProtocolError.messageTooLarge(size, limit: settings.maxMessageSize).blaming(60, 40)
    }

    /// What is wrong with the exchange of the message whose header is being read: RabbitMQ says that first.
    private func exchangeError(_ channel: UnsafeMutablePointer<ChannelState>) -> ProtocolError? {
        if channel.pointee.assembly.isImmediate { return .immediate }
        let connection = channel.pointee.connection
        let name = channel.pointee.routes.current.pointee.exchangeName
        let host = connection.pointee.virtualHostIndex
        if !connection.pointee.isUnrestricted {
            do throws(ProtocolError) { try checkPublish(to: name, channel) } catch { return error }
        }
        guard let exchange = virtualHosts[host].routing.exchange(named: name) else {
            return .noExchange(ShortString(name), connection.pointee.virtualHost)
        }
        guard virtualHosts[host].internalExchanges.contains(exchange) else { return nil }
        return .internalExchange(
            ResourceName(
                kind: .exchange, name: ShortString(name), virtualHost: connection.pointee.virtualHost))
    }

    /// `reply-to`, `expiration` and `user-id` of `BasicPropertiesView.Flag`: as a number, since it is wanted for each
    /// message and another module's names are calls.
    private static var checkedProperties: UInt16 { 0x0310 }

    /// RabbitMQ's order: reply-to, expiration, then user-id. Returns the properties to go on with.
    @inline(never)
    private func checkProperties(
        _ properties: BasicPropertiesView, _ bytes: UnsafeRawBufferPointer,
        _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> UnsafeRawBufferPointer {
        do throws(ProtocolError) {
            let replaced = try replaceReplyTo(properties, bytes, channel)
            if properties.flags & BasicPropertiesView.Flag.expiration != 0 {
                let text = String(decoding: properties.expiration, as: UTF8.self)
                if let reason = Expiration.error(in: text) { throw .invalidExpiration(text, reason: reason) }
            }
            let user = channel.pointee.connection.pointee.user
            if properties.flags & BasicPropertiesView.Flag.userID != 0,
                !user.bytes.elementsEqual(properties.userID), !permissions.isImpersonator(user)
            {
                try checkTopics(properties, channel)
                throw .wrongUserID(String(decoding: properties.userID, as: UTF8.self), actual: user)
            }
            return replaced
        } catch {
            throw (exchangeError(channel) ?? error).blaming(60, 40)
        }
    }

    @inline(__always)
    func receiveBody(
        _ channel: UnsafeMutablePointer<ChannelState>, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        let missing = channel.pointee.assembly.missingByteCount
        guard payload.count <= missing else { throw ProtocolError.bodyExceedsSize.blaming(60, 40) }
        channel.pointee.assembly.receiveBody(payload)
        if !alarms.isEmpty { block(channel.pointee.connection) }
        if payload.count == missing { try publish(channel) }
    }

    /// A new message of this shard, its body still to be filled in, with one reference.
    @inline(__always)
    func store(
        addressing: UnsafeRawBufferPointer, properties: UnsafeRawBufferPointer, bodyByteCount: Int,
        isPersistent: Bool, story: MessageStory
    ) -> Message {
        let memory = messages.allocate(
            Message.headByteCount + addressing.count + properties.count + bodyByteCount)
        let message = Message.initialise(
            memory, shard: index, isPersistent: isPersistent, story: story, addressingByteCount: addressing.count,
            propertiesByteCount: properties.count, bodyByteCount: bodyByteCount)
        let parts = memory + Message.headByteCount
        if let source = addressing.baseAddress { parts.copyMemory(from: source, byteCount: addressing.count) }
        if let source = properties.baseAddress {
            (parts + addressing.count).copyMemory(from: source, byteCount: properties.count)
        }
        return message
    }

    /// The message is complete: route it, hand it to its queues, note what the publisher is to be told.
    @inline(__always)
    private func publish(_ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let message = channel.pointee.assembly.complete()
        do throws(ProtocolError) {
            try route(message, channel)
        } catch {
            release(message)
            throw error.blaming(60, 40)
        }
        if channel.pointee.publishMode == .transaction {
            do throws(ProtocolError) {
                return try hold(message, channel)
            } catch {
                throw error.blaming(60, 40)
            }
        }
        hand(message, channel, isMandatory: channel.pointee.assembly.isMandatory)
    }

    /// Gives a message to the queues of the channel's current route, and up the caller's reference.
    @inline(__always)
    func hand(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>, isMandatory: Bool) {
        countPublish(message, channel)
        if isMemoryTight { pausedPublishers.insert(channel.pointee.connection.pointee.address) }
        var mark = JournalMark.none
        if journals(message, channel) {
            mark = journalPublish(message, for: channel.pointee.routes.current.pointee.holders, channel)
        }
        latestSentEpoch = 0
        isLatestRejected = false
        let route = channel.pointee.routes.current
        let count = route.pointee.queues.count
        statistics.routed &+= UInt64(truncatingIfNeeded: count)
        if count == 0 {
            publishUnroutable(message, channel, isMandatory: isMandatory)
        } else {
            for target in 0..<count { enqueue(message, route.pointee.queues[target], from: channel) }
        }
        if channel.pointee.publishMode != .plain {
            statistics.publishConfirm &+= 1
            channel.pointee.confirm.publish(waitingFor: mark, epoch: latestSentEpoch)
            if isLatestRejected { channel.pointee.confirm.reject(channel.pointee.confirm.latest) }
            awaitConfirm(channel, mark)
        }
        release(message)
    }

    /// The channel's latest publish is to be confirmed: at the end of the turn, or when the journal is there.
    @inline(__always)
    func awaitConfirm(_ channel: UnsafeMutablePointer<ChannelState>, _ mark: JournalMark) {
        if channel.pointee.confirm.isWaiting {
            let wantsSync = channel.pointee.routes.current.pointee.holdersWantSync
            waitForJournal(channel, mark == .none ? .none : wantsSync ? .sync : .write)
        } else {
            listForConfirm(channel)
        }
    }

    /// RabbitMQ returns before it confirms, so the return is written at once and confirms at the end of the turn.
    @inline(never)
    func publishUnroutable(
        _ message: Message, _ channel: UnsafeMutablePointer<ChannelState>, isMandatory: Bool
    ) {
        guard isMandatory else {
            channel.pointee.counters.dropUnroutable &+= 1
            statistics.messages.dropUnroutable &+= 1
            return
        }
        channel.pointee.counters.returnUnroutable &+= 1
        statistics.messages.returnUnroutable &+= 1
        let connection = channel.pointee.connection
        withReturnedContent(message) { content in
            connection.pointee.outbound.writeReturn(
                channel: channel.pointee.number, replyCode: ReplyCode.noRoute.rawValue,
                replyText: ProtocolError.noRoute, content: content, frameMax: connection.pointee.frameMax)
        }
        list(connection)
    }
}

// Into the queues.
extension ShardState {
    /// Hands a message to a queue, here or on its own shard. The queue gets a reference of its own.
    @inline(__always)
    func enqueue(_ message: Message, _ address: QueueAddress, from channel: UnsafeMutablePointer<ChannelState>?) {
        message.references &+= 1
        if address.shard == index {
            accept(message, address)
        } else {
            send(message, address, from: channel)
        }
    }

    /// The queue's side: to a consumer if one has credit and nobody stands before it, else to the end of the queue.
    @inline(__always)
    func accept(_ message: Message, _ address: QueueAddress) {
        // A queue that was deleted on the way: as if it had been deleted just after.
        guard let queue = queue(address) else { return release(message) }
        if queue.pointee.extras != nil || message.care.rawValue != 0 { return acceptWithCare(message, queue) }
        let entry = queue.pointee.accept(message)
        if queue.pointee.ready.isEmpty, let slot = queue.pointee.consumers.takeNext(), mayDeliver(entry, queue, slot) {
            deliver(entry, from: queue, to: slot)
        } else {
            queue.pointee.append(entry)
            if queue.pointee.consumers.hasUnleased || !queue.pointee.waitingGets.isEmpty { list(queue) }
            listIfDeep(queue)
        }
    }

    @inline(never)
    private func send(_ message: Message, _ address: QueueAddress, from channel: UnsafeMutablePointer<ChannelState>?) {
        let batch = mailbox(address.shard)
        if let channel, channel.pointee.routes.current.pointee.mayReject {
            offer(message, address, from: channel, batch)
        } else {
            batch.append(EnqueueRecord(queue: address, message: message))
        }
        noteTransit(to: address.shard, byteCount: message.byteCount, from: channel)
    }

    /// Messages are in the batch for another shard, on their way to its queues.
    ///
    /// - Parameter byteCount: of all, each counted for each queue that it is for.
    func noteTransit(to shard: Int, byteCount: Int, from channel: UnsafeMutablePointer<ChannelState>?) {
        mailbox(shard).addTransit(byteCount: byteCount)
        latestSentEpoch = transitEpochs.add()
        transitByteCounts[shard] += byteCount
        guard let channel, transitByteCounts[shard] > Limit.transitByteCount else { return }
        // Everything of this connection's that was read is still taken; the socket waits: see `updateReading`.
        pausedPublishers.insert(channel.pointee.connection.pointee.address)
    }

    /// Another shard has put messages into its queues.
    func creditTransit(_ shard: Int, _ byteCount: Int) {
        transitByteCounts[shard] -= byteCount
        guard !pausedPublishers.isEmpty else { return }
        guard unwrittenByteCount() < Limit.laneByteCount / 2 else {
            // To be told when it is.
            journal.demand(.write)
            return
        }
        guard !isMemoryTight, transitByteCounts.allSatisfy({ $0 < Limit.transitByteCount / 2 }) else { return }
        let paused = pausedPublishers
        pausedPublishers = []
        for address in paused {
            if let connection = connection(address) { updateReading(connection) }
        }
    }
}
