import AMQPWire
import Journal
import Routing

// Dead-lettering: a message leaves its queue for the queue's dead-letter exchange, with the story of its deaths.
extension ShardState {
    /// Publishes the message again, from the queue's shard. The caller still holds, and releases, the original.
    ///
    /// Returns whether the journal has it all in one record: the new message, and that the queue is done with the old.
    /// So neither both nor none survive, which is what RabbitMQ calls at-least-once.
    func deadLetter(_ message: Message, _ queue: UnsafeMutablePointer<QueueState>, reason: DeathReason) -> Bool {
        guard let exchangeName = queue.pointee.arguments.deadLetterExchange else { return false }
        let host = queue.pointee.virtualHostIndex
        // RabbitMQ: an exchange that does not exist drops them silently.
        let exchange = exchangeName.bytes.withUnsafeBytes { virtualHosts[host].routing.exchange(named: $0) }
        noteDeath(queue, reason, isDropped: exchange == nil)
        guard let exchange, let (dead, deaths) = bury(message, queue, reason, exchangeName) else { return false }
        var routes = RouteBuffer()
        route(dead, from: exchange, key: dead.routingKey, host, into: &routes)
        dropCycles(&routes, deaths, queue)
        let isJournaled = journalReplacement(of: message, queue.pointee.holder, by: dead, routes)
        for target in 0..<routes.count { enqueue(dead, routes[target], from: nil) }
        routes.deallocate()
        release(dead)
        return isJournaled
    }

    /// - Parameter isDropped: nobody gets the message: its queue has no dead-letter exchange, or one that is not there.
    func noteDeath(_ queue: UnsafeMutablePointer<QueueState>, _ reason: DeathReason, isDropped: Bool) {
        let isQuorum = queue.pointee.arguments.queueType == .quorum
        switch (isQuorum, isDropped) {
        case (false, false): statistics.deaths.classicAtMostOnce.note(reason)
        case (false, true): statistics.deaths.classicDisabled.note(reason)
        case (true, false) where queue.pointee.arguments.deadLetterStrategy == .atLeastOnce:
            statistics.deaths.quorumAtLeastOnce.note(reason)
        case (true, false): statistics.deaths.quorumAtMostOnce.note(reason)
        case (true, true): statistics.deaths.quorumDisabled.note(reason)
        }
    }

    /// The journal learns in one record that a queue is done with a message, and of the message that takes its place.
    ///
    /// - Returns: whether it did; else the caller journals the settlement.
    func journalReplacement(
        of message: Message, _ holder: UInt32, by replacement: Message, _ routes: RouteBuffer
    ) -> Bool {
        guard journal.isPresent, replacement.isPersistent || wantEverything(routes) else { return false }
        let numbers = (0..<routes.count).map { self.holder(of: routes[$0]) }.filter { $0 != 0 }
        guard !numbers.isEmpty else { return false }
        journal.latestSequence &+= 1
        let id = MessageID.make(lane: index, sequence: journal.latestSequence)
        replacement.id = id
        numbers.withUnsafeBufferPointer { numbers in
            journal.append { lane in
                if message.id == 0 || holder == 0 {
                    // The journal never had the message in this queue.
                    lane.appendMessage(id: id, holders: numbers, content: replacement.bytes)
                } else {
                    lane.appendReplacement(
                        id: id, holders: numbers, content: replacement.bytes, settledID: message.id,
                        settledHolder: holder)
                }
            }
        }
        return true
    }

    /// The message as it goes to the dead-letter exchange: same body, new address, headers that tell of its death.
    /// Beside it, its deaths.
    private func bury(
        _ message: Message, _ queue: UnsafeMutablePointer<QueueState>, _ reason: DeathReason, _ exchange: ShortString
    ) -> (Message, [Death.Name])? {
        var reader = WireReader(message.properties)
        guard var properties = try? BasicProperties(from: &reader) else { return nil }
        var headers = properties.headers ?? FieldTable()
        var routingKeys = [ShortString(message.routingKey)]
        if !message.care.contains(.routedByKeyAlone) { routingKeys += CarbonCopies.visibleKeys(in: headers) }
        let death = Death(
            queue: queue.pointee.name, reason: reason, exchange: ShortString(message.exchange),
            routingKeys: routingKeys, time: now.wallSeconds, originalExpiration: properties.expiration)
        if !message.hasDied { Death.removeHeaders(from: &headers) }
        headers = death.record(in: headers)
        properties.headers = headers
        properties.expiration = nil
        let routingKey = queue.pointee.arguments.deadLetterRoutingKey
        var care = message.care.intersection([.routedByKeyAlone, .hidesCopies])
        if routingKey != nil { care.insert(.routedByKeyAlone) }
        let story = MessageStory(
            publishedMilliseconds: now.wallMilliseconds, priority: message.priority, care: care)
        let dead = rewrite(
            message, properties, exchange: exchange, routingKey: routingKey ?? ShortString(message.routingKey),
            story: story)
        dead.markDied()
        return (dead, Death.names(in: headers))
    }

    /// A message with the same body, and other addressing and properties.
    func rewrite(
        _ message: Message, _ properties: BasicProperties, exchange: ShortString, routingKey: ShortString,
        story: MessageStory
    ) -> Message {
        var addressing = OutboundBuffer()
        addressing.write(exchange)
        addressing.write(routingKey)
        var encoded = OutboundBuffer()
        properties.write(to: &encoded)
        defer {
            addressing.deallocate()
            encoded.deallocate()
        }
        return copy(message, addressing: addressing.bytes, properties: encoded.bytes, story)
    }

    /// A message with the same body, of this shard.
    func copy(
        _ message: Message, addressing: UnsafeRawBufferPointer, properties: UnsafeRawBufferPointer,
        _ story: MessageStory
    ) -> Message {
        let copy = store(
            addressing: addressing, properties: properties, bodyByteCount: message.bodyByteCount,
            isPersistent: message.isPersistent, story: story)
        if let body = message.body.baseAddress {
            copy.bodyMemory.copyMemory(from: body, byteCount: message.bodyByteCount)
        }
        return copy
    }
}

// Cycles: a message that would come back to a queue in which it died, without a client having rejected it since, goes
// round for ever. RabbitMQ drops it (`rabbit_dead_letter:detect_cycles`, `mc:is_death_cycle`).
extension ShardState {
    /// The same behind the gate of an exchange that remembers: routing to the gate says nothing of the queues behind
    /// it.
    func dropCycles(_ routes: inout RouteBuffer, of dead: Message, _ gate: UnsafeMutablePointer<QueueState>) {
        guard let view = try? BasicPropertiesView(validating: dead.properties) else { return }
        dropCycles(&routes, Death.names(in: view.headerTable), gate)
    }

    /// - Parameter deaths: the one that sends the message on comes first; where a client rejected it, nothing cycles.
    private func dropCycles(
        _ routes: inout RouteBuffer, _ deaths: [Death.Name], _ queue: UnsafeMutablePointer<QueueState>
    ) {
        let automatic = deaths.prefix { $0.reason != DeathReason.rejected.rawValue }
        let host = queue.pointee.virtualHostIndex
        let cycling = automatic.compactMap { death in
            death.queue.bytes.withUnsafeBytes { virtualHosts[host].routing.queue(named: $0) }.map { ($0, death.queue) }
        }
        guard !cycling.isEmpty else { return }
        var kept = RouteBuffer()
        for target in 0..<routes.count {
            if let (_, name) = cycling.first(where: { $0.0 == routes[target] }) {
                statistics.deadLetterCyclesDropped &+= 1
                noteCycle([name] + deaths.map(\.queue))
            } else {
                kept.append(routes[target])
            }
        }
        routes.deallocate()
        routes = kept
    }

    /// Told once, for so many cycles that the log does not become one.
    private func noteCycle(_ names: [ShortString]) {
        guard notedCycles.count < Limit.notedCycles, notedCycles.insert(names.hashValue).inserted else { return }
        let list = names.map { "'\($0)'" }.joined(separator: ", ")
        note(
            .warning,
            "message dropped: these queues, by recency of death, are a dead-letter cycle without reason 'rejected' "
                + "(told once): \(list)")
    }
}
