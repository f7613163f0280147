import AMQPWire

// Resource alarms: connection.blocked and connection.unblocked (RabbitMQ: rabbit_reader, `maybe_block`).
//
// While an alarm is on, the first content frame of a connection blocks it: it is told so if it understands, and its
// socket is not read until every alarm is off. What was read before is dealt with. A connection that publishes nothing
// is never blocked, so consumers go on and may ack, which is what ends an alarm.
//
// A blocked client cannot be heard: no heartbeat is missed, and its connection.close waits until it is unblocked or
// gives up and closes its socket, whose end the shell sees without reading (`connectionEnded`).
extension ShardState {
    /// The node has run short of something, or has enough of it again.
    package func setAlarms(_ alarms: ResourceAlarms) {
        announce(alarms, was: self.alarms)
        self.alarms = alarms
        guard alarms.isEmpty else { return }
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot], connection.pointee.isBlocked else { continue }
            unblock(connection)
        }
    }

    /// A content header or a body has come in. The reason that the client is told is the one of this moment: more
    /// alarms change nothing for it.
    @inline(never)
    func block(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard !connection.pointee.isBlocked, connection.pointee.phase == .running else { return }
        connection.pointee.isBlocked = true
        guard connection.pointee.capabilities.connectionBlocked else { return }
        ConnectionBlocked(reason: alarms.blockedReason).writeFrame(channel: 0, to: &connection.pointee.outbound)
        list(connection)
    }

    private func unblock(_ connection: UnsafeMutablePointer<ConnectionState>) {
        connection.pointee.isBlocked = false
        if connection.pointee.phase == .running, connection.pointee.capabilities.connectionBlocked {
            ConnectionUnblocked().writeFrame(channel: 0, to: &connection.pointee.outbound)
            list(connection)
        }
        updateReading(connection)
    }
}
