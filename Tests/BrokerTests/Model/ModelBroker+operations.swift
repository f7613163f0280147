import AMQPWire

// What clients do.
extension ModelBroker {
    mutating func perform(
        _ operation: ModelOperation, by client: Int, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        begin(trial)
        mayWaitForJournal = operation.hasSeveralEvents
        if operation.hasSeveralEvents { isEager = trial.choose(2) == 1 }
        switch operation {
        case .declare(let name, let arguments, let isDurable, let isAutoDelete):
            declare(name, arguments, isDurable: isDurable, isAutoDelete: isAutoDelete, client)
        case .delete(let name):
            reply(QueueDeleteOk(messageCount: UInt32(queues[name]?.entries.count ?? 0)), client)
            delete(name)
        case .purge(let name):
            reply(QueuePurgeOk(messageCount: UInt32(queues[name]?.entries.count ?? 0)), client)
            queues[name]?.entries = []
        case .bind(let binding):
            bindings.insert(binding)
            reply(QueueBindOk(), client)
        case .unbind(let binding):
            bindings.remove(binding)
            reply(QueueUnbindOk(), client)
        case .publish(let all): for one in all { try publish(one, client, trial) }
        case .get(let name, let noAck): try get(name, noAck: noAck, client, trial)
        case .qos(let count):
            clients[client]?.prefetchCount = count
            reply(BasicQosOk(), client)
        case .consume(let name, let consumer):
            reply(BasicConsumeOk(consumerTag: ShortString(truncating: consumer.tag)), client)
            queues[name]?.add(consumer)
            giveWay(name)
            try plan(.look(name), trial)
        case .cancel(let tag):
            reply(BasicCancelOk(consumerTag: ShortString(truncating: tag)), client)
            try cancel(tag, trial)
        case .ack(let tag, let multiple): try settle(client, tag, multiple, .acked, trial)
        case .nack(let tag, let multiple, let requeue):
            try settle(client, tag, multiple, requeue ? .requeued : .rejected, trial)
        case .reject(let tag, let requeue): try settle(client, tag, false, requeue ? .failed : .rejected, trial)
        case .recover:
            reply(BasicRecoverOk(), client)
            try settle(client, 0, true, .requeued, trial)
        case .confirmSelect:
            clients[client]?.isConfirming = true
            reply(ConfirmSelectOk(), client)
        case .closeChannel:
            reply(ChannelCloseOk(), client)
            reply(ChannelOpenOk(), client)
            try endChannel(client, trial)
        case .disconnect: try endChannel(client, trial)
        case .policy(let name, let policy): set(policy, for: name)
        case .pause(let name, let isPaused):
            queues[name]?.isPaused = isPaused
            lookLater(name)
        case .advance(let time): try advance(to: time, trial)
        case .restart(let isInOrder, let milliseconds):
            try restart(isInOrder: isInOrder, afterMilliseconds: milliseconds, trial)
        }
        try end(trial)
    }

    private mutating func reply(_ method: some WireMethod, _ client: Int) {
        replies[client, default: []].append(readable(method))
    }

    // MARK: Queues

    private mutating func declare(
        _ name: String, _ arguments: ModelArguments, isDurable: Bool, isAutoDelete: Bool, _ client: Int
    ) {
        if queues[name] == nil {
            latestSerial += 1
            queues[name] = ModelQueue(
                name: name, serial: latestSerial, isDurable: isDurable, isAutoDelete: isAutoDelete,
                declared: arguments, arguments: arguments.merged(policies[name]), lastUsedMilliseconds: milliseconds)
        }
        queues[name]?.lastUsedMilliseconds = milliseconds
        guard let queue = queues[name] else { return }
        reply(
            QueueDeclareOk(
                queue: ShortString(truncating: name), messageCount: UInt32(queue.entries.count),
                consumerCount: UInt32(queue.consumers.count)), client)
    }

    /// It holds at once. RabbitMQ begins the unused time of the queue again.
    private mutating func set(_ policy: ModelArguments?, for name: String) {
        guard policies[name] != policy else { return }
        policies[name] = policy
        guard let queue = queues[name] else { return }
        queues[name]?.arguments = queue.declared.merged(policy)
        queues[name]?.lastUsedMilliseconds = milliseconds
        lookLater(name)
    }

    mutating func delete(_ name: String) {
        guard let queue = queues.removeValue(forKey: name) else { return }
        bindings = bindings.filter { $0.queue != name }
        for consumer in queue.consumers { cancelled[consumer.client, default: []].insert(consumer.tag) }
    }

    private mutating func advance(to time: UInt64, _ trial: ModelTrial) throws(ModelMismatch) {
        milliseconds = time
        for queue in queues.values.sorted(by: { $0.name < $1.name }) where queue.nextMilliseconds ?? .max <= time {
            try plan(queue.isUnused(at: time) ? .delete(queue.name) : .look(queue.name), trial)
        }
    }

    // MARK: Consumers

    private mutating func get(
        _ name: String, noAck: Bool, _ client: Int, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        queues[name]?.lastUsedMilliseconds = milliseconds
        guard queues[name]?.isPaused != true, let first = queues[name]?.entries.first else {
            return reply(BasicGetEmpty(), client)
        }
        queues[name]?.entries.removeFirst()
        lookLater(name)
        try hand(first, name, nil, to: client, noAck: noAck, trial)
    }

    private mutating func cancel(_ tag: String, _ trial: ModelTrial) throws(ModelMismatch) {
        guard let queue = queues.values.first(where: { $0.consumers.contains { $0.tag == tag } }) else { return }
        queues[queue.name]?.remove(tag)
        queues[queue.name]?.lastUsedMilliseconds = milliseconds
        if queue.isAutoDelete, queue.consumers.count == 1 { return delete(queue.name) }
        try plan(.look(queue.name), trial)
    }

    /// The active consumer of a quorum queue makes room when it holds nothing.
    private mutating func giveWay(_ name: String) {
        guard let queue = queues[name], queue.isActiveQuiescing,
            let active = queue.consumers.first(where: { $0.tag == queue.active }), unackedCount(active) == 0
        else { return }
        queues[name]?.active = nil
        queues[name]?.activateNext()
    }

    // MARK: Settling

    enum Outcome { case acked, requeued, failed, rejected }

    private mutating func settle(
        _ client: Int, _ tag: UInt64, _ isMultiple: Bool, _ outcome: Outcome, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        let all = clients[client]?.unacked ?? []
        try settle(all.filter { isMultiple ? tag == 0 || $0.tag <= tag : $0.tag == tag }, client, outcome, trial)
    }

    /// In the order of the tags, but the queues of one shard may be told before those of another.
    private mutating func settle(
        _ chosen: [ModelUnacked], _ client: Int, _ outcome: Outcome, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        var byShard = Dictionary(grouping: chosen) { trial.observed.shards[$0.queue] ?? -1 }
        if byShard.count > 1, outcome != .acked {
            // Or all of them are told in the order of the tags.
            if trial.choose(2) == 1 { byShard = [0: chosen] }
        }
        while !byShard.isEmpty {
            let shards = byShard.keys.sorted()
            let next = shards[outcome == .acked ? 0 : trial.choose(shards.count)]
            for unacked in byShard.removeValue(forKey: next) ?? [] {
                clients[client]?.unacked.removeAll { $0.tag == unacked.tag }
                try settle(unacked, outcome, trial)
            }
        }
    }

    private mutating func settle(
        _ unacked: ModelUnacked, _ outcome: Outcome, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        let name = unacked.queue
        guard let queue = queues[name], queue.serial == unacked.queueSerial else { return }
        giveWay(name)
        switch outcome {
        case .acked: try plan(.look(name), trial)
        case .rejected:
            try deadLetter(unacked.entry.message, name, "rejected", trial)
            try plan(.look(name), trial)
        case .requeued, .failed:
            var entry = unacked.entry
            entry.isRedelivered = true
            if queue.arguments.isQuorum {
                if outcome == .failed { entry.failedDeliveries += 1 } else { entry.returns += 1 }
            } else if queue.arguments.effectiveLimit != nil {
                entry.failedDeliveries += 1
            }
            if let limit = queue.arguments.effectiveLimit, entry.failedDeliveries > limit {
                try deadLetter(entry.message, name, "delivery_limit", trial)
            } else {
                queues[name]?.insert(entry)
            }
            // All that comes back in one go is there before anything is delivered again.
            lookLater(name)
        }
    }

    /// Its consumers go, then what it has comes back.
    private mutating func endChannel(_ client: Int, _ trial: ModelTrial) throws(ModelMismatch) {
        let tags = queues.values.flatMap(\.consumers).filter { $0.client == client }.map(\.tag)
        for tag in tags.sorted() {
            guard let queue = queues.values.first(where: { $0.consumers.contains { $0.tag == tag } }) else { continue }
            queues[queue.name]?.remove(tag)
            queues[queue.name]?.lastUsedMilliseconds = milliseconds
            if queue.isAutoDelete, queue.consumers.count == 1 { delete(queue.name) }
        }
        let unacked = clients[client]?.unacked ?? []
        clients[client] = ModelClient()
        try settle(unacked, client, .failed, trial)
        for name in queues.keys { lookLater(name) }
    }

    // MARK: Restarts

    /// Durable queues come back with their persistent messages, quorum queues with all.
    private mutating func restart(
        isInOrder: Bool, afterMilliseconds passed: UInt64, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        let held = clients.values.flatMap(\.unacked)
        milliseconds += passed
        for queue in queues.values {
            guard queue.isDurable else {
                queues[queue.name] = nil
                bindings = bindings.filter { $0.queue != queue.name }
                continue
            }
            var back = queue
            back.consumers = []
            back.active = nil
            back.isActiveQuiescing = false
            back.lastUsedMilliseconds = milliseconds
            back.entries = []
            let delivered = held.filter { $0.queueSerial == queue.serial }.map { unacked in
                var entry = unacked.entry
                entry.isRedelivered = true
                return entry
            }
            for var entry in queue.entries + delivered where entry.message.isStored {
                entry.isAway = true
                // Only failures are kept in the journal.
                entry.returns = 0
                if !isInOrder, entry.isRedelivered == false { entry.isRedelivered = nil }
                back.insert(entry)
            }
            queues[queue.name] = back
        }
        for client in clients.keys { clients[client] = ModelClient() }
        for name in queues.keys { lookLater(name) }
    }
}
