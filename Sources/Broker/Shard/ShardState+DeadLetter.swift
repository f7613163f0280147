import AMQPWire
import Journal
import Routing

// Dead-lettering: a message leaves its queue for the queue's dead-letter exchange, with the story of its deaths.
extension ShardState {
    /// Publishes the message again, from the queue's shard. The caller still holds, and releases, the original.
    ///
    /// Returns whether the journal has it all in one record: the new message, and that the queue is done with the old.
    func deadLetter(_ message: Message, _ queue: UnsafeMutablePointer<QueueState>, reason: DeathReason) -> Bool {
        guard let exchangeName = queue.pointee.arguments.deadLetterExchange else { return false }
        let host = queue.pointee.virtualHostIndex
        // RabbitMQ: an exchange that does not exist drops them silently.
        let exchange = exchangeName.bytes.withUnsafeBytes { virtualHosts[host].routing.exchange(named: $0) }
        guard let exchange else { return false }
        let routingKey = queue.pointee.arguments.deadLetterRoutingKey ?? ShortString(message.routingKey)
        guard let dead = bury(message, queue, reason, exchangeName, routingKey) else { return false }
        var routes = RouteBuffer()
        route(dead, from: exchange, key: dead.routingKey, host, into: &routes)
        let isJournaled = journalReplacement(of: message, queue, by: dead, routes)
        for target in 0..<routes.count { enqueue(dead, routes[target], from: nil) }
        routes.deallocate()
        release(dead)
        return isJournaled
    }

    private func journalReplacement(
        of message: Message, _ queue: UnsafeMutablePointer<QueueState>, by dead: Message, _ routes: RouteBuffer
    ) -> Bool {
        guard journal.isPresent, dead.isPersistent || wantEverything(routes) else { return false }
        let numbers = (0..<routes.count).map { holder(of: routes[$0]) }.filter { $0 != 0 }
        guard !numbers.isEmpty else { return false }
        journal.latestSequence &+= 1
        let id = MessageID.make(lane: index, sequence: journal.latestSequence)
        dead.id = id
        numbers.withUnsafeBufferPointer { numbers in
            journal.append { lane in
                if message.id == 0 || queue.pointee.holder == 0 {
                    // The journal never had the message in this queue.
                    lane.appendMessage(id: id, holders: numbers, content: dead.bytes)
                } else {
                    lane.appendReplacement(
                        id: id, holders: numbers, content: dead.bytes, settledID: message.id,
                        settledHolder: queue.pointee.holder)
                }
            }
        }
        return true
    }

    /// The message as it goes to the dead-letter exchange: same body, new address, headers that tell of its death.
    private func bury(
        _ message: Message, _ queue: UnsafeMutablePointer<QueueState>, _ reason: DeathReason,
        _ exchange: ShortString, _ routingKey: ShortString
    ) -> Message? {
        var reader = WireReader(message.properties)
        guard var properties = try? BasicProperties(from: &reader) else { return nil }
        let death = Death(
            queue: queue.pointee.name, reason: reason, exchange: ShortString(message.exchange),
            routingKeys: [ShortString(message.routingKey)], time: now.wallSeconds,
            originalExpiration: properties.expiration)
        var headers = properties.headers ?? FieldTable()
        if !message.hasDied { Death.removeHeaders(from: &headers) }
        properties.headers = death.record(in: headers)
        properties.expiration = nil
        var addressing = OutboundBuffer()
        addressing.write(exchange)
        addressing.write(routingKey)
        var encoded = OutboundBuffer()
        properties.write(to: &encoded)
        defer {
            addressing.deallocate()
            encoded.deallocate()
        }
        let dead = store(
            addressing: addressing.bytes, properties: encoded.bytes, bodyByteCount: message.bodyByteCount,
            isPersistent: message.isPersistent)
        if let body = message.body.baseAddress {
            dead.bodyMemory.copyMemory(from: body, byteCount: message.bodyByteCount)
        }
        dead.markDied()
        return dead
    }
}
