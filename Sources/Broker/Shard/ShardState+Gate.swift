import AMQPWire
import Journal
import Routing

// Gates of exchanges: their beginning and end.
extension ShardState {
    /// exchange.declare. Returns whether the journal keeps the exchange.
    func declare(
        _ declare: ExchangeDeclare, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Bool {
        try self.declare(declare, DeclarationPlace(channel.pointee.connection), by: access(channel))
    }

    func declare(
        _ declare: ExchangeDeclare, _ place: DeclarationPlace, by access: Access
    ) throws(ProtocolError) -> Bool {
        let gate = insertGate(for: declare, place)
        let isDurable: Bool
        let isUsed: Bool
        do throws(ProtocolError) {
            (isDurable, isUsed) = try changeTopology(place.virtualHostIndex, by: place.user) {
                topology, changes throws(ProtocolError) in
                let isDurable = try topology.declare(declare, gate: gate, by: access, changes: &changes)
                let record = topology.exchanges[declare.exchange.withoutLineBreaks]
                return (isDurable, gate != nil && record?.gate?.address == gate)
            }
        } catch {
            if let gate { removeQueueState(gate) }
            throw error
        }
        if let gate, !isUsed { removeQueueState(gate) }
        return isDurable
    }

    /// As a queue, a gate is there before anybody can learn of its exchange. nil for an exchange without; errors are
    /// the topology's to find.
    private func insertGate(for declare: ExchangeDeclare, _ place: DeclarationPlace) -> QueueAddress? {
        let resource = ResourceName(kind: .exchange, name: declare.exchange, virtualHost: place.virtualHost)
        guard !declare.passive, let type = ExchangeType(declare.type),
            let settings = (try? ExchangeBehaviour(type, declare.arguments, resource))?.gate
        else { return nil }
        return insertGate(
            settings, declare.exchange, virtualHost: place.virtualHost, virtualHostIndex: place.virtualHostIndex)
    }

    func insertGate(
        _ settings: GateSettings, _ exchange: ShortString, virtualHost: ShortString, virtualHostIndex: Int
    ) -> QueueAddress {
        let shard = index
        let (counters, now) = (typeCounters.classic, now)
        let (_, _, queue) = queues.insert { slot, generation in
            QueueState(
                address: QueueAddress(shard: shard, slot: slot, generation: generation), name: exchange,
                virtualHost: virtualHost, virtualHostIndex: virtualHostIndex, isAutoDelete: false,
                arguments: QueueArguments(), typeCounters: counters, now: now)
        }
        queue.pointee.makeExtras().pointee.gate = ExchangeGate(settings)
        queue.pointee.isShown = false
        return queue.pointee.address
    }

    /// This shard's tables have the exchange.
    func openGate(_ place: GatePlace, _ kind: ExchangeGates, of exchange: ExchangeID, _ host: Int) {
        virtualHosts[host].routing.addGate(kind, at: place.address, to: exchange)
        virtualHosts[host].gates[exchange] = place.address
        if place.journalNumber != 0 {
            // As the plugin, a durable exchange keeps all delayed messages, transient ones too.
            let flags = kind == .delay ? HolderTable.quorumBit : 0
            holders.set(place.address, place.journalNumber | flags)
        }
        guard place.address.shard == index, let queue = queue(place.address),
            let gate = queue.pointee.extras?.pointee.gate
        else { return }
        gate.exchange = exchange
        if journal.isPresent { queue.pointee.holder = place.journalNumber }
        list(queue)
    }

    /// The exchange is gone, and what it held with it.
    func closeGate(_ address: QueueAddress) {
        holders.set(address, 0)
        guard address.shard == index, let queue = queue(address), let gate = queue.pointee.extras?.pointee.gate else {
            return
        }
        for message in gate.takeAll() { release(message) }
        removeQueueState(address)
    }

    /// A message that the journal had at the gate.
    func recover(_ id: UInt64, _ kept: Message, _ gate: ExchangeGate) {
        let headers = (try? BasicPropertiesView(validating: kept.properties))?.headerTable ?? FieldTable()
        if kept.hasPassedGate, case .deduplication = gate.settings {
            guard let key = DeduplicationHeader.key(in: headers) else { return }
            let expires = DeduplicationHeader.ttlMilliseconds(in: headers).map { kept.publishedMilliseconds &+ $0 }
            _ = gate.cache.insert(key, expiresMilliseconds: expires, journalID: id, now: 0)
            return
        }
        let memory = messages.allocate(kept.byteCount)
        memory.copyMemory(from: kept.memory, byteCount: kept.byteCount)
        let message = Message(memory: memory)
        message.takeOver(shard: index, id: id)
        switch gate.settings {
        case .delay:
            gate.delay(
                message, untilMilliseconds: kept.publishedMilliseconds &+ (Delay.milliseconds(in: headers) ?? 0))
        case .history where kept.hasPassedGate: gate.history.append(message)
        case .history, .deduplication: gate.recovered.append(message)
        }
    }
}

// Messages at the gate, on its shard.
extension ShardState {
    /// A message has come. The gate has the reference.
    func reachGate(_ message: Message, _ queue: UnsafeMutablePointer<QueueState>, _ gate: ExchangeGate) {
        guard let exchange = gate.exchange, let view = try? BasicPropertiesView(validating: message.properties) else {
            gate.recovered.append(message)
            return
        }
        switch gate.settings {
        case .delay:
            let due = message.publishedMilliseconds &+ (Delay.milliseconds(in: view.headerTable) ?? 0)
            gate.delay(message, untilMilliseconds: due)
            if let extras = queue.pointee.extras { arm(queue, extras, due) }
        case .deduplication(let settings): deduplicate(message, view.headerTable, queue, gate, exchange, settings)
        case .history(let length): remember(message, view, queue, gate, exchange, length)
        }
    }

    /// What is due passes.
    func passGate(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, _ gate: ExchangeGate
    ) {
        guard let exchange = gate.exchange else { return }
        let recovered = gate.recovered
        gate.recovered = []
        for message in recovered { reachGate(message, queue, gate) }
        var left = Limit.dropsPerTurn
        while left > 0, let next = gate.delayed.first, next.milliseconds <= now.wallMilliseconds {
            _ = gate.delayed.popFirst()
            passOn(next.message, as: undelayed(next.message), from: exchange, queue)
            left -= 1
        }
        if left == 0 { list(queue) }
        if let next = gate.delayed.first { arm(queue, extras, next.milliseconds) }
    }

    /// Routes the copy, and is done with the original; for the journal both in one.
    ///
    /// - Parameters:
    ///   - exchange: nil for nowhere.
    ///   - isKept: the gate goes on holding the copy.
    private func passOn(
        _ message: Message, as copy: Message, from exchange: ExchangeID?, avoiding avoided: ExchangeID? = nil,
        _ queue: UnsafeMutablePointer<QueueState>, isKept: Bool = false
    ) {
        let address = queue.pointee.address
        var routes = RouteBuffer()
        if let exchange {
            route(
                copy, from: exchange, key: copy.routingKey, queue.pointee.virtualHostIndex, avoiding: avoided,
                into: &routes)
        }
        if copy.hasDied, copy.hasPassedGate { dropCycles(&routes, of: copy, queue) }
        let count = routes.count
        if isKept { routes.append(address) }
        if !journalReplacement(of: message, queue.pointee.holder, by: copy, routes) {
            journalSettlement(message, of: address)
        }
        for target in 0..<count { enqueue(copy, routes[target], from: nil) }
        routes.deallocate()
        if !isKept { release(copy) }
        release(message)
    }

    /// A copy of this shard's, published now.
    ///
    /// - Parameter properties: other ones than the message's.
    private func copy(_ message: Message, properties: BasicProperties? = nil) -> Message {
        let story = MessageStory(
            publishedMilliseconds: now.wallMilliseconds, priority: message.priority, care: message.care)
        let copy =
            if let properties {
                rewrite(
                    message, properties, exchange: ShortString(message.exchange),
                    routingKey: ShortString(message.routingKey), story: story)
            } else {
                copy(message, addressing: message.addressing, properties: message.properties, story)
            }
        if message.hasDied { copy.markDied() }
        if message.hasPassedGate { copy.markPassedGate() }
        return copy
    }

    /// The copy that is delivered: its delay is negative, so that everybody sees that it is over.
    private func undelayed(_ message: Message) -> Message {
        var reader = WireReader(message.properties)
        guard var properties = try? BasicProperties(from: &reader), var headers = properties.headers,
            let delay = Delay.milliseconds(in: headers)
        else { return copy(message) }
        headers[Delay.header] = .int64(-Int64(delay))
        properties.headers = headers
        return copy(message, properties: properties)
    }
}

// Deduplication.
extension ShardState {
    private func deduplicate(
        _ message: Message, _ headers: FieldTable, _ queue: UnsafeMutablePointer<QueueState>, _ gate: ExchangeGate,
        _ exchange: ExchangeID, _ settings: DeduplicationSettings
    ) {
        let time = now.wallMilliseconds
        let copy = copy(message)
        copy.markPassedGate()
        guard let key = DeduplicationHeader.key(in: headers) else {
            return passOn(message, as: copy, from: exchange, queue)
        }
        if gate.cache.contains(key, now: time) {
            // It leads nowhere: to the alternate exchange, if there is one.
            let alternate = virtualHosts[queue.pointee.virtualHostIndex].routing.alternate(of: exchange)
            return passOn(message, as: copy, from: alternate, avoiding: exchange, queue)
        }
        let ttl = DeduplicationHeader.ttlMilliseconds(in: headers) ?? settings.ttlMilliseconds
        // First it passes: after a crash in between it may come twice, but is not lost.
        passOn(message, as: copy, from: exchange, queue)
        let id = settings.isPersistent ? journalHeader(headers, ttl, queue) : 0
        let forgotten = gate.cache.insert(
            key, expiresMilliseconds: ttl.map { time &+ $0 }, journalID: id, now: time)
        let holder = queue.pointee.holder
        for id in forgotten { journal.append { $0.appendSettlement(id: id, holder: holder) } }
    }

    /// A record of a header that was seen: a message without a body, of the gate alone. Returns its name.
    private func journalHeader(
        _ headers: FieldTable, _ ttlMilliseconds: UInt64?, _ queue: UnsafeMutablePointer<QueueState>
    ) -> UInt64 {
        let holder = queue.pointee.holder
        guard journal.isPresent, holder != 0, let value = headers[DeduplicationHeader.header] else { return 0 }
        var properties = BasicProperties()
        properties.headers = FieldTable([FieldTable.Entry(name: DeduplicationHeader.header, value: value)])
        if let ttlMilliseconds { properties.headers?["x-cache-ttl"] = .int64(Int64(clamping: ttlMilliseconds)) }
        var encoded = OutboundBuffer()
        defer { encoded.deallocate() }
        properties.write(to: &encoded)
        let addressing: [UInt8] = [0, 0]
        let record = addressing.withUnsafeBytes { addressing in
            store(
                addressing: addressing, properties: encoded.bytes, bodyByteCount: 0, isPersistent: true,
                story: MessageStory(publishedMilliseconds: now.wallMilliseconds))
        }
        record.markPassedGate()
        journal.latestSequence &+= 1
        let id = MessageID.make(lane: index, sequence: journal.latestSequence)
        record.id = id
        withUnsafePointer(to: holder) { holder in
            journal.append {
                $0.appendMessage(
                    id: id, holders: UnsafeBufferPointer(start: holder, count: 1), content: record.bytes)
            }
        }
        release(record)
        return id
    }
}

// Recent history.
extension ShardState {
    private func remember(
        _ message: Message, _ view: BasicPropertiesView, _ queue: UnsafeMutablePointer<QueueState>,
        _ gate: ExchangeGate, _ exchange: ExchangeID, _ length: Int
    ) {
        let copy = copy(message)
        copy.markPassedGate()
        let isKept =
            !view.headerNames.contains(.noHistory)
            || view.headerTable["x-recent-history-no-store"] != .bool(true)
        passOn(message, as: copy, from: exchange, queue, isKept: isKept)
        guard isKept else { return }
        gate.history.append(copy)
        while gate.history.count > length, let oldest = gate.history.popFirst() {
            journalSettlement(oldest, of: queue.pointee.address)
            release(oldest)
        }
    }

    /// A binding has come. The gate's shard, which may be idle, has to know soon.
    func noteBinding(_ binding: Binding, _ host: Int) {
        guard replaysHistory, let gate = virtualHosts[host].gates[binding.source] else { return }
        if gate.shard == index {
            pendingReplays.append((host, binding))
        } else {
            _ = mailbox(gate.shard)
        }
    }

    /// Who was bound to a recent-history exchange gets what it remembers, the oldest first. Messages pass here alone:
    /// so those before the binding are in the history, and those behind it find the binding.
    func replayHistories() {
        let replays = pendingReplays
        pendingReplays = []
        for (host, binding) in replays {
            guard let address = virtualHosts[host].gates[binding.source],
                let gate = queue(address)?.pointee.extras?.pointee.gate
            else { continue }
            for position in 0..<gate.history.count { replay(gate.history[position], to: binding.destination, host) }
        }
    }

    private func replay(_ message: Message, to destination: BindingDestination, _ host: Int) {
        let copy = copy(message)
        var routes = RouteBuffer()
        switch destination {
        case .queue(let address): routes.append(address)
        case .exchange(let exchange): route(copy, from: exchange, key: copy.routingKey, host, into: &routes)
        }
        _ = journalReplacement(of: message, 0, by: copy, routes)
        for target in 0..<routes.count { enqueue(copy, routes[target], from: nil) }
        routes.deallocate()
        release(copy)
    }
}
