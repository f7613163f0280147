import AMQPWire
import Routing

/// In which virtual host something is declared, and by whom.
struct DeclarationPlace {
    let virtualHost: ShortString
    let virtualHostIndex: Int
    /// nil for an import.
    let connection: ConnectionAddress?
    let user: ShortString?

    init(virtualHost: ShortString, virtualHostIndex: Int) {
        self.virtualHost = virtualHost
        self.virtualHostIndex = virtualHostIndex
        connection = nil
        user = nil
    }

    init(_ connection: UnsafeMutablePointer<ConnectionState>) {
        virtualHost = connection.pointee.virtualHost
        virtualHostIndex = connection.pointee.virtualHostIndex
        self.connection = connection.pointee.address
        user = connection.pointee.user
    }
}

// queue.declare (RabbitMQ: rabbit_channel, rabbit_amqqueue).
extension ShardState {
    enum Declared: Sendable {
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
            statistics.queuesDeclared &+= 1
            statistics.queuesCreated &+= 1
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
        try access(channel).checkAny(resource(declare.queue, channel))
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
        addDefaultType(&declare, virtualHostIndex: channel.pointee.connection.pointee.virtualHostIndex)
        let access = access(channel)
        if declare.queue.isEmpty {
            declare.queue = try serverName(declare.arguments, channel)
            try access.check(.configure, resource(declare.queue, channel))
        } else {
            try access.check(.configure, resource(declare.queue, channel))
            // What exists is compared, not checked: its arguments may be anything.
            if let existing = try findEquivalent(declare, channel) { return existing }
            if declare.queue.hasPrefix("amq.") { throw .reservedName(.queue, declare.queue) }
        }
        let resource = resource(declare.queue, channel)
        try access.checkForwarding(from: resource, to: declare.arguments["x-dead-letter-exchange"])
        let arguments = try QueueArguments(declare.arguments, resource: resource)
        try Self.checkProperties(declare, type: arguments.queueType, resource)
        let connection = channel.pointee.connection
        let declared = try create(declare, arguments, DeclarationPlace(connection))
        if declare.exclusive, case .created(let address, _) = declared {
            connection.pointee.exclusiveQueues.insert(address)
        }
        return declared
    }

    /// A durable queue without a type gets its virtual host's default, or the node's, where that type can be had.
    func addDefaultType(_ declare: inout QueueDeclare, virtualHostIndex host: Int) {
        guard declare.durable, !declare.exclusive, !declare.autoDelete, declare.arguments["x-queue-type"] == nil
        else { return }
        let type = try? controlPlane.withTopology { $0.virtualHosts[host].metadata.defaultQueueType }
        if (type ?? settings.defaultQueueType) == .quorum { declare.arguments["x-queue-type"] = .string("quorum") }
    }

    /// nil when there is no such queue.
    private func findEquivalent(
        _ declare: QueueDeclare, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> Declared? {
        let connection = channel.pointee.connection.pointee.address
        let host = channel.pointee.connection.pointee.virtualHostIndex
        return try controlPlane.withTopology { topology throws(ProtocolError) -> Declared? in
            guard let existing = topology.virtualHosts[host].queues[declare.queue] else { return nil }
            try topology.virtualHosts[host].checkEquivalence(existing, declare, by: connection)
            return .existing(existing.address, isDurable: existing.isDurable)
        }
    }

    /// What quorum queues cannot be (RabbitMQ: `rabbit_queue_type_util`).
    static func checkProperties(
        _ declare: QueueDeclare, type: QueueType, _ resource: ResourceName
    ) throws(ProtocolError) {
        guard type == .quorum else { return }
        if declare.autoDelete { throw .invalidProperty("auto-delete", resource) }
        if declare.exclusive { throw .invalidProperty("exclusive-owner", resource) }
        if !declare.durable { throw .invalidProperty("non-durable", resource) }
    }

    func create(
        _ declare: QueueDeclare, _ arguments: QueueArguments, _ place: DeclarationPlace
    ) throws(ProtocolError) -> Declared {
        let owner = place.connection
        let address = insertQueue(declare, arguments, place)
        let declared = try changeOrDiscard(address) { () throws(ProtocolError) in
            try changeTopology(place.virtualHostIndex, by: place.user) {
                topology, changes throws(ProtocolError) -> Declared in
                // Another connection may have been faster.
                if let existing = topology.queues[declare.queue] {
                    if let owner { try topology.checkEquivalence(existing, declare, by: owner) }
                    return .existing(existing.address, isDurable: existing.isDurable)
                }
                try topology.checkQueueLimit(declare.queue)
                try changes.room?.checkQueue(declare.queue)
                // RabbitMQ: an exclusive queue is never durable, whatever the client says.
                let isDurable = declare.durable && !declare.exclusive
                let number = isDurable ? try changes.takeJournalNumber() : 0
                topology.add(
                    QueueRecord(
                        name: declare.queue, address: address, isDurable: isDurable, isAutoDelete: declare.autoDelete,
                        exclusiveOwner: declare.exclusive ? owner : nil, arguments: declare.arguments,
                        type: arguments.queueType, durability: arguments.durability, journalNumber: number,
                        mayReject: arguments.mayReject),
                    changes: &changes)
                return .created(address, journalNumber: number)
            }
        }
        guard case .created(_, let number) = declared else { return declared }
        if !arguments.fallbacks.isEmpty {
            warn(
                of: arguments.fallbacks,
                ResourceName(kind: .queue, name: declare.queue, virtualHost: place.virtualHost))
        }
        if arguments.durability != .memory, journal.isPresent { queue(address)?.pointee.holder = number }
        if arguments.expiresMilliseconds != nil, let queue = queue(address) { touch(queue) }
        return declared
    }

    /// A quorum queue goes by something else than it was told.
    func warn(of fallbacks: QueueArguments.Fallbacks, _ resource: ResourceName) {
        if fallbacks.contains(.overflow) {
            note(.warning, "\(resource) is a quorum queue: overflow 'reject-publish-dlx' is taken as 'drop-head'")
        }
        if fallbacks.contains(.deadLetterStrategy) {
            note(
                .warning,
                "\(resource): dead-letter strategy 'at-least-once' is taken as 'at-most-once': it needs a dead-letter "
                    + "exchange and overflow 'reject-publish'")
        }
    }

    /// A queue starts on its declarer's shard, and exists before anybody can learn of it.
    private func insertQueue(
        _ declare: QueueDeclare, _ arguments: QueueArguments, _ place: DeclarationPlace
    ) -> QueueAddress {
        let shard = index
        let memory = Unmanaged.passUnretained(indexMemory)
        let (counters, now) = (typeCounters[arguments.queueType], now)
        let (_, _, queue) = queues.insert { slot, generation in
            QueueState(
                address: QueueAddress(shard: shard, slot: slot, generation: generation), name: declare.queue,
                virtualHost: place.virtualHost, virtualHostIndex: place.virtualHostIndex,
                isAutoDelete: declare.autoDelete, arguments: arguments, memory: memory, typeCounters: counters,
                now: now)
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
        if let queue = queue(address) {
            // What it did to the disk stays with its virtual host.
            let host = queue.pointee.virtualHostIndex
            if queue.pointee.isShown, host < virtualHosts.count {
                virtualHosts[host].counters.messages.diskReads &+= queue.pointee.counters.diskReads
                virtualHosts[host].counters.messages.diskWrites &+= queue.pointee.counters.diskWrites
            }
            queue.pointee.deallocate()
        }
        queues.remove(slot: address.slot)
    }

    /// `amq.gen-...`, or RabbitMQ 4's `x-name-prefix`.
    private func serverName(
        _ arguments: FieldTable, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> ShortString {
        if let type = arguments["x-queue-type"]?.text.flatMap(QueueType.init(rawValue:)), type == .quorum {
            throw .serverNamed(type)
        }
        guard let prefix = arguments["x-name-prefix"] else { return random.name(prefix: "amq.gen-") }
        guard let text = prefix.text, text.utf8.count <= Limit.namePrefixByteCount, !text.hasPrefix("amq.") else {
            throw .invalidArgument("x-name-prefix", resource("", channel), reason: "invalid_name_prefix")
        }
        return random.name(prefix: text)
    }
}
