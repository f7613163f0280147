import AMQPWire
import Routing

/// The exchanges, queues and bindings of one virtual host: the authority that every shard's routing table follows.
///
/// Each change is checked here, under the control plane's lock, and noted as `TopologyChange`s. Texts and order of the
/// checks are RabbitMQ's (`rabbit_channel`, `rabbit_exchange`, `rabbit_binding`).
struct VirtualHostTopology {
    let name: ShortString
    let index: Int
    var metadata = VirtualHostMetadata()
    /// Nothing is here any more, and nothing comes.
    private(set) var isRemoved = false
    /// Over all shards.
    var connectionCount = 0
    var policies = PolicyTable()
    var operatorPolicies = PolicyTable()

    var exchanges: [ShortString: ExchangeRecord] = [:]
    var queues: [ShortString: QueueRecord] = [:]
    /// Where replies go (`amq.rabbitmq.reply-to`): known to routing, but queues to nobody.
    var replyQueues: [ShortString: QueueAddress] = [:]
    private var exchangeNames: [ExchangeID: ShortString] = [:]
    private var queueNames: [QueueAddress: ShortString] = [:]
    private var bindingsBySource: [ExchangeID: Set<Binding>] = [:]
    private var bindingsByDestination: [BindingDestination: Set<Binding>] = [:]
    private var freeExchangeIDs: [UInt32] = []
    private var nextExchangeID: UInt32 = 1
    /// `amq.rabbitmq.event`, where it is in this virtual host.
    private var eventExchange: ExchangeID?

    init(name: ShortString, index: Int, hasEventExchange: Bool, changes: inout TopologyLog) {
        self.name = name
        self.index = index
        changes.append(.virtualHostAdded(index: index))
        exchanges[""] = ExchangeRecord(
            id: .default, name: "", type: "direct", behaviour: ExchangeBehaviour(.direct), isDurable: true,
            isAutoDelete: false, isInternal: false, arguments: FieldTable(), creator: changes.actingUser)
        exchangeNames[.default] = ""
        if let exchange = exchanges[""] { changes.announce(.exchangeCreated(exchange, name)) }
        var predeclared: [(ShortString, ShortString, Bool)] = [
            ("amq.direct", "direct", false), ("amq.fanout", "fanout", false), ("amq.topic", "topic", false),
            ("amq.headers", "headers", false), ("amq.match", "headers", false), ("amq.rabbitmq.trace", "topic", true),
        ]
        if hasEventExchange { predeclared.append((BrokerEvent.exchange, "topic", true)) }
        for (name, type, isInternal) in predeclared {
            guard let type = ExchangeType(type) else { continue }
            add(
                ExchangeDeclare(
                    exchange: name, type: ShortString(truncating: type.rawValue), durable: true, internal: isInternal),
                behaviour: ExchangeBehaviour(type), name: name, changes: &changes)
        }
        if hasEventExchange { eventExchange = exchanges[BrokerEvent.exchange]?.id }
    }

    func resource(_ kind: ResourceName.Kind, _ name: ShortString) -> ResourceName {
        ResourceName(kind: kind, name: name, virtualHost: self.name)
    }

    func exchange(_ name: ShortString) throws(ProtocolError) -> ExchangeRecord {
        guard let exchange = exchanges[name] else { throw .notFound(resource(.exchange, name)) }
        return exchange
    }

    func queue(_ name: ShortString) throws(ProtocolError) -> QueueRecord {
        guard let queue = queues[name] else { throw .notFound(resource(.queue, name)) }
        return queue
    }

    func queueName(at address: QueueAddress) -> ShortString? { queueNames[address] }
    func exchangeName(of id: ExchangeID) -> ShortString? { exchangeNames[id] }

    /// The exchanges that something is bound to.
    var bindingSources: [ShortString] { bindingsBySource.keys.compactMap { exchangeNames[$0] } }

    func bindings(from source: ShortString) -> Set<Binding> {
        exchanges[source].flatMap { bindingsBySource[$0.id] } ?? []
    }

    func checkAccess(_ queue: QueueRecord, by connection: ConnectionAddress) throws(ProtocolError) {
        if let owner = queue.exclusiveOwner, owner != connection { throw .locked(resource(.queue, queue.name)) }
    }
}

// MARK: - Exchanges

extension VirtualHostTopology {
    /// Returns whether the exchange is one that the journal keeps: as do `deleteExchange`, `bind`, `unbind` and
    /// `removeQueue` of what they are about. What is not there any more may have been.
    ///
    /// - Parameter gate: where the gate of a new exchange is, if it is to have one.
    mutating func declare(
        _ declare: ExchangeDeclare, gate: QueueAddress? = nil, by access: Access, changes: inout TopologyLog
    ) throws(ProtocolError) -> Bool {
        let name = declare.exchange.withoutLineBreaks
        if declare.passive {
            if name.isEmpty { throw .defaultExchange }
            try access.checkAny(resource(.exchange, name))
            return try exchange(name).isJournaled
        }
        if isRemoved { throw .virtualHostDeleted(self.name) }
        guard let type = ExchangeType(declare.type) else { throw .unknownExchangeType(declare.type) }
        if name.isEmpty { throw .defaultExchange }
        try access.check(.configure, resource(.exchange, name))
        if let existing = exchanges[name] {
            try checkEquivalence(existing, declare)
            return existing.isJournaled
        }
        if name.hasPrefix("amq.") { throw .reservedName(.exchange, name) }
        if let alternate = declare.arguments["alternate-exchange"], alternate.text == nil {
            throw .invalidArgumentType(
                "alternate-exchange", resource(.exchange, name), type: alternate.typeName)
        }
        try access.checkForwarding(
            from: resource(.exchange, name), to: declare.arguments["alternate-exchange"])
        let behaviour = try ExchangeBehaviour(type, declare.arguments, resource(.exchange, name))
        try changes.room?.checkExchange(resource(.exchange, name))
        var place: GatePlace?
        if let gate {
            place = GatePlace(address: gate, journalNumber: declare.durable ? try changes.takeJournalNumber() : 0)
        }
        add(declare, behaviour: behaviour, gate: place, name: name, changes: &changes)
        return declare.durable
    }

    /// - Parameter creator: nil for who makes the changes.
    mutating func add(
        _ declare: ExchangeDeclare, behaviour: ExchangeBehaviour, gate: GatePlace? = nil, name: ShortString,
        creator: ShortString? = nil, changes: inout TopologyLog
    ) {
        let id = freeExchangeIDs.popLast() ?? nextExchangeID
        if id == nextExchangeID { nextExchangeID += 1 }
        let record = ExchangeRecord(
            id: ExchangeID(value: id), name: name, type: declare.type, behaviour: behaviour,
            isDurable: declare.durable, isAutoDelete: declare.autoDelete, isInternal: declare.internal,
            arguments: declare.arguments, creator: creator ?? changes.actingUser, gate: gate)
        exchanges[name] = record
        exchangeNames[record.id] = name
        defer { refreshPolicies(ofExchange: name, changes: &changes) }
        changes.append(
            .exchangeAdded(
                virtualHost: index, id: record.id, name: name, behaviour: behaviour, isInternal: declare.internal,
                gate: gate))
        if let alternate = record.declaredAlternate {
            changes.append(.alternateChanged(virtualHost: index, id: record.id, alternate: alternate))
        }
        if record.isJournaled {
            changes.journal(.exchangeDeclared(virtualHost: self.name, record.durable))
        }
        changes.announce(.exchangeCreated(record, self.name))
    }

    /// Idempotent, as RabbitMQ's.
    mutating func deleteExchange(
        _ wanted: ShortString, ifUnused: Bool, by access: Access, changes: inout TopologyLog
    ) throws(ProtocolError) -> Bool {
        let name = wanted.withoutLineBreaks
        if name.isEmpty { throw .defaultExchange }
        if name.hasPrefix("amq.") { throw .systemExchange(resource(.exchange, name)) }
        try access.check(.configure, resource(.exchange, name))
        guard let exchange = exchanges[name] else { return true }
        if ifUnused, bindingsBySource[exchange.id]?.isEmpty == false { throw .inUse(resource(.exchange, name)) }
        let before = changes.position
        remove(exchange, changes: &changes)
        // Another exchange may have gone with it.
        return exchange.isDurable || changes.position != before
    }

    private mutating func remove(_ exchange: ExchangeRecord, changes: inout TopologyLog) {
        for binding in bindingsBySource[exchange.id] ?? [] { forget(binding, changes: &changes) }
        let towards = bindingsByDestination[.exchange(exchange.id)] ?? []
        for binding in towards { forget(binding, changes: &changes) }
        changes.announce(.exchangeDeleted(exchange.name, name))
        exchanges[exchange.name] = nil
        exchangeNames[exchange.id] = nil
        bindingsBySource[exchange.id] = nil
        bindingsByDestination[.exchange(exchange.id)] = nil
        freeExchangeIDs.append(exchange.id.value)
        changes.append(.exchangeRemoved(virtualHost: index, id: exchange.id))
        if exchange.isDurable { changes.journal(.exchangeDeleted(virtualHost: name, name: exchange.name)) }
        if let gate = exchange.gate { changes.journalRemoval(ofHolder: gate.journalNumber) }
        for source in Set(towards.map(\.source)) { removeIfAutoDelete(source, changes: &changes) }
    }

    /// An auto-delete exchange goes with the last binding that it is the source of.
    private mutating func removeIfAutoDelete(_ id: ExchangeID, changes: inout TopologyLog) {
        guard bindingsBySource[id]?.isEmpty != false, let name = exchangeNames[id], let exchange = exchanges[name],
            exchange.isAutoDelete
        else { return }
        remove(exchange, changes: &changes)
    }
}

// MARK: - Bindings

extension VirtualHostTopology {
    enum Destination {
        case queue(ShortString)
        case exchange(ShortString)
    }

    /// The names without line breaks, as RabbitMQ takes them.
    private func binding(
        from source: ShortString, to destination: Destination, routingKey: ShortString, arguments: FieldTable,
        by connection: ConnectionAddress, _ access: Access
    ) throws(ProtocolError) -> Binding {
        let source = source.withoutLineBreaks
        switch destination {
        case .queue(let name): try access.check(.write, resource(.queue, name.withoutLineBreaks))
        case .exchange(let name):
            try access.check(.write, resource(.exchange, name.withoutLineBreaks))
            if name.withoutLineBreaks.isEmpty { throw .defaultExchange }
        }
        if source.isEmpty { throw .defaultExchange }
        try access.check(.read, resource(.exchange, source))
        let exchange = try exchange(source)
        if exchange.isTopic {
            try access.checkTopic(.read, resource(.exchange, source), key: routingKey)
        }
        let target: BindingDestination
        switch destination {
        case .exchange(let name): target = .exchange(try self.exchange(name.withoutLineBreaks).id)
        case .queue(let name):
            let queue = try queue(name.withoutLineBreaks)
            try checkAccess(queue, by: connection)
            target = .queue(queue.address)
        }
        return Binding(source: exchange.id, destination: target, routingKey: routingKey, arguments: arguments)
    }

    mutating func bind(
        from source: ShortString, to destination: Destination, routingKey: ShortString, arguments: FieldTable,
        by connection: ConnectionAddress, _ access: Access, changes: inout TopologyLog
    ) throws(ProtocolError) -> Bool {
        let binding = try binding(
            from: source, to: destination, routingKey: routingKey, arguments: arguments, by: connection, access)
        var queue: QueueRecord?
        if case .queue(let address) = binding.destination { queue = queueNames[address].flatMap { queues[$0] } }
        try exchange(source.withoutLineBreaks).behaviour.checkBinding(
            routingKey: routingKey, arguments: arguments, queue: queue)
        // No set would find it again.
        if arguments.holdsNotANumber { throw .notANumber }
        let durable = durable(binding)
        guard bindingsBySource[binding.source, default: []].insert(binding).inserted else { return durable != nil }
        bindingsByDestination[binding.destination, default: []].insert(binding)
        changes.append(.bound(virtualHost: index, binding))
        if binding.source == eventExchange { changes.listeningHost = index }
        if let named = snapshot(binding) { changes.announce(.bindingCreated(named)) }
        if let durable { changes.journal(.bound(virtualHost: name, durable)) }
        return durable != nil
    }

    /// By names, if both ends are durable.
    private func durable(_ binding: Binding) -> DurableBinding? {
        guard let name = exchangeNames[binding.source], let source = exchanges[name], source.isDurable else {
            return nil
        }
        switch binding.destination {
        case .queue(let address):
            guard let queue = queueNames[address].flatMap({ queues[$0] }), queue.isDurable else { return nil }
            return DurableBinding(
                source: source.name, destination: queue.name, isToQueue: true, routingKey: binding.routingKey,
                arguments: binding.arguments)
        case .exchange(let id):
            guard let exchange = exchangeNames[id].flatMap({ exchanges[$0] }), exchange.isDurable else { return nil }
            return DurableBinding(
                source: source.name, destination: exchange.name, isToQueue: false, routingKey: binding.routingKey,
                arguments: binding.arguments)
        }
    }

    /// The steps that build what is durable here again.
    func writeDurable(to buffer: inout OutboundBuffer) {
        TopologyStep.virtualHostAdded(name).write(to: &buffer)
        if metadata != VirtualHostMetadata() { TopologyStep.virtualHostChanged(name, metadata).write(to: &buffer) }
        for policy in policies.policies {
            TopologyStep.policySet(virtualHost: name, isOperator: false, policy).write(to: &buffer)
        }
        for policy in operatorPolicies.policies {
            TopologyStep.policySet(virtualHost: name, isOperator: true, policy).write(to: &buffer)
        }
        for exchange in exchanges.values where exchange.isJournaled {
            TopologyStep.exchangeDeclared(virtualHost: name, exchange.durable).write(to: &buffer)
        }
        for queue in queues.values where queue.isDurable {
            TopologyStep.queueDeclared(virtualHost: name, queue.durable).write(to: &buffer)
        }
        for binding in bindingsBySource.values.lazy.joined() {
            if let durable = durable(binding) { TopologyStep.bound(virtualHost: name, durable).write(to: &buffer) }
        }
    }

    /// What is not bound, or does not exist, is unbound already (RabbitMQ since 3.2).
    mutating func unbind(
        from source: ShortString, to destination: Destination, routingKey: ShortString, arguments: FieldTable,
        by connection: ConnectionAddress, _ access: Access, changes: inout TopologyLog
    ) throws(ProtocolError) -> Bool {
        let found: Binding
        do {
            found = try binding(
                from: source, to: destination, routingKey: routingKey, arguments: arguments, by: connection, access)
        } catch {
            if error.code == .notFound { return true }
            throw error
        }
        guard bindingsBySource[found.source]?.contains(found) == true else { return true }
        let before = changes.position
        if let durable = durable(found) { changes.journal(.unbound(virtualHost: name, durable)) }
        forget(found, changes: &changes)
        changes.append(.unbound(virtualHost: index, found))
        removeIfAutoDelete(found.source, changes: &changes)
        return changes.position != before
    }

    func bindings(from exchange: ExchangeID) -> Set<Binding> { bindingsBySource[exchange] ?? [] }
    func bindings(to destination: BindingDestination) -> Set<Binding> { bindingsByDestination[destination] ?? [] }

    /// By names; nil when an end is gone.
    func snapshot(_ binding: Binding) -> BindingSnapshot? {
        guard let source = exchangeNames[binding.source] else { return nil }
        let destination: ShortString?
        let isToQueue: Bool
        switch binding.destination {
        case .queue(let address): (destination, isToQueue) = (queueNames[address], true)
        case .exchange(let id): (destination, isToQueue) = (exchangeNames[id], false)
        }
        return destination.map {
            BindingSnapshot(
                source: source, virtualHost: name, destination: $0, isToQueue: isToQueue,
                routingKey: binding.routingKey, arguments: binding.arguments)
        }
    }

    /// - Parameter actingUser: as in `TopologyLog.announce`.
    private mutating func forget(_ binding: Binding, by actingUser: ShortString? = nil, changes: inout TopologyLog) {
        if changes.listeningHost != nil, let named = snapshot(binding) {
            changes.announce(by: actingUser, .bindingDeleted(named))
        }
        bindingsBySource[binding.source]?.remove(binding)
        bindingsByDestination[binding.destination]?.remove(binding)
        if bindingsBySource[binding.source]?.isEmpty == true { bindingsBySource[binding.source] = nil }
        if bindingsByDestination[binding.destination]?.isEmpty == true {
            bindingsByDestination[binding.destination] = nil
        }
        if binding.source == eventExchange, bindingsBySource[binding.source] == nil { changes.listeningHost = nil }
    }
}

// MARK: - The end
extension VirtualHostTopology {
    /// Forgets everything. The journal is told of the virtual host's end by one step; of its queues, whose messages go.
    mutating func removeAll(changes: inout TopologyLog) {
        isRemoved = true
        if changes.listeningHost != nil { announceEnds(changes: &changes) }
        for queue in queues.values {
            changes.append(.queueRemoved(virtualHost: index, name: queue.name, address: queue.address))
            changes.journalRemoval(ofHolder: queue.journalNumber)
        }
        for exchange in exchanges.values where exchange.id != .default {
            changes.append(.exchangeRemoved(virtualHost: index, id: exchange.id))
            if let gate = exchange.gate { changes.journalRemoval(ofHolder: gate.journalNumber) }
        }
        changes.queueSet.note(.virtualHostRemoved(index))
        exchanges = [:]
        queues = [:]
        exchangeNames = [:]
        queueNames = [:]
        bindingsBySource = [:]
        bindingsByDestination = [:]
        policies = PolicyTable()
        operatorPolicies = PolicyTable()
    }
}

extension VirtualHostTopology {
    private func announceEnds(changes: inout TopologyLog) {
        for binding in bindingsBySource.values.lazy.joined() {
            guard let named = snapshot(binding) else { continue }
            changes.announce(by: BrokerEvent.internalUser, .bindingDeleted(named))
        }
        for queue in queues.keys { changes.announce(.queueDeleted(queue, name)) }
        for exchange in exchanges.keys { changes.announce(.exchangeDeleted(exchange, name)) }
        if changes.listeningHost == index { changes.listeningHost = nil }
    }
}

// MARK: - Queues

extension VirtualHostTopology {
    mutating func add(_ queue: QueueRecord, changes: inout TopologyLog) {
        queues[queue.name] = queue
        queueNames[queue.address] = queue.name
        changes.queueSet.note(
            .added(virtualHost: index, QueueReference(name: queue.name, address: queue.address)))
        changes.append(
            .queueAdded(virtualHost: index, name: queue.name, address: queue.address, holder: queue.holder))
        if queue.mayReject { changes.append(.rejectionChanged(queue.address, mayReject: true)) }
        if queue.isDurable { changes.journal(.queueDeclared(virtualHost: name, queue.durable)) }
        changes.announce(.queueCreated(queue, name))
        refreshPolicies(ofQueue: queue.name, changes: &changes)
    }

    /// For a queue that is not there yet.
    func checkQueueLimit(_ queue: ShortString) throws(ProtocolError) {
        if isRemoved { throw .virtualHostDeleted(name) }
        if let limit = metadata.maxQueues, limit >= 0, queues.count >= limit { throw .queueLimit(limit, queue, name) }
    }

    /// Only the queue's owner shard calls this; what it names is gone before a declare can see it again.
    mutating func removeQueue(_ name: ShortString, address: QueueAddress, changes: inout TopologyLog) -> Bool {
        if removeReplyQueue(name, address: address, changes: &changes) { return false }
        guard let queue = queues[name], queue.address == address else { return true }
        let before = changes.position
        let bindings = bindingsByDestination[.queue(address)] ?? []
        for binding in bindings { forget(binding, by: BrokerEvent.internalUser, changes: &changes) }
        changes.announce(.queueDeleted(name, self.name))
        queues[name] = nil
        queueNames[address] = nil
        changes.queueSet.note(.removed(virtualHost: index, name: name))
        changes.append(.queueRemoved(virtualHost: index, name: name, address: address))
        if queue.isDurable {
            changes.journal(.queueDeleted(virtualHost: self.name, name: name))
            changes.journalRemoval(ofHolder: queue.journalNumber)
        }
        for source in Set(bindings.map(\.source)) { removeIfAutoDelete(source, changes: &changes) }
        return changes.position != before
    }
}

extension ShortString {
    /// RabbitMQ drops CR and LF from the names of exchanges and queues when they are declared, bound or deleted.
    var withoutLineBreaks: ShortString {
        guard bytes.contains(where: { $0 == 10 || $0 == 13 }) else { return self }
        return ShortString(bytes: bytes.filter { $0 != 10 && $0 != 13 })
    }
}

extension FieldTable {
    /// Whether some value, at any depth, is a NaN: which is not equal to itself.
    fileprivate var holdsNotANumber: Bool { entries.contains { $0.value.holdsNotANumber } }
}

extension FieldValue {
    fileprivate var holdsNotANumber: Bool {
        switch self {
        case .float(let value): value.isNaN
        case .double(let value): value.isNaN
        case .array(let values): values.contains { $0.holdsNotANumber }
        case .table(let table): table.holdsNotANumber
        default: false
        }
    }
}
