import AMQPWire
import Routing

// basic.publish with the method and the header of the one before: see `PublishPattern`.
extension ShardState {
    /// Takes whole messages while they begin here and are like the channel's latest one.
    ///
    /// - Parameters:
    ///   - position: where a frame begins.
    ///   - limit: of a frame's payload.
    /// - Returns: the bytes of their frames; 0 where frames have to be looked at one by one.
    @inline(never)
    func receiveRepeatedPublishes(
        _ channel: UnsafeMutablePointer<ChannelState>, _ position: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int
    ) -> Int {
        guard channel.pointee.publishPattern.frameByteCount > 0, takesRuns(channel), alarms.isEmpty else { return 0 }
        let limit = min(limit, settings.maxMessageSize)
        let route = channel.pointee.routes.current
        if isCurrent(route, channel),
            let body = channel.pointee.publishPattern.body(at: position, end, limit: limit)
        {
            if route.pointee.queues.count == 1, let queue = plainQueue(route.pointee.queues[0]) {
                return receiveRun(channel, queue, position, end, limit: limit)
            }
            return receiveOne(channel, body) - position
        }
        guard let addressing = channel.pointee.publishPattern.otherAddressing(at: position, end),
            channel.pointee.publishPattern.take(addressing)
        else { return 0 }
        // The pattern is always of the current route's names.
        selectRoute(addressing, channel)
        guard let body = channel.pointee.publishPattern.body(at: position, end, limit: limit),
            isCurrent(channel.pointee.routes.current, channel) || findRouteOfRepeated(channel)
        else { return 0 }
        return receiveOne(channel, body) - position
    }

    /// Finds the way of one message that is like the pattern. False where its frames have to be looked at one by one:
    /// somebody wants to know of each message that is routed, or something is wrong with it.
    private func findRouteOfRepeated(_ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        let host = channel.pointee.connection.pointee.virtualHostIndex
        if virtualHosts[host].isTraced || !virtualHosts[host].gates.isEmpty { return false }
        do throws(ProtocolError) {
            try route(channel.pointee.publishPattern.message, channel)
            return true
        } catch {
            return false
        }
    }

    /// One message that is like the pattern. Returns where its frames end.
    @inline(__always)
    private func receiveOne(
        _ channel: UnsafeMutablePointer<ChannelState>, _ body: UnsafeRawBufferPointer
    ) -> UnsafeRawPointer {
        hand(storeRepeated(channel, body), channel, isMandatory: channel.pointee.assembly.isMandatory)
        return Self.end(of: body)
    }

    /// Behind the body's frame.
    private static func end(of body: UnsafeRawBufferPointer) -> UnsafeRawPointer {
        body.baseAddress.unsafelyUnwrapped + body.count + 1
    }

    /// Messages that follow each other, all for one queue: what `hand` does for each is done for all of them. Its
    /// consumers get them together, too, while they are in the processor's nearest cache.
    private func receiveRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ queue: UnsafeMutablePointer<QueueState>,
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int
    ) -> Int {
        // Where messages wait, nobody has credit.
        let isAwaited = queue.pointee.ready.isEmpty
        let isJournaled = journals(channel.pointee.publishPattern.message, channel)
        if isAwaited, queue.pointee.waitingGets.isEmpty, let credit = queue.pointee.consumers.lone,
            let consuming = credit.pointee.channel, !consuming.pointee.isWatched
        {
            if !credit.pointee.noAck {
                return keepRun(channel, queue, credit, consuming, start, end, limit: limit, isJournaled: isJournaled)
            }
            if !isJournaled { return passRun(channel, queue, credit, consuming, start, end, limit: limit) }
        }
        let holders = channel.pointee.routes.current.pointee.holders
        var position = start
        var count = 0
        var mark = JournalMark.none
        while position - start < Self.runByteLimit,
            let body = channel.pointee.publishPattern.body(at: position, end, limit: limit)
        {
            let message = storeRepeated(channel, body)
            statistics.sizes.add(body.count)
            if isJournaled { mark = journalPublish(message, for: holders, channel) }
            queue.pointee.append(queue.pointee.accept(message))
            if channel.pointee.publishMode != .plain { channel.pointee.confirm.publish(waitingFor: mark) }
            position = Self.end(of: body)
            count += 1
        }
        guard count > 0 else { return 0 }
        notePublished(count, channel, mark)
        if queue.pointee.consumers.hasUnleased || !queue.pointee.waitingGets.isEmpty {
            list(queue)
        } else if isAwaited {
            deliver(from: queue)
        }
        if queue.pointee.ready.residentByteCount > Limit.deepByteCount, !queue.pointee.isPagingListed {
            listForPaging(queue)
        }
        return position - start
    }

    /// Messages that nobody keeps, and that the queue's one consumer gets as soon as they come: they are never stored,
    /// and their bodies are copied once, from what was read to what is written.
    private func passRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>, _ consuming: UnsafeMutablePointer<ChannelState>,
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int
    ) -> Int {
        let connection = consuming.pointee.connection
        let prefix = channel.pointee.publishPattern.messageByteCount
        let available = credit.pointee.window.pointee.availableByteCount
        var frames = DeliveryFrames()
        var position = start
        var count = 0
        var byteCount = 0
        while byteCount < available,
            let body = channel.pointee.publishPattern.body(at: position, end, limit: limit)
        {
            statistics.sizes.add(body.count)
            consuming.pointee.latestDeliveryTag &+= 1
            if !connection.pointee.outbound.repeatDelivery(
                &frames, deliveryTag: consuming.pointee.latestDeliveryTag, body: body)
            {
                let message = channel.pointee.publishPattern.message
                frames = writeWhole(
                    ContentView(addressing: message.addressing, properties: message.properties, body: body),
                    to: consuming, consumerIndex: Int(credit.pointee.consumerIndex))
            }
            if channel.pointee.publishMode != .plain { channel.pointee.confirm.publish(waitingFor: .none) }
            position = Self.end(of: body)
            count &+= 1
            byteCount &+= prefix &+ body.count
        }
        guard count > 0 else { return 0 }
        credit.pointee.window.pointee.availableByteCount = available - byteCount
        connection.pointee.deliveredByteCount &+= byteCount
        queue.pointee.noteAccepted(count)
        notePublished(count, channel, .none)
        noteDelivered(count, QueueContents(), from: queue, credit)
        noteWritten(count, to: consuming, noAck: true)
        return position - start
    }

    /// Messages that the queue's one consumer gets as soon as they come, and has to ack: they never stand in the queue.
    private func keepRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ queue: UnsafeMutablePointer<QueueState>,
        _ credit: UnsafeMutablePointer<ConsumerCredit>, _ consuming: UnsafeMutablePointer<ChannelState>,
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int, isJournaled: Bool
    ) -> Int {
        let connection = consuming.pointee.connection
        let holders = channel.pointee.routes.current.pointee.holders
        let consumer = queue.pointee.consumers.reference(of: credit)
        let consumerIndex = Int(credit.pointee.consumerIndex)
        let isStoring = queue.pointee.holder != 0
        let available = credit.pointee.window.pointee.availableByteCount
        let deliveryLimit = min(credit.pointee.prefetchCapacity, consuming.pointee.channelCapacity)
        var frames = DeliveryFrames()
        var contents = QueueContents()
        var position = start
        var mark = JournalMark.none
        var publishCount = 0
        var count = 0
        var byteCount = 0
        while position - start < Self.runByteLimit, count < deliveryLimit, byteCount < available,
            let body = channel.pointee.publishPattern.body(at: position, end, limit: limit)
        {
            let message = storeRepeated(channel, body)
            statistics.sizes.add(body.count)
            if isJournaled { mark = journalPublish(message, for: holders, channel) }
            if channel.pointee.publishMode != .plain { channel.pointee.confirm.publish(waitingFor: mark) }
            position = Self.end(of: body)
            publishCount &+= 1
            let entry = queue.pointee.accept(message)
            guard mayDeliver(entry, queue, consumer.slot) else {
                queue.pointee.append(entry)
                break
            }
            consuming.pointee.latestDeliveryTag &+= 1
            if !connection.pointee.outbound.repeatDelivery(
                &frames, deliveryTag: consuming.pointee.latestDeliveryTag, body: body)
            {
                frames = writeWhole(message.content, to: consuming, consumerIndex: consumerIndex)
            }
            settleOrKeep(
                entry, of: queue.pointee.address, consuming, consumerIndex: consumerIndex, noAck: false,
                consumer: consumer)
            contents.add(message, isStoring: isStoring)
            byteCount &+= message.byteCount
            count &+= 1
        }
        guard publishCount > 0 else { return 0 }
        credit.pointee.window.pointee.availableByteCount = available - byteCount
        connection.pointee.deliveredByteCount &+= byteCount
        notePublished(publishCount, channel, mark)
        guard count > 0 else { return position - start }
        noteDelivered(count, contents, from: queue, credit)
        noteWritten(count, to: consuming, noAck: false)
        return position - start
    }

    /// With the messages and their deliveries about what a processor's nearest cache has room for.
    private static let runByteLimit = 8192

    /// Counts what a run has brought, and notes what its publisher is to be told.
    private func notePublished(_ count: Int, _ channel: UnsafeMutablePointer<ChannelState>, _ mark: JournalMark) {
        let number = UInt64(truncatingIfNeeded: count)
        statistics.messages.publish &+= number
        channel.pointee.counters.publish &+= number
        statistics.routed &+= number
        if isMemoryTight { pausedPublishers.insert(channel.pointee.connection.pointee.address) }
        guard channel.pointee.publishMode != .plain else { return }
        statistics.publishConfirm &+= number
        awaitConfirm(channel, mark)
    }

    @inline(__always)
    private func storeRepeated(
        _ channel: UnsafeMutablePointer<ChannelState>, _ body: UnsafeRawBufferPointer
    ) -> Message {
        let prefix = channel.pointee.publishPattern.messageByteCount
        let message = Message(memory: messages.allocate(prefix + body.count))
        message.memory.copyMemory(from: channel.pointee.publishPattern.message.memory, byteCount: prefix)
        message.begin(
            bodyByteCount: body.count,
            MessageStory(
                publishedMilliseconds: now.wallMilliseconds, priority: channel.pointee.publishPattern.priority))
        (message.memory + prefix).copyMemory(from: body.baseAddress.unsafelyUnwrapped, byteCount: body.count)
        return message
    }

    /// The header of a message has come that needed no look into it.
    @inline(never)
    func keepPattern(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.publishPattern.keep(
            message, channel: channel.pointee.number, methodBits: channel.pointee.assembly.isMandatory ? 1 : 0)
        channel.pointee.connection.pointee.repeatingChannel = channel
    }
}
