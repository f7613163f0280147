import AMQPWire
import Routing

// Connections and channels as they are now, in steps.
extension ShardState {
    /// Connections from a place on, at most so many.
    package func connectionSnapshots(from start: Int, limit: Int) -> (items: [ConnectionSnapshot], next: Int?) {
        let (found, next) = connections.occupied(from: start, limit: limit)
        return (found.filter { $0.pointee.isVisible }.map(snapshot), next)
    }

    /// nil when it is gone.
    package func connectionSnapshot(at address: ConnectionAddress) -> ConnectionSnapshot? {
        connection(address).map(snapshot)
    }

    private func snapshot(_ connection: UnsafeMutablePointer<ConnectionState>) -> ConnectionSnapshot {
        var snapshot = ConnectionSnapshot(
            details: connection.pointee.details, address: connection.pointee.address, peer: connection.pointee.peer)
        snapshot.state = state(of: connection)
        snapshot.clientProvidedName = connection.pointee.name
        snapshot.user = connection.pointee.user
        snapshot.virtualHost = connection.pointee.virtualHost
        snapshot.clientProperties = connection.pointee.origin.clientProperties
        snapshot.mechanism = connection.pointee.origin.mechanism
        snapshot.connectedMilliseconds = connection.pointee.origin.connectedMilliseconds
        snapshot.channelCount = connection.pointee.channelCount
        snapshot.channelMax = connection.pointee.channelMax
        snapshot.frameMax = connection.pointee.frameMax
        snapshot.heartbeatSeconds = connection.pointee.heartbeatSeconds
        snapshot.receivedByteCount = connection.pointee.traffic.receivedByteCount
        snapshot.readCount = connection.pointee.traffic.readCount
        snapshot.sentByteCount = connection.pointee.traffic.sentByteCount
        snapshot.writeCount = connection.pointee.traffic.writeCount
        addSamples(of: connection, to: &snapshot)
        snapshot.pendingByteCount = connection.pointee.outbound.count
        snapshot.counters = connection.pointee.endedChannelCounters
        for case let channel? in connection.pointee.channels { snapshot.counters += channel.pointee.counters }
        return snapshot
    }

    /// RabbitMQ: `rabbit_reader:i(state)`.
    private func state(of connection: UnsafeMutablePointer<ConnectionState>) -> ConnectionSnapshot.State {
        switch connection.pointee.phase {
        case .protocolHeader, .starting: .starting
        case .tuning: .tuning
        case .opening: .opening
        case .closing, .awaitingCloseOk: .closing
        case .closed: .closed
        case .running where connection.pointee.isBlocked: .blocked
        case .running where !alarms.isEmpty: .blocking
        case .running: connection.pointee.isReadingPaused ? .flow : .running
        }
    }
}

// Channels.
extension ShardState {
    /// Channels from a place on, at most so many.
    package func channelSnapshots(from start: Int, limit: Int) -> (items: [ChannelSnapshot], next: Int?) {
        var items: [ChannelSnapshot] = []
        let next = forEachChannel(from: start, limit: limit) { channel in
            if let snapshot = snapshot(channel) { items.append(snapshot) }
        }
        return (items, next)
    }

    /// The channels of a connection.
    package func channelSnapshots(of address: ConnectionAddress) -> [ChannelSnapshot] {
        guard let connection = connection(address) else { return [] }
        return connection.pointee.channels.compactMap { $0.flatMap(snapshot) }
    }

    /// Runs the body with channels from a place on, at most so many. Returns the place to go on from; nil when there
    /// are no more.
    func forEachChannel(
        from start: Int, limit: Int, _ body: (UnsafeMutablePointer<ChannelState>) -> Void
    ) -> Int? {
        // The connection's slot, and the channel's number.
        var slot = start >> 16
        var number = start & 0xFFFF
        var left = limit
        for _ in 0..<16 * limit {
            guard slot < connections.slotCount else { return nil }
            if let connection = connections[UInt32(slot)], connection.pointee.isVisible {
                while number < connection.pointee.channels.count {
                    if left == 0 { return slot << 16 | number }
                    if let channel = connection.pointee.channels[number] {
                        body(channel)
                        left -= 1
                    }
                    number += 1
                }
            }
            slot += 1
            number = 0
        }
        return slot << 16
    }

    private func snapshot(_ channel: UnsafeMutablePointer<ChannelState>) -> ChannelSnapshot? {
        guard let connection = channel.pointee.connection.pointee.details else { return nil }
        var snapshot = ChannelSnapshot(connection: connection, number: channel.pointee.number)
        if channel.pointee.phase == .closing {
            snapshot.state = .closing
        } else if channel.pointee.connection.pointee.isReadingPaused {
            snapshot.state = .flow
        }
        snapshot.consumerCount = channel.pointee.consumerIndexes.count
        snapshot.prefetchCount = channel.pointee.consumerPrefetchCount
        snapshot.globalPrefetchCount = channel.pointee.channelPrefetchCount
        snapshot.unackedCount = channel.pointee.unacked.count
        snapshot.isConfirming = channel.pointee.publishMode == .confirm
        snapshot.isTransactional = channel.pointee.publishMode == .transaction
        if snapshot.isConfirming { snapshot.unconfirmedCount = Int(clamping: channel.pointee.confirm.unconfirmedCount) }
        snapshot.uncommittedCount = channel.pointee.transaction?.publishes.count ?? 0
        snapshot.uncommittedAckCount = channel.pointee.transaction?.settlements.count ?? 0
        snapshot.counters = channel.pointee.counters
        addSamples(of: channel, to: &snapshot)
        return snapshot
    }
}
