import AMQPWire
import Routing

// Connections come to virtual hosts and leave them; a virtual host may end under its connections.
extension ShardState {
    func enterVirtualHost(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ name: ShortString
    ) throws(ProtocolError) {
        let user = connection.pointee.user
        let host = try controlPlane.withTopology { topology throws(ProtocolError) in
            try topology.enter(name, user: user)
        }
        // It may have been made after this turn began.
        followTopology()
        connection.pointee.virtualHost = name
        connection.pointee.virtualHostIndex = host
        connection.pointee.isInVirtualHost = true
        measure(connection)
    }

    func leaveVirtualHost(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard connection.pointee.isInVirtualHost else { return }
        connection.pointee.isInVirtualHost = false
        // It was not counted.
        if connection.pointee.isDirect { return }
        let host = connection.pointee.virtualHostIndex
        let user = connection.pointee.user
        try? controlPlane.withTopology { $0.leave(host, user: user) }
    }

    /// At the end of a turn, when nobody holds on to a channel: closes the connections of virtual hosts that are not
    /// there any more, and ends their queues.
    @inline(never)
    func endRemovedVirtualHosts() {
        let removed = removedVirtualHosts
        removedVirtualHosts = []
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot], connection.pointee.isInVirtualHost,
                removed.contains(connection.pointee.virtualHostIndex), connection.pointee.phase == .running
            else { continue }
            fail(connection, .virtualHostDeleted(connection.pointee.virtualHost))
        }
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot], removed.contains(queue.pointee.virtualHostIndex) else { continue }
            _ = delete(queue)
        }
    }
}
