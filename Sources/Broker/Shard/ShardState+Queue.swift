import AMQPWire
import Routing

// queue.declare, bind, unbind, purge, delete (AMQP 0-9-1 class queue; RabbitMQ: rabbit_channel).
extension ShardState {
    func receiveQueueMethod(_ channel: UnsafeMutablePointer<ChannelState>, _ method: Method) throws(ProtocolError) {
        switch method {
        case .queueDeclare(let declare): try self.declare(declare, channel)
        case .queueBind(let bind): try self.bind(bind, channel)
        case .queueUnbind(let unbind): try self.unbind(unbind, channel)
        case .queuePurge(let purge):
            let queue = try accessibleQueue(purge.queue, channel)
            request(
                .purge, of: queue.address, channel, pending: .purge(queue: queue.name, noWait: purge.noWait))
        case .queueDelete(let delete): try self.delete(delete, channel)
        default: throw Self.unexpected(method)
        }
    }

    /// The queue that a method names: an empty name is the last one declared on the channel.
    func expand(
        _ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> ShortString {
        if !name.isEmpty { return name }
        guard let last = channel.pointee.lastQueueName else { throw .noLastQueue }
        return last
    }

    /// The record of a queue that exists and that this connection may use.
    func accessibleQueue(
        _ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> QueueRecord {
        let name = try expand(name, channel)
        let connection = channel.pointee.connection.pointee.address
        let host = channel.pointee.connection.pointee.virtualHostIndex
        return try controlPlane.withTopology { topology throws(ProtocolError) in
            let queue = try topology.virtualHosts[host].queue(name)
            try topology.virtualHosts[host].checkAccess(queue, by: connection)
            return queue
        }
    }

    func resource(_ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>) -> ResourceName {
        ResourceName(kind: .queue, name: name, virtualHost: channel.pointee.connection.pointee.virtualHost)
    }

    private func bind(_ bind: QueueBind, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let name = try expand(bind.queue, channel)
        let routingKey = bind.queue.isEmpty && bind.routingKey.isEmpty ? name : bind.routingKey
        let connection = channel.pointee.connection.pointee.address
        let isDurable = try changeTopology(channel.pointee.connection.pointee.virtualHostIndex) {
            topology, changes throws(ProtocolError) in
            try topology.bind(
                from: bind.exchange, to: .queue(name), routingKey: routingKey, arguments: bind.arguments,
                by: connection,
                changes: &changes)
        }
        if !bind.noWait { write(QueueBindOk(), channel, isDurable: isDurable) }
    }

    private func unbind(_ unbind: QueueUnbind, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let name = try expand(unbind.queue, channel)
        let routingKey = unbind.queue.isEmpty && unbind.routingKey.isEmpty ? name : unbind.routingKey
        let connection = channel.pointee.connection.pointee.address
        let isDurable = try changeTopology(channel.pointee.connection.pointee.virtualHostIndex) {
            topology, changes throws(ProtocolError) in
            try topology.unbind(
                from: unbind.exchange, to: .queue(name), routingKey: routingKey, arguments: unbind.arguments,
                by: connection, changes: &changes)
        }
        write(QueueUnbindOk(), channel, isDurable: isDurable)
    }

    private func delete(_ delete: QueueDelete, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let record: QueueRecord
        do throws(ProtocolError) {
            record = try accessibleQueue(delete.queue.withoutLineBreaks, channel)
        } catch {
            // Deleting what is not there succeeds (RabbitMQ since 3.2), unless no name was ever given.
            guard error.code == .notFound, error != .noLastQueue else { throw error }
            if !delete.noWait { writeStable(QueueDeleteOk(messageCount: 0), channel) }
            return
        }
        request(
            .delete(ifUnused: delete.ifUnused, ifEmpty: delete.ifEmpty), of: record.address, channel,
            pending: .delete(noWait: delete.noWait))
    }
}

// queue.declare.
extension ShardState {
    private enum Declared: Sendable {
        case created(QueueAddress, journalNumber: UInt32)
        case existing(QueueAddress, isDurable: Bool)
    }

    /// Also the second try, when the queue was deleted between the look-up and its owner's answer.
    ///
    /// - Parameter isProbed: the connection that locks the queue is known to live.
    func declare(
        _ declare: QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>, isProbed: Bool = false
    ) throws(ProtocolError) {
        var declare = declare
        declare.queue = declare.queue.withoutLineBreaks
        let declared: Declared
        do throws(ProtocolError) {
            declared = try declare.passive ? findDeclared(declare, channel) : findOrCreate(&declare, channel)
        } catch {
            if error.code == .resourceLocked, !isProbed, probeHolder(declare, channel) { return }
            throw error
        }
        channel.pointee.lastQueueName = declare.queue
        switch declared {
        case .created(_, let number):
            if declare.noWait { return }
            let answer = QueueDeclareOk(queue: declare.queue)
            write(answer, channel, isDurable: number != 0)
        case .existing(let address, let isDurable):
            request(.counts, of: address, channel, pending: .declare(declare, isDurable: isDurable))
        }
    }

    private func findDeclared(
        _ declare: QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Declared {
        let connection = channel.pointee.connection.pointee.address
        let host = channel.pointee.connection.pointee.virtualHostIndex
        return try controlPlane.withTopology { topology throws(ProtocolError) in
            let queue = try topology.virtualHosts[host].queue(declare.queue)
            try topology.virtualHosts[host].checkAccess(queue, by: connection)
            return .existing(queue.address, isDurable: queue.isDurable)
        }
    }

    private func findOrCreate(
        _ declare: inout QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Declared {
        if declare.queue.isEmpty {
            declare.queue = try serverName(declare.arguments, channel)
        } else if declare.queue.hasPrefix("amq.") {
            // The prefix is reserved for creation only: what exists may be declared again.
            guard declaredExists(declare.queue, channel) else { throw .reservedName(.queue, declare.queue) }
        }
        let arguments = try QueueArguments(declare.arguments, resource: resource(declare.queue, channel))
        let connection = channel.pointee.connection
        let owner = declare.exclusive ? connection.pointee.address : nil
        let host = connection.pointee.virtualHostIndex
        let wanted = declare
        let address = insertQueue(wanted, arguments, connection)
        let declared = try changeOrDiscard(address) { () throws(ProtocolError) in
            try changeTopology(host) { topology, changes throws(ProtocolError) -> Declared in
                // RabbitMQ: an exclusive queue is never durable, whatever the client says.
                let isDurable = wanted.durable && !wanted.exclusive
                if let existing = topology.queues[wanted.queue] {
                    try topology.checkEquivalence(
                        existing, durable: isDurable, autoDelete: wanted.autoDelete, exclusiveOwner: owner,
                        arguments: wanted.arguments)
                    return .existing(existing.address, isDurable: existing.isDurable)
                }
                let number = isDurable ? try changes.takeJournalNumber() : 0
                topology.add(
                    QueueRecord(
                        name: wanted.queue, address: address, isDurable: isDurable, isAutoDelete: wanted.autoDelete,
                        exclusiveOwner: owner, arguments: wanted.arguments, type: arguments.queueType,
                        durability: arguments.durability, journalNumber: number, mayReject: arguments.mayReject),
                    changes: &changes)
                return .created(address, journalNumber: number)
            }
        }
        if case .created(_, let number) = declared, arguments.durability != .memory, journal.isPresent {
            queue(address)?.pointee.holder = number
        }
        if case .created = declared, declare.exclusive { connection.pointee.exclusiveQueues.insert(address) }
        return declared
    }

    /// A queue starts on its declarer's shard, and exists before anybody can learn of it.
    private func insertQueue(
        _ declare: QueueDeclare, _ arguments: QueueArguments, _ connection: UnsafeMutablePointer<ConnectionState>
    ) -> QueueAddress {
        let shard = index
        let memory = Unmanaged.passUnretained(indexMemory)
        let (_, _, queue) = queues.insert { slot, generation in
            QueueState(
                address: QueueAddress(shard: shard, slot: slot, generation: generation), name: declare.queue,
                virtualHost: connection.pointee.virtualHost,
                virtualHostIndex: connection.pointee.virtualHostIndex, isAutoDelete: declare.autoDelete,
                arguments: arguments, memory: memory)
        }
        return queue.pointee.address
    }

    /// Takes the new queue back where it turned out not to be wanted.
    private func changeOrDiscard(
        _ address: QueueAddress, _ body: () throws(ProtocolError) -> Declared
    ) throws(ProtocolError) -> Declared {
        do throws(ProtocolError) {
            let declared = try body()
            if case .existing = declared { removeQueueState(address) }
            return declared
        } catch {
            removeQueueState(address)
            throw error
        }
    }

    func removeQueueState(_ address: QueueAddress) {
        queue(address)?.pointee.deallocate()
        queues.remove(slot: address.slot)
    }

    private func declaredExists(_ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let found = try? controlPlane.withTopology { $0.virtualHosts[host].queues[name] != nil }
        return found ?? false
    }

    /// `amq.gen-...`, or RabbitMQ 4's `x-name-prefix`.
    private func serverName(
        _ arguments: FieldTable, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> ShortString {
        guard let prefix = arguments["x-name-prefix"] else { return random.name(prefix: "amq.gen-") }
        guard let text = prefix.text, text.utf8.count <= Limit.namePrefixByteCount, !text.hasPrefix("amq.") else {
            throw .invalidArgument("x-name-prefix", resource("", channel), reason: "invalid_name_prefix")
        }
        return random.name(prefix: text)
    }
}
