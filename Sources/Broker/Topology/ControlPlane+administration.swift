import AMQPWire
import Routing

// What administrators do, whichever interface they do it by. A change is durable once the state lane of the journal has
// reached `statePosition`; idle shards follow within a second.
extension ControlPlane {
    /// As `withTopology`, for what is refused to an administrator.
    func administer<Result: Sendable>(
        _ body: (inout Topology) throws(AdministrationError) -> Result
    ) throws(AdministrationError) -> Result {
        var refusal: AdministrationError?
        let result = try? withTopology { topology throws(ProtocolError) -> Result? in
            do throws(AdministrationError) {
                return try body(&topology)
            } catch {
                refusal = error
                return nil
            }
        }
        guard let result = result ?? nil else { throw refusal ?? .invalid("no change was made") }
        return result
    }

    // MARK: Virtual hosts

    /// Makes a virtual host, with its exchanges. Returns false when it was there: then only what is said of it changes.
    ///
    /// - Parameter creator: a user who may do everything in it from now on, when it is new.
    @discardableResult
    package func addVirtualHost(
        _ name: ShortString, _ metadata: VirtualHostMetadata = VirtualHostMetadata(), creator: ShortString? = nil
    ) throws(AdministrationError) -> Bool {
        if name.isEmpty { throw .invalid("a virtual host needs a name") }
        return try administer { topology throws(AdministrationError) in
            try topology.checkVirtualHostLimit(name)
            let isNew = topology.addVirtualHost(name)
            if !isNew {
                topology.set(metadata, of: name)
            } else if let index = topology.virtualHostIndexes[name] {
                topology.setMetadata(metadata, at: index)
                if metadata != VirtualHostMetadata() { topology.log.journal(.virtualHostChanged(name, metadata)) }
                topology.log.announce(.virtualHostCreated(name, metadata))
            }
            if isNew, let creator, topology.users[creator] != nil {
                topology.set(try PermissionPatterns(.everything), user: creator, virtualHost: name)
            }
            return isNew
        }
    }

    package func setMetadata(
        _ metadata: VirtualHostMetadata, ofVirtualHost name: ShortString
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            _ = try topology.index(of: name)
            topology.set(metadata, of: name)
        }
    }

    /// The end of a virtual host and everything in it. Its connections are closed as the shards learn of it.
    package func deleteVirtualHost(_ name: ShortString) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            _ = try topology.index(of: name)
            topology.removeVirtualHost(name)
        }
    }

    /// By name.
    package var virtualHosts: [(name: ShortString, metadata: VirtualHostMetadata)] {
        let hosts = try? withTopology { topology in
            topology.virtualHostIndexes.values.map { index in
                (topology.virtualHosts[index].name, topology.virtualHosts[index].metadata)
            }
        }
        return (hosts ?? []).map { (name: $0.0, metadata: $0.1) }.sorted { $0.name < $1.name }
    }

    // MARK: Policies

    /// Sets a policy, or an operator policy, in the place of the one with its name. It holds at once for what is there.
    package func setPolicy(
        _ policy: Policy, isOperator: Bool = false, virtualHost: ShortString
    ) throws(AdministrationError) {
        try policy.check(isOperator: isOperator)
        try administer { topology throws(AdministrationError) in
            let pattern = try NamePattern(policy.pattern)
            let index = try topology.index(of: virtualHost)
            topology.virtualHosts[index].set(policy, pattern, isOperator: isOperator, changes: &topology.log)
        }
    }

    package func clearPolicy(
        _ name: ShortString, isOperator: Bool = false, virtualHost: ShortString
    ) throws(AdministrationError) {
        try administer { topology throws(AdministrationError) in
            let index = try topology.index(of: virtualHost)
            guard topology.virtualHosts[index].clearPolicy(name, isOperator: isOperator, changes: &topology.log) else {
                throw .notFound("policy '\(name)' in vhost '\(virtualHost)' not found")
            }
        }
    }

    /// The best first.
    package func policies(virtualHost: ShortString, isOperator: Bool = false) throws(AdministrationError) -> [Policy] {
        try administer { topology throws(AdministrationError) in
            let host = topology.virtualHosts[try topology.index(of: virtualHost)]
            return isOperator ? host.operatorPolicies.policies : host.policies.policies
        }
    }

    /// Which policies hold for a queue, and what they say together; nil where there is no such queue.
    package func appliedPolicies(toQueue name: ShortString, virtualHost: ShortString) -> AppliedPolicies? {
        let applied = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].flatMap { topology.virtualHosts[$0].queues[name]?.policies }
        }
        return applied ?? nil
    }

    package func appliedPolicies(toExchange name: ShortString, virtualHost: ShortString) -> AppliedPolicies? {
        let applied = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].flatMap { topology.virtualHosts[$0].exchanges[name]?.policies }
        }
        return applied ?? nil
    }
}

extension ControlPlane.Topology {
    func index(of virtualHost: ShortString) throws(AdministrationError) -> Int {
        guard let index = virtualHostIndexes[virtualHost] else { throw .notFound("vhost '\(virtualHost)' not found") }
        return index
    }

    mutating func set(_ metadata: VirtualHostMetadata, of name: ShortString) {
        guard let index = virtualHostIndexes[name], virtualHosts[index].metadata != metadata else { return }
        let before = virtualHosts[index].metadata
        setMetadata(metadata, at: index)
        log.journal(.virtualHostChanged(name, metadata))
        if before.maxConnections != metadata.maxConnections || before.maxQueues != metadata.maxQueues {
            if !metadata.limits.isEmpty {
                log.announce(.parameterSet("vhost-limits", "limits", .table(metadata.limits), name))
            } else {
                log.announce(.parameterCleared("vhost-limits", "limits", name))
            }
            log.announce(.virtualHostLimits(name, metadata))
        }
        if before.table.withoutLimits != metadata.table.withoutLimits {
            log.announce(.virtualHostUpdated(name, metadata))
        }
    }

    mutating func setMetadata(_ metadata: VirtualHostMetadata, at index: Int) {
        if virtualHosts[index].metadata.isTracing != metadata.isTracing {
            log.append(.tracingChanged(virtualHost: index, metadata.isTracing))
        }
        virtualHosts[index].metadata = metadata
    }

    /// Its place is not used again: connections that have not heard of it yet still know it by its index.
    mutating func removeVirtualHost(_ name: ShortString) {
        guard let index = virtualHostIndexes.removeValue(forKey: name) else { return }
        // Before the ends of its queues' messages: a start that finds only this drops those as well.
        log.journal(.virtualHostRemoved(name))
        virtualHosts[index].removeAll(changes: &log)
        removePermissions(inVirtualHost: name)
        parameters[name] = nil
        log.append(.virtualHostRemoved(index: index))
        log.announce(.virtualHostDeleted(name))
    }

    /// Where a connection goes that opens this virtual host; it counts as one of its connections until `leave`.
    mutating func enter(_ name: ShortString, user: ShortString) throws(ProtocolError) -> Int {
        try checkNodeConnectionLimit()
        guard let index = virtualHostIndexes[name] else { throw .noVirtualHost(name) }
        if let limit = virtualHosts[index].metadata.maxConnections, limit >= 0,
            virtualHosts[index].connectionCount >= limit
        {
            throw .connectionLimit(limit, name, user: user)
        }
        try checkConnectionLimit(of: user)
        try access.checkEntry(of: user, to: name)
        virtualHosts[index].connectionCount += 1
        usage[user, default: UserUsage()].connectionCount += 1
        return index
    }

    mutating func leave(_ index: Int, user: ShortString) {
        virtualHosts[index].connectionCount -= 1
        changeUsage(of: user) { $0.connectionCount -= 1 }
    }
}
