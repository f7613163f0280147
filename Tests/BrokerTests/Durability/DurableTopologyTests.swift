import AMQPWire
import Testing

@testable import Broker

/// The topology as lists, changed the way the control plane does: only what is there is bound, deleted or unbound.
private struct NaiveTopology {
    struct Host {
        var exchanges: [DurableExchange] = []
        var queues: [DurableQueue] = []
        var bindings: [DurableBinding] = []
        var metadata = VirtualHostMetadata()
        var policies: [Policy] = []
        var operatorPolicies: [Policy] = []
    }

    var hosts: [ShortString: Host] = ["/": Host()]
    var removed: Set<ShortString> = []
    var nextJournalNumber: UInt32 = 1
    var permissions: [(user: ShortString, host: ShortString, permissions: Permissions)] = []
    var access = NaiveAccess()

    /// A step that a control plane could take from here, taken.
    mutating func step(_ samples: inout TopologySamples) -> TopologyStep {
        while true {
            let host: ShortString = samples.below(8) == 0 ? "v" : "/"
            guard let step = wish(samples.step(), host, &samples) else { continue }
            apply(step)
            return step
        }
    }

    /// nil when nothing would come of it.
    private func wish(
        _ step: TopologyStep, _ name: ShortString, _ samples: inout TopologySamples
    ) -> TopologyStep? {
        guard let host = hosts[name] else {
            if case .virtualHostAdded = step { return .virtualHostAdded(name) }
            return nil
        }
        switch step {
        case .virtualHostAdded: return nil
        case .exchangeDeclared(_, let exchange):
            if host.exchanges.contains(where: { $0.name == exchange.name }) { return nil }
            var exchange = exchange
            if exchange.journalNumber != 0 { exchange.journalNumber = nextJournalNumber }
            return .exchangeDeclared(virtualHost: name, exchange)
        case .exchangeDeleted(_, let exchange):
            guard host.exchanges.contains(where: { $0.name == exchange }) else { return nil }
            return .exchangeDeleted(virtualHost: name, name: exchange)
        case .queueDeclared(_, let queue):
            if host.queues.contains(where: { $0.name == queue.name }) { return nil }
            return .queueDeclared(
                virtualHost: name,
                DurableQueue(
                    name: queue.name, journalNumber: nextJournalNumber, isAutoDelete: queue.isAutoDelete,
                    arguments: queue.arguments, isPaused: queue.isPaused))
        case .queuePaused(_, let queue, let isPaused):
            guard host.queues.contains(where: { $0.name == queue }) else { return nil }
            return .queuePaused(virtualHost: name, name: queue, isPaused)
        case .queueDeleted(_, let queue):
            guard host.queues.contains(where: { $0.name == queue }) else { return nil }
            return .queueDeleted(virtualHost: name, name: queue)
        case .bound(_, let binding):
            let hasDestination =
                binding.isToQueue
                ? host.queues.contains { $0.name == binding.destination }
                : host.exchanges.contains { $0.name == binding.destination }
            let hasSource = binding.source.hasPrefix("amq.") || host.exchanges.contains { $0.name == binding.source }
            if !hasSource || !hasDestination || host.bindings.contains(binding) { return nil }
            return .bound(virtualHost: name, binding)
        case .unbound:
            guard !host.bindings.isEmpty else { return nil }
            return .unbound(virtualHost: name, host.bindings[samples.below(host.bindings.count)])
        case .policySet(_, let isOperator, let policy):
            return .policySet(virtualHost: name, isOperator: isOperator, policy)
        case .policyCleared(_, let isOperator, let policy):
            let all = isOperator ? host.operatorPolicies : host.policies
            guard all.contains(where: { $0.name == policy }) else { return nil }
            return .policyCleared(virtualHost: name, isOperator: isOperator, name: policy)
        case .virtualHostChanged(_, let metadata): return .virtualHostChanged(name, metadata)
        case .permissionsSet(_, let user, let permissions):
            return .permissionsSet(virtualHost: name, user: user, permissions)
        case .permissionsCleared(_, let user): return .permissionsCleared(virtualHost: name, user: user)
        case .access(let step):
            return access.wish(step, name).map { .access($0) }
        case .virtualHostRemoved: return samples.below(10) == 0 ? .virtualHostRemoved(name) : nil
        }
    }

    mutating func apply(_ step: TopologyStep) {
        switch step {
        case .virtualHostAdded(let name):
            hosts[name] = Host()
            removed.remove(name)
        case .virtualHostRemoved(let name):
            hosts[name] = nil
            removed.insert(name)
            permissions.removeAll { $0.host == name }
            access.removeVirtualHost(name)
        case .access(let step):
            if case .userRemoved(let user) = step { permissions.removeAll { $0.user == user } }
            access.apply(step)
        case .permissionsSet(let host, let user, let set):
            apply(.permissionsCleared(virtualHost: host, user: user))
            permissions.append((user, host, set))
        case .permissionsCleared(let host, let user):
            permissions.removeAll { $0.user == user && $0.host == host }
        case .virtualHostChanged(let name, let metadata): hosts[name]?.metadata = metadata
        case .policySet(let host, let isOperator, let policy):
            apply(.policyCleared(virtualHost: host, isOperator: isOperator, name: policy.name))
            if isOperator {
                hosts[host]?.operatorPolicies.append(policy)
            } else {
                hosts[host]?.policies.append(policy)
            }
        case .policyCleared(let host, let isOperator, let name):
            if isOperator {
                hosts[host]?.operatorPolicies.removeAll { $0.name == name }
            } else {
                hosts[host]?.policies.removeAll { $0.name == name }
            }
        case .exchangeDeclared(let host, let exchange):
            hosts[host]?.exchanges.append(exchange)
            if exchange.journalNumber != 0 { nextJournalNumber += 1 }
        case .exchangeDeleted(let host, let name):
            hosts[host]?.exchanges.removeAll { $0.name == name }
            hosts[host]?.bindings.removeAll { $0.source == name || !$0.isToQueue && $0.destination == name }
        case .queueDeclared(let host, let queue):
            hosts[host]?.queues.append(queue)
            nextJournalNumber += 1
        case .queueDeleted(let host, let name):
            hosts[host]?.queues.removeAll { $0.name == name }
            hosts[host]?.bindings.removeAll { $0.isToQueue && $0.destination == name }
        case .queuePaused(let host, let name, let isPaused):
            guard let index = hosts[host]?.queues.firstIndex(where: { $0.name == name }) else { return }
            hosts[host]?.queues[index].isPaused = isPaused
        case .bound(let host, let binding): hosts[host]?.bindings.append(binding)
        case .unbound(let host, let binding): hosts[host]?.bindings.removeAll { $0 == binding }
        }
    }

    /// As a checkpoint holds it.
    var snapshot: [UInt8] {
        written { buffer in
            DurableTopology.begin(&buffer, nextJournalNumber: nextJournalNumber)
            for name in removed { TopologyStep.virtualHostRemoved(name).write(to: &buffer) }
            for step in access.steps { TopologyStep.access(step).write(to: &buffer) }
            for (user, host, permissions) in permissions {
                TopologyStep.permissionsSet(virtualHost: host, user: user, permissions).write(to: &buffer)
            }
            for (name, host) in hosts {
                TopologyStep.virtualHostAdded(name).write(to: &buffer)
                TopologyStep.virtualHostChanged(name, host.metadata).write(to: &buffer)
                for policy in host.policies {
                    TopologyStep.policySet(virtualHost: name, isOperator: false, policy).write(to: &buffer)
                }
                for policy in host.operatorPolicies {
                    TopologyStep.policySet(virtualHost: name, isOperator: true, policy).write(to: &buffer)
                }
                for exchange in host.exchanges {
                    TopologyStep.exchangeDeclared(virtualHost: name, exchange).write(to: &buffer)
                }
                for queue in host.queues {
                    TopologyStep.queueDeclared(virtualHost: name, queue).write(to: &buffer)
                }
                for binding in host.bindings {
                    TopologyStep.bound(virtualHost: name, binding).write(to: &buffer)
                }
            }
        }
    }
}

private func expectSame(
    _ durable: DurableTopology, _ model: NaiveTopology, sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(Set(durable.virtualHosts.keys) == Set(model.hosts.keys), sourceLocation: sourceLocation)
    for (name, host) in model.hosts {
        guard let found = durable.virtualHosts[name] else { continue }
        #expect(found.exchanges.count == host.exchanges.count, sourceLocation: sourceLocation)
        #expect(Set(found.exchanges.values) == Set(host.exchanges), sourceLocation: sourceLocation)
        #expect(found.queues.count == host.queues.count, sourceLocation: sourceLocation)
        #expect(Set(found.queues.values) == Set(host.queues), sourceLocation: sourceLocation)
        #expect(found.metadata == host.metadata, sourceLocation: sourceLocation)
        #expect(found.policies.count == host.policies.count, sourceLocation: sourceLocation)
        #expect(Set(found.policies.values) == Set(host.policies), sourceLocation: sourceLocation)
        #expect(found.operatorPolicies.count == host.operatorPolicies.count, sourceLocation: sourceLocation)
        #expect(Set(found.operatorPolicies.values) == Set(host.operatorPolicies), sourceLocation: sourceLocation)
        let bindings = Array(found.bindings)
        #expect(bindings.count == host.bindings.count, sourceLocation: sourceLocation)
        #expect(Set(bindings) == Set(host.bindings), sourceLocation: sourceLocation)
    }
    #expect(
        Set(durable.permissions.keys) == Set(model.permissions.map(\.user)), sourceLocation: sourceLocation)
    expectSame(durable, model.access, sourceLocation: sourceLocation)
    for (user, hosts) in durable.permissions {
        let expected = model.permissions.filter { $0.user == user }
        #expect(
            hosts == Dictionary(uniqueKeysWithValues: expected.map { ($0.host, $0.permissions) }),
            sourceLocation: sourceLocation)
    }
    #expect(durable.nextJournalNumber == model.nextJournalNumber, sourceLocation: sourceLocation)
}

struct DurableTopologyTests {
    private func decode(_ bytes: [UInt8]) throws(WireError) -> DurableTopology {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        return try DurableTopology(decoding: UnsafeRawBufferPointer(buffer))
    }

    @Test(arguments: Seeds.first(30))
    func stepsLeadWhereTheyLeadTheNaiveModel(seed: UInt64) throws {
        var samples = TopologySamples(seed: seed)
        var model = NaiveTopology()
        var durable = DurableTopology()
        durable.apply(.virtualHostAdded("/"))
        for number in 1...300 {
            durable.apply(model.step(&samples))
            if number % 20 == 0 {
                expectSame(durable, model)
                #expect(try decode(model.snapshot) == durable)
            }
        }
    }

    /// Recovery: the state as of some step, then every step from a little before it.
    @Test(arguments: Seeds.first(200))
    func stepsThatAreTakenAgainDoNoHarm(seed: UInt64) throws {
        var samples = TopologySamples(seed: seed)
        var models = [NaiveTopology()]
        var steps: [TopologyStep] = []
        for number in 0..<120 {
            var model = models[number]
            steps.append(model.step(&samples))
            models.append(model)
        }
        let snapshotAt = samples.below(models.count)
        var durable = try decode(models[snapshotAt].snapshot)
        let begin = max(0, snapshotAt - samples.below(60))
        for number in begin..<steps.count {
            if number == snapshotAt { expectSame(durable, models[number]) }
            durable.apply(steps[number])
        }
        expectSame(durable, models[steps.count])
        #expect(try decode(models[steps.count].snapshot) == durable)
    }

    /// What a deleted queue was bound with before the state was taken is not the next queue's of this name.
    @Test func aBindingThatComesTooLateIsNotKept() throws {
        var model = NaiveTopology()
        let queue = DurableQueue(name: "q", journalNumber: 1, isAutoDelete: false, arguments: FieldTable())
        let exchange = DurableExchange(
            name: "e", type: "fanout", isAutoDelete: false, isInternal: false, arguments: FieldTable())
        let toQueue = DurableBinding(
            source: "amq.fanout", destination: "q", isToQueue: true, routingKey: "", arguments: FieldTable())
        let toExchange = DurableBinding(
            source: "amq.fanout", destination: "e", isToQueue: false, routingKey: "", arguments: FieldTable())
        let fromExchange = DurableBinding(
            source: "e", destination: "q", isToQueue: true, routingKey: "", arguments: FieldTable())
        let steps: [TopologyStep] = [
            .queueDeclared(virtualHost: "/", queue), .exchangeDeclared(virtualHost: "/", exchange),
            .bound(virtualHost: "/", toQueue), .bound(virtualHost: "/", toExchange),
            .bound(virtualHost: "/", fromExchange), .exchangeDeleted(virtualHost: "/", name: "e"),
            .queueDeleted(virtualHost: "/", name: "q"),
        ]
        for step in steps { model.apply(step) }
        for begin in steps.indices {
            var durable = try decode(model.snapshot)
            for step in steps[begin...] { durable.apply(step) }
            expectSame(durable, model)
        }
    }

    /// Steps in an order that no control plane would make are borne.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func anyStepsAreBorne(seed: UInt64) {
        var samples = TopologySamples(seed: seed)
        var durable = DurableTopology()
        for _ in 0..<2_000 { durable.apply(samples.step()) }
        durable.apply(
            .queueDeclared(
                virtualHost: "/",
                DurableQueue(name: "q", journalNumber: .max, isAutoDelete: false, arguments: FieldTable())))
        let declared = durable.virtualHosts.values.flatMap { $0.queues.values }.filter { $0.journalNumber < .max }
        for queue in declared { #expect(queue.journalNumber < durable.nextJournalNumber) }
    }

    @Test(arguments: 0..<10 as Range<UInt64>)
    func aSnapshotThatIsCutOffOrChangedIsReadOrRefused(seed: UInt64) throws {
        var samples = TopologySamples(seed: seed)
        var model = NaiveTopology()
        for _ in 0..<30 { _ = model.step(&samples) }
        let bytes = model.snapshot
        for count in 0..<bytes.count { _ = try? decode(Array(bytes.prefix(count))) }
        for count in 0..<5 { #expect(throws: WireError.self) { try decode(Array(bytes.prefix(count))) } }
        for _ in 0..<1_000 {
            var changed = bytes
            changed[samples.below(bytes.count)] = UInt8(truncatingIfNeeded: samples.random.next())
            _ = try? decode(changed)
        }
        #expect(throws: WireError.self) { try decode([2] + bytes.dropFirst()) }
    }

    @Test func anEmptyTopologyIsRead() throws {
        let empty = try decode(written { DurableTopology.begin(&$0, nextJournalNumber: 7) })
        #expect(empty.virtualHosts.isEmpty)
        #expect(empty.nextJournalNumber == 7)
    }
}
