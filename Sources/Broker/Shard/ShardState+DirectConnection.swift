import AMQPWire
import Routing

// Connections without a socket: how administrative interfaces do what a client can do, with the same checks, codes and
// texts (RabbitMQ: `amqp_direct_connection`). The shell gives frames to `receive` and takes them from `takeOutput`.
extension ShardState {
    /// The channel that a direct connection uses.
    package static let directChannelNumber: UInt16 = 1

    /// Opens a connection that is past its handshake: for a user who has logged in elsewhere. It counts for no limit of
    /// connections, so that an operator can act where one is reached.
    ///
    /// - Throws: as connection.open is answered.
    package func openDirectConnection(
        _ peer: Peer, user: ShortString, virtualHost: ShortString
    ) throws(ProtocolError) -> ConnectionAddress {
        let host = try controlPlane.withTopology { topology throws(ProtocolError) in
            try topology.enterDirectly(virtualHost, user: user)
        }
        followTopology()
        let (_, _, connection) = connections.insert { slot, generation in
            ConnectionState(
                address: ConnectionAddress(slot: slot, generation: generation, shard: UInt16(index)), peer: peer,
                now: now.monotonicMilliseconds)
        }
        connection.pointee.remoteDeliveredByteCounts = Array(repeating: 0, count: shardCount)
        connection.pointee.isDirect = true
        connection.pointee.user = user
        connection.pointee.virtualHost = virtualHost
        connection.pointee.virtualHostIndex = host
        connection.pointee.isInVirtualHost = true
        connection.pointee.channelMax = Self.directChannelNumber
        connection.pointee.phase = .running
        measure(connection)
        return connection.pointee.address
    }

    /// The end of a direct connection, by its shell.
    package func closeDirectConnection(_ address: ConnectionAddress) {
        guard let connection = connection(address), connection.pointee.isDirect else { return }
        followTopology()
        abandon(connection)
        connections.remove(slot: address.slot)
    }
}

extension ControlPlane.Topology {
    /// As `enter`, without the limits of connections, and uncounted.
    fileprivate func enterDirectly(_ name: ShortString, user: ShortString) throws(ProtocolError) -> Int {
        guard let index = virtualHostIndexes[name] else { throw .noVirtualHost(name) }
        try access.checkEntry(of: user, to: name)
        return index
    }
}
