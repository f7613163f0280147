import AMQPWire
import Routing

// Following the control plane.
extension ShardState {
    /// Applies what has changed since the last batch. Called at the start of each: see `ControlPlane`.
    @inline(__always)
    package func followTopology() {
        if controlPlane.version != appliedVersion { applyTopology() }
    }

    @inline(never)
    func applyTopology() {
        let changes = controlPlane.takeChanges(shard: index, after: appliedVersion)
        appliedVersion += UInt64(changes.count)
        for change in changes { apply(change) }
        if !pendingReplays.isEmpty { replayHistories() }
        if mustMeasureConnections { measureConnections() }
        if mustForgetRoutes { forgetRoutes() }
    }

    private func apply(_ change: TopologyChange) {
        switch change {
        case .virtualHostAdded(let host):
            precondition(host == virtualHosts.count)
            virtualHosts.append(VirtualHostReplica())
        case .virtualHostRemoved(let host): removedVirtualHosts.insert(host)
        case .tracingChanged(let host, let isTraced): setTraced(isTraced, host)
        case .exchangeAdded(let host, let id, let name, let behaviour, let isInternal, let gate):
            virtualHosts[host].routing.addExchange(
                id, name: name, kind: behaviour.type.kind, hashSource: behaviour.hashSource)
            virtualHosts[host].counters.add(id)
            if isInternal { virtualHosts[host].internalExchanges.insert(id) }
            if behaviour.type == .topic, behaviour.gate == nil { virtualHosts[host].topicExchanges.insert(id) }
            if let gate, let settings = behaviour.gate { openGate(gate, settings.kind, of: id, host) }
        case .alternateChanged(let host, let id, let alternate):
            virtualHosts[host].routing.setAlternate(of: id, to: alternate)
        case .exchangeRemoved(let host, let id):
            virtualHosts[host].routing.removeExchange(id)
            virtualHosts[host].internalExchanges.remove(id)
            virtualHosts[host].topicExchanges.remove(id)
            if let gate = virtualHosts[host].gates.removeValue(forKey: id) { closeGate(gate) }
        case .queueAdded(let host, let name, let address, let holder):
            holders.set(address, holder)
            virtualHosts[host].routing.addQueue(address, name: name)
        case .rejectionChanged(let address, let mayReject):
            if mayReject { rejectingQueues.insert(address) } else { rejectingQueues.remove(address) }
            mustForgetRoutes = true
        case .queueRemoved(let host, let name, let address):
            rejectingQueues.remove(address)
            holders.set(address, 0)
            virtualHosts[host].routing.removeQueue(address, name: name)
        case .queueArgumentsChanged(let address, let arguments):
            if address.shard == index, let queue = queue(address) { apply(arguments, to: queue) }
        case .queuePaused(let address, let isPaused):
            if address.shard == index, let queue = queue(address) { setPaused(isPaused, queue) }
        case .bound(let host, let binding):
            virtualHosts[host].routing.add(binding)
            if !virtualHosts[host].gates.isEmpty { noteBinding(binding, host) }
        case .unbound(let host, let binding):
            virtualHosts[host].routing.remove(binding)
        case .event(let host, let event): accept(event, host)
        case .eventsLost(let count): acceptLostEvents(count)
        case .permissionsChanged(let user, let host, let patterns):
            permissions.set(patterns, user: user, virtualHost: host)
            mustMeasureConnections = true
        case .topicPermissionsChanged(let user, let host, let exchange, let patterns):
            permissions.set(patterns, user: user, virtualHost: host, exchange: exchange)
            mustMeasureConnections = true
        case .impersonationChanged(let user, let isAllowed):
            permissions.set(isImpersonator: isAllowed, user: user)
        case .userRemoved(let user):
            permissions.remove(user)
            removedUsers.insert(user)
            mustMeasureConnections = true
        case .clusterNameChanged(let name): clusterName = name ?? settings.clusterName
        }
    }

    /// What was allowed, and was remembered for that, may not be any more.
    private func measureConnections() {
        mustMeasureConnections = false
        mustForgetRoutes = true
        for slot in connections.occupiedSlots() {
            if let connection = connections[slot] { measure(connection) }
        }
    }

    /// What channels remember of routes may not be true any more, though they lead to the same queues.
    private func forgetRoutes() {
        mustForgetRoutes = false
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot] else { continue }
            for case let channel? in connection.pointee.channels {
                channel.pointee.routes.forget()
                channel.pointee.permittedExchange = nil
            }
        }
    }

    /// Changes the topology and follows at once: what this shard publishes next sees it.
    ///
    /// - Parameter user: who wants it; nil: nobody, it is the broker's own doing.
    func changeTopology<Result>(
        _ virtualHost: Int, by user: ShortString? = nil,
        _ body: (inout VirtualHostTopology, inout TopologyLog) throws(ProtocolError) -> sending Result
    ) throws(ProtocolError) -> sending Result {
        defer {
            followTopology()
            wakeLaggingShards()
            wakeEventShard()
        }
        return try controlPlane.withTopology { topology throws(ProtocolError) in
            topology.log.actingUser = user ?? BrokerEvent.internalUser
            topology.measureRoom()
            return try body(&topology.virtualHosts[virtualHost], &topology.log)
        }
    }

    /// An idle shard would let the history grow: an empty batch makes it follow.
    private func wakeLaggingShards() {
        guard appliedVersion - lagCheckedVersion >= Limit.topologyLag else { return }
        lagCheckedVersion = appliedVersion
        for shard in controlPlane.laggingShards() where shard != index { _ = mailbox(shard) }
    }
}
