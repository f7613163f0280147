import AMQPWire

/// The durable topology by names: what recovery builds from the journal before it is made real, and what a
/// checkpoint holds.
///
/// As bytes: format UInt8, next journal number UInt32, then steps from which it is built again.
package struct DurableTopology: Equatable, Sendable {
    package struct VirtualHost: Equatable, Sendable {
        package var exchanges: [ShortString: DurableExchange] = [:]
        package var queues: [ShortString: DurableQueue] = [:]
        /// By the queue's name, and by the exchange's: deleting one shall not search all.
        package var bindingsToQueues: [ShortString: Set<DurableBinding>] = [:]
        package var bindingsToExchanges: [ShortString: Set<DurableBinding>] = [:]
        package var metadata = VirtualHostMetadata()
        package var policies: [ShortString: Policy] = [:]
        package var operatorPolicies: [ShortString: Policy] = [:]

        package var bindings: some Sequence<DurableBinding> {
            [bindingsToExchanges, bindingsToQueues].lazy.flatMap { $0.values.lazy.flatMap { $0 } }
        }

        mutating func set(_ name: ShortString, isOperator: Bool, _ policy: Policy?) {
            if isOperator { operatorPolicies[name] = policy } else { policies[name] = policy }
        }

        /// A binding of which an end is not there was made before the state began, and ended with that end.
        mutating func insert(_ binding: DurableBinding) {
            guard exchanges[binding.source] != nil || binding.source.hasPrefix("amq.") else { return }
            if binding.isToQueue {
                guard queues[binding.destination] != nil else { return }
                bindingsToQueues[binding.destination, default: []].insert(binding)
            } else {
                guard exchanges[binding.destination] != nil || binding.destination.hasPrefix("amq.") else { return }
                bindingsToExchanges[binding.destination, default: []].insert(binding)
            }
        }

        mutating func remove(_ binding: DurableBinding) {
            if binding.isToQueue {
                Self.remove(binding, from: &bindingsToQueues)
            } else {
                Self.remove(binding, from: &bindingsToExchanges)
            }
        }

        private static func remove(_ binding: DurableBinding, from all: inout [ShortString: Set<DurableBinding>]) {
            all[binding.destination]?.remove(binding)
            if all[binding.destination]?.isEmpty == true { all[binding.destination] = nil }
        }

        mutating func removeBindings(ofExchange name: ShortString) {
            bindingsToExchanges[name] = nil
            for binding in bindings.filter({ $0.source == name }) { remove(binding) }
        }
    }

    package var virtualHosts: [ShortString: VirtualHost] = [:]
    /// Those that were deleted: one that the configuration names is not made again.
    package var removedVirtualHosts: Set<ShortString> = []
    package var users: [ShortString: UserRecord] = [:]
    /// Whether these are all there are; else the configuration's default user is there.
    package var hasUsers = false
    /// By user, then by virtual host.
    package var permissions: [ShortString: [ShortString: Permissions]] = [:]
    /// By user, virtual host and exchange.
    package var topicPermissions: [ShortString: [ShortString: [ShortString: TopicPermissions]]] = [:]
    /// By virtual host.
    package var parameters: [ShortString: [ParameterName: FieldValue]] = [:]
    package var globalParameters: [ShortString: FieldValue] = [:]
    /// No queue has had this number or a higher one.
    package var nextJournalNumber: UInt32 = 1

    private static let format: UInt8 = 1

    package init() {}

    /// - Throws: `WireError` when the bytes are not what `encoded` makes.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(WireError) {
        var reader = WireReader(bytes)
        guard try reader.readUInt8() == Self.format else { throw .truncated }
        let next = try reader.readUInt32()
        while reader.remainingCount > 0 { apply(try TopologyStep(from: &reader)) }
        nextJournalNumber = max(nextJournalNumber, next)
    }

    /// What a journal has: a snapshot, if there was a checkpoint, and the steps since.
    ///
    /// - Throws: `WireError` when the bytes are not this version's.
    package init(snapshot: [UInt8]?, changes: [[UInt8]]) throws(WireError) {
        self.init()
        var failure: WireError?
        func attempt(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(WireError) -> Void) {
            guard failure == nil else { return }
            bytes.withUnsafeBytes { bytes in
                do throws(WireError) { try body(bytes) } catch { failure = error }
            }
        }
        if let snapshot {
            attempt(snapshot) { bytes throws(WireError) in self = try DurableTopology(decoding: bytes) }
        }
        for change in changes {
            attempt(change) { bytes throws(WireError) in
                var reader = WireReader(bytes)
                apply(try TopologyStep(from: &reader))
            }
        }
        if let failure { throw failure }
    }

    /// Takes a step; one that was taken before, or that came too late, means nothing.
    package mutating func apply(_ step: TopologyStep) {
        switch step {
        case .virtualHostAdded(let name):
            removedVirtualHosts.remove(name)
            if virtualHosts[name] == nil { virtualHosts[name] = VirtualHost() }
        case .virtualHostChanged(let name, let metadata):
            virtualHosts[name, default: VirtualHost()].metadata = metadata
        case .virtualHostRemoved(let name):
            virtualHosts[name] = nil
            removedVirtualHosts.insert(name)
            removeAccess(toVirtualHost: name)
        case .permissionsSet(let host, let user, let set): permissions[user, default: [:]][host] = set
        case .permissionsCleared(let host, let user): clearPermissions(of: user, in: host)
        case .access(let step): apply(step)
        case .policySet(let host, let isOperator, let policy):
            virtualHosts[host, default: VirtualHost()].set(policy.name, isOperator: isOperator, policy)
        case .policyCleared(let host, let isOperator, let name):
            virtualHosts[host]?.set(name, isOperator: isOperator, nil)
        case .exchangeDeclared(let host, let exchange):
            virtualHosts[host, default: VirtualHost()].exchanges[exchange.name] = exchange
            nextJournalNumber = max(nextJournalNumber, exchange.journalNumber &+ 1)
        case .exchangeDeleted(let host, let name):
            guard virtualHosts[host]?.exchanges.removeValue(forKey: name) != nil else { return }
            virtualHosts[host]?.removeBindings(ofExchange: name)
        case .queueDeclared(let host, let queue):
            virtualHosts[host, default: VirtualHost()].queues[queue.name] = queue
            nextJournalNumber = max(nextJournalNumber, queue.journalNumber &+ 1)
        case .queueDeleted(let host, let name):
            guard virtualHosts[host]?.queues.removeValue(forKey: name) != nil else { return }
            virtualHosts[host]?.bindingsToQueues[name] = nil
        case .queuePaused(let host, let name, let isPaused): virtualHosts[host]?.queues[name]?.isPaused = isPaused
        case .bound(let host, let binding): virtualHosts[host, default: VirtualHost()].insert(binding)
        case .unbound(let host, let binding): virtualHosts[host]?.remove(binding)
        }
    }

    static func begin(_ buffer: inout OutboundBuffer, nextJournalNumber: UInt32) {
        buffer.write(format)
        buffer.write(nextJournalNumber)
    }
}
