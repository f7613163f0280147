import AMQPWire
import Routing

// What definitions describe, made without a connection and without asking for permissions. What is there stays as it is
// (RabbitMQ: `rabbit_definitions`).
extension ShardState {
    /// The queue is this shard's if it is new.
    package func add(_ queue: QueueDefinition) throws(ProtocolError) -> ImportOutcome {
        var declare = queue.declare
        declare.queue = declare.queue.withoutLineBreaks
        let place = try place(in: queue.virtualHost)
        addDefaultType(&declare, virtualHostIndex: place.virtualHostIndex)
        if let outcome = try existing(declare, place) { return outcome }
        if declare.queue.hasPrefix("amq.") { throw .reservedName(.queue, declare.queue) }
        let resource = ResourceName(kind: .queue, name: declare.queue, virtualHost: queue.virtualHost)
        let arguments = try QueueArguments(declare.arguments, resource: resource)
        try Self.checkProperties(declare, type: arguments.queueType, resource)
        switch try create(declare, arguments, place) {
        case .created: return .created
        case .existing: return try existing(declare, place) ?? .differs
        }
    }

    package func add(_ exchange: ExchangeDefinition) throws(ProtocolError) -> ImportOutcome {
        let place = try place(in: exchange.virtualHost)
        let declare = exchange.declare
        let outcome = try controlPlane.withTopology { topology throws(ProtocolError) -> ImportOutcome? in
            let host = topology.virtualHosts[place.virtualHostIndex]
            guard let existing = host.exchanges[declare.exchange.withoutLineBreaks] else { return nil }
            return (try? host.checkEquivalence(existing, declare)) == nil ? .differs : .existed
        }
        if let outcome { return outcome }
        _ = try self.declare(declare, place, by: .everything)
        return .created
    }

    package func add(_ binding: BindingDefinition) throws(ProtocolError) -> ImportOutcome {
        let place = try place(in: binding.virtualHost)
        let nobody = ConnectionAddress(slot: .max, generation: 0, shard: 0)
        return try changeTopology(place.virtualHostIndex) {
            topology, changes throws(ProtocolError) -> ImportOutcome in
            let before = changes.version
            _ = try topology.bind(
                from: binding.source,
                to: binding.isToQueue ? .queue(binding.destination) : .exchange(binding.destination),
                routingKey: binding.routingKey, arguments: binding.arguments, by: nobody, .everything,
                changes: &changes)
            return changes.version == before ? .existed : .created
        }
    }

    private func place(in virtualHost: ShortString) throws(ProtocolError) -> DeclarationPlace {
        let index = try controlPlane.withTopology { $0.virtualHostIndexes[virtualHost] }
        guard let index else { throw .noVirtualHost(virtualHost) }
        // What is new there is then also new to this shard.
        followTopology()
        return DeclarationPlace(virtualHost: virtualHost, virtualHostIndex: index)
    }

    private func existing(
        _ declare: QueueDeclare, _ place: DeclarationPlace
    ) throws(ProtocolError) -> ImportOutcome? {
        let nobody = ConnectionAddress(slot: .max, generation: 0, shard: 0)
        return try controlPlane.withTopology { topology throws(ProtocolError) -> ImportOutcome? in
            let host = topology.virtualHosts[place.virtualHostIndex]
            guard let existing = host.queues[declare.queue] else { return nil }
            return (try? host.checkEquivalence(existing, declare, by: nobody)) == nil ? .differs : .existed
        }
    }
}
