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
            // What no queue gets, or one may reject, is answered one by one.
            if route.pointee.queues.isEmpty || route.pointee.mayReject {
                return receiveOne(channel, body) - position
            }
            return receiveRun(channel, position, end, limit: limit)
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
    static func end(of body: UnsafeRawBufferPointer) -> UnsafeRawPointer {
        body.baseAddress.unsafelyUnwrapped + body.count + 1
    }

    /// Messages that nobody keeps, and that the queue's one consumer gets as soon as they come: they are never stored,
    /// and their bodies are copied once, from what was read to what is written.
    ///
    /// - Precondition: a message that is like the pattern begins here.
    func passRun(
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
            position = Self.end(of: body)
            count &+= 1
            byteCount &+= prefix &+ body.count
        }
        queue.pointee.noteAccepted(count)
        notePublished(count, channel, targets: 1)
        noteDeliveredAtOnce(count, byteCount: byteCount, QueueContents(), from: queue, credit, to: consuming)
        return position - start
    }

    @inline(__always)
    func storeRepeated(
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
