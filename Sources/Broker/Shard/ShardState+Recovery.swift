import AMQPWire
import Journal
import Routing

// What was there before the node started.
extension ShardState {
    /// A durable queue, without its messages.
    ///
    /// - Parameter policy: what policies say of it.
    func recover(
        _ queue: DurableQueue, policy: FieldTable?, virtualHost: ShortString, virtualHostIndex: Int
    ) -> QueueRecord {
        let resource = ResourceName(kind: .queue, name: queue.name, virtualHost: virtualHost)
        // They were checked when the queue was declared.
        let arguments = QueueArguments(effective: queue.arguments, policy: policy, resource: resource)
        let shard = index
        let memory = Unmanaged.passUnretained(indexMemory)
        let (counters, now) = (typeCounters[arguments.queueType], now)
        let (_, _, state) = queues.insert { slot, generation in
            QueueState(
                address: QueueAddress(shard: shard, slot: slot, generation: generation), name: queue.name,
                virtualHost: virtualHost, virtualHostIndex: virtualHostIndex, isAutoDelete: queue.isAutoDelete,
                arguments: arguments, memory: memory, typeCounters: counters, now: now)
        }
        if arguments.durability != .memory { state.pointee.holder = queue.journalNumber }
        state.pointee.consumers.setPaused(queue.isPaused)
        return QueueRecord(
            name: queue.name, address: state.pointee.address, isDurable: true, isAutoDelete: queue.isAutoDelete,
            exclusiveOwner: nil, arguments: queue.arguments, type: arguments.queueType,
            durability: arguments.durability, journalNumber: queue.journalNumber, isPaused: queue.isPaused,
            mayReject: arguments.mayReject)
    }

    /// A message of one of this shard's queues, in the order of the journal.
    ///
    /// - Returns: false when the queue wants to see the message itself: `recoverMessage(_:of:content:...)`.
    package func recoverMessage(
        _ id: UInt64, of address: QueueAddress, byteCount: Int, isRedelivered: Bool, deliveryCount: Int
    ) -> Bool {
        guard let queue = queue(address) else { return true }
        if queue.pointee.recoversContent { return false }
        queue.pointee.recover(
            id, byteCount: byteCount, isRedelivered: isRedelivered, deliveryCount: deliveryCount)
        return true
    }

    /// The same for a queue where it matters what a message is. It does not stay in memory.
    package func recoverMessage(
        _ id: UInt64, of address: QueueAddress, content: UnsafeRawBufferPointer, isRedelivered: Bool,
        deliveryCount: Int
    ) {
        guard let queue = queue(address), let message = Message(recovered: content) else { return }
        if let gate = queue.pointee.extras?.pointee.gate { return recover(id, message, gate) }
        queue.pointee.recover(id, message, isRedelivered: isRedelivered, deliveryCount: deliveryCount)
    }

    /// Everything is there; messages of this run are numbered from here on.
    package func finishRecovery(nextSequence: UInt64) {
        firstSequence = nextSequence
        journal.latestSequence = max(nextSequence, 1) - 1
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot] else { continue }
            queue.pointee.endRecovery()
            touch(queue)
            if queue.pointee.extras != nil { list(queue) }
        }
        replaysHistory = false
        followTopology()
        replaysHistory = true
    }

    /// Before a stop in order, when every connection has ended: which messages were delivered, exactly.
    package func journalDelivered() {
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot], queue.pointee.holder != 0, !queue.pointee.marks.isEmpty else { continue }
            var ids: [UInt64] = []
            func note(_ entry: QueueEntry) {
                guard entry.isRedelivered, !entry.isSpilled else { return }
                let id = entry.isPagedOut ? entry.pagedOutID : entry.message.id
                if id != 0 { ids.append(id) }
            }
            queue.pointee.forEachWaiting(note)
            let holder = queue.pointee.holder
            var rest = ids[...]
            repeat {
                let part = Array(rest.prefix(Limit.deliveredPerRecord))
                rest = rest.dropFirst(part.count)
                journal.append { $0.appendDelivered(holder: holder, ids: part) }
            } while !rest.isEmpty
        }
        journal.demand(.sync)
    }
}

extension ControlPlane {
    /// Makes what was recovered real, its queues spread over the shards. Returns where each queue is, by its number in
    /// the journal, and what this version does not know any more.
    package func recover(
        _ durable: DurableTopology, shards: [ShardState]
    ) -> (queues: [UInt32: QueueAddress], problems: [String]) {
        var places: [UInt32: QueueAddress] = [:]
        var problems: [String] = []
        try? withTopology { topology throws(ProtocolError) in
            topology.log.isRecovering = true
            defer { topology.log.isRecovering = false }
            topology.log.nextJournalNumber = max(topology.log.nextJournalNumber, durable.nextJournalNumber)
            for name in durable.removedVirtualHosts where durable.virtualHosts[name] == nil {
                topology.removeVirtualHost(name)
            }
            topology.recoverUsers(of: durable)
            for (name, host) in durable.virtualHosts.sorted(by: { $0.key < $1.key }) {
                topology.addVirtualHost(name)
                guard let index = topology.virtualHostIndexes[name] else { continue }
                topology.setMetadata(host.metadata, at: index)
                problems += topology.virtualHosts[index].recoverPolicies(of: host, changes: &topology.log)
                for exchange in host.exchanges.values.sorted(by: { $0.name < $1.name }) {
                    let shard = shards[places.count % shards.count]
                    guard topology.virtualHosts[index].recover(exchange, shard, changes: &topology.log) else {
                        problems.append("exchange '\(exchange.name)' has the unknown type '\(exchange.type)'")
                        continue
                    }
                    if let gate = topology.virtualHosts[index].exchanges[exchange.name]?.gate, gate.journalNumber != 0 {
                        places[gate.journalNumber] = gate.address
                    }
                }
                for queue in host.queues.values.sorted(by: { $0.journalNumber < $1.journalNumber }) {
                    let shard = shards[places.count % shards.count]
                    let policy = topology.virtualHosts[index].policy(of: queue)
                    let record = shard.recover(queue, policy: policy, virtualHost: name, virtualHostIndex: index)
                    topology.virtualHosts[index].add(record, changes: &topology.log)
                    places[queue.journalNumber] = record.address
                }
                for binding in host.bindings {
                    topology.virtualHosts[index].recover(binding, changes: &topology.log)
                }
            }
            problems += topology.recoverAccess(of: durable)
            topology.recoverParameters(of: durable)
        }
        return (places, problems)
    }
}

extension VirtualHostTopology {
    fileprivate func policy(of queue: DurableQueue) -> FieldTable? {
        let resource = ResourceName(kind: .queue, name: queue.name, virtualHost: name)
        let type = QueueArguments(effective: queue.arguments, policy: nil, resource: resource).queueType
        return AppliedPolicies(
            policies.best(forQueue: queue.name, type: type), operatorPolicies.best(forQueue: queue.name, type: type)
        ).definition
    }

    /// Before there is anything that they hold for. Returns those that this version does not understand.
    fileprivate mutating func recoverPolicies(
        of host: DurableTopology.VirtualHost, changes: inout TopologyLog
    ) -> [String] {
        var problems: [String] = []
        for (isOperator, policies) in [(false, host.policies), (true, host.operatorPolicies)] {
            for policy in policies.values.sorted(by: { $0.name < $1.name }) {
                do throws(AdministrationError) {
                    set(policy, try NamePattern(policy.pattern), isOperator: isOperator, changes: &changes)
                } catch {
                    problems.append("policy '\(policy.name)': \(error)")
                }
            }
        }
        return problems
    }

    /// Returns false for a type that this broker does not have.
    fileprivate mutating func recover(
        _ exchange: DurableExchange, _ shard: ShardState, changes: inout TopologyLog
    ) -> Bool {
        if exchanges[exchange.name] != nil { return true }
        let resource = ResourceName(kind: .exchange, name: exchange.name, virtualHost: name)
        // The arguments were checked when it was declared.
        guard let type = ExchangeType(exchange.type),
            let behaviour = try? ExchangeBehaviour(type, exchange.arguments, resource)
        else { return false }
        let gate = behaviour.gate.map { settings in
            GatePlace(
                address: shard.insertGate(settings, exchange.name, virtualHost: name, virtualHostIndex: index),
                journalNumber: exchange.journalNumber)
        }
        add(
            ExchangeDeclare(
                exchange: exchange.name, type: exchange.type, durable: true, autoDelete: exchange.isAutoDelete,
                internal: exchange.isInternal, arguments: exchange.arguments),
            behaviour: behaviour, gate: gate, name: exchange.name, creator: exchange.creator, changes: &changes)
        return true
    }

    /// A binding of which an end is gone is gone itself.
    fileprivate mutating func recover(_ binding: DurableBinding, changes: inout TopologyLog) {
        let nobody = ConnectionAddress(slot: .max, generation: 0, shard: 0)
        _ = try? bind(
            from: binding.source,
            to: binding.isToQueue ? .queue(binding.destination) : .exchange(binding.destination),
            routingKey: binding.routingKey, arguments: binding.arguments, by: nobody, .everything, changes: &changes)
    }
}
