import AMQPWire
import Routing

// `amq.rabbitmq.event`: what happens is announced in the topology's history, under its lock, and published by one
// shard, so that all events have one order. While nobody is bound to the exchange nothing is announced.
extension ShardState {
    /// The shard that publishes events.
    static let eventShard = 0

    /// Tells of something, if anybody wants to hear.
    ///
    /// - Parameter user: who has done it; nil: nobody asked for it.
    @inline(__always)
    func announce(by user: ShortString?, _ event: @autoclosure () -> BrokerEvent) {
        if controlPlane.hasEventListeners { announce(event(), by: user) }
    }

    @inline(never)
    private func announce(_ event: BrokerEvent, by user: ShortString?) {
        try? controlPlane.withTopology { topology in
            topology.log.actingUser = user ?? BrokerEvent.internalUser
            topology.log.announce(event)
        }
        wakeEventShard()
    }

    /// It may be idle, and learns otherwise only with its next tick.
    @inline(__always)
    func wakeEventShard() {
        guard controlPlane.hasEventListeners else { return }
        if index == Self.eventShard { hasAnnounced = true } else { _ = mailbox(Self.eventShard) }
    }

    /// The history has told of something.
    func accept(_ event: BrokerEvent, _ host: Int) {
        if index == Self.eventShard { pendingEvents.append((host, event)) }
    }

    func acceptLostEvents(_ count: Int) {
        guard index == Self.eventShard else { return }
        note(.warning, "\(count) events were not published: there were too many at once")
    }

    /// At the end of a turn, when nobody holds on to a queue.
    @inline(never)
    func publishEvents() {
        if hasAnnounced {
            hasAnnounced = false
            followTopology()
        }
        guard !pendingEvents.isEmpty else { return }
        let events = pendingEvents
        pendingEvents = []
        for (host, event) in events { publish(event, host) }
    }

    private func publish(_ event: BrokerEvent, _ host: Int) {
        var properties = BasicProperties()
        properties.deliveryMode = 2
        properties.timestamp = now.wallSeconds
        var headers = event.headers
        headers["timestamp_in_ms"] = .int64(Int64(clamping: now.wallMilliseconds))
        properties.headers = headers
        publish(makeOwn(properties, exchange: BrokerEvent.exchange, routingKey: event.key), host)
    }
}

// Messages of the broker's own.
extension ShardState {
    /// A new message, with one reference.
    func makeOwn(
        _ properties: BasicProperties, exchange name: ShortString, routingKey: ShortString,
        body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) -> Message {
        var addressing = OutboundBuffer()
        addressing.write(name)
        addressing.write(routingKey)
        var encoded = OutboundBuffer()
        properties.write(to: &encoded)
        let message = store(
            addressing: addressing.bytes, properties: encoded.bytes, bodyByteCount: body.count,
            isPersistent: properties.deliveryMode == 2,
            story: MessageStory(publishedMilliseconds: now.wallMilliseconds))
        addressing.deallocate()
        encoded.deallocate()
        if let base = body.baseAddress { message.bodyMemory.copyMemory(from: base, byteCount: body.count) }
        return message
    }

    /// Gives the message to its queues, and up the caller's reference. Nobody is told where it went, or that it went
    /// nowhere.
    func publish(_ message: Message, _ host: Int) {
        defer { release(message) }
        guard let exchange = virtualHosts[host].routing.exchange(named: message.exchange) else { return }
        var routes = RouteBuffer()
        route(message, from: exchange, key: message.routingKey, copies: [], host, into: &routes)
        _ = journalReplacement(of: message, 0, by: message, routes)
        for target in 0..<routes.count { enqueue(message, routes[target], from: nil) }
        routes.deallocate()
    }
}
