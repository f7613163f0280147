import AMQPWire
import Journal
import Routing

// From the socket's beginning to its end.
extension ShardState {
    /// A socket was accepted.
    package func openConnection(_ peer: Peer) -> ConnectionAddress {
        let (_, _, connection) = connections.insert { slot, generation in
            ConnectionState(
                address: ConnectionAddress(slot: slot, generation: generation, shard: UInt16(index)), peer: peer,
                now: now.monotonicMilliseconds)
        }
        connection.pointee.origin.connectedMilliseconds = now.wallMilliseconds
        connection.pointee.remoteDeliveredByteCounts = Array(repeating: 0, count: shardCount)
        note(.debug, "accepted connection from \(peer.name)")
        return connection.pointee.address
    }

    /// The socket is gone, whoever ended it.
    package func connectionEnded(_ address: ConnectionAddress) {
        guard let connection = connection(address) else { return }
        followTopology()
        if connection.pointee.phase != .closed, connection.pointee.phase != .awaitingCloseOk,
            connection.pointee.phase != .protocolHeader
        {
            note(.warning, "closing connection \(connection.pointee.peer.name): client unexpectedly closed the socket")
        }
        abandon(connection)
        announceClosed(connection)
        if connection.pointee.details != nil { statistics.connectionsClosed &+= 1 }
        connections.remove(slot: address.slot)
    }

    /// Gives back everything that the connection held, and frees what belongs to it alone.
    func abandon(_ connection: UnsafeMutablePointer<ConnectionState>) {
        endChannels(connection)
        deleteExclusiveQueues(connection)
        noteTraffic(connection)
        leaveVirtualHost(connection)
        forgetRefusedLogin(connection)
        pausedPublishers.remove(connection.pointee.address)
        for shard in 0..<shardCount where connection.pointee.usedShards & (1 << UInt64(shard)) != 0 {
            mailbox(shard).append(.connectionEnded(connection.pointee.address))
        }
        connection.pointee.outbound.deallocate()
        connection.pointee.input.deallocate()
    }

    /// The socket takes bytes again, or does not any more.
    package func setWritable(_ address: ConnectionAddress, _ isWritable: Bool) {
        guard let connection = connection(address) else { return }
        connection.pointee.isWritable = isWritable
        if isWritable { list(connection) }
    }

    /// The broker is going down: 320 to the client.
    package func shutDown(_ address: ConnectionAddress) {
        guard let connection = connection(address) else { return }
        if connection.pointee.phase == .running {
            fail(connection, .shutdown)
        } else if connection.pointee.phase != .awaitingCloseOk {
            close(connection, afterMilliseconds: 0)
        }
    }

    /// An operator ends the connection.
    package func closeConnection(_ address: ConnectionAddress, reason: String) {
        guard let connection = connection(address), connection.pointee.phase == .running else { return }
        fail(connection, ProtocolError(.connectionForced, reason))
    }

    /// Time has passed: heartbeats, and connections that take too long for something. Once a second is enough.
    package func tick() {
        followTopology()
        measureLists()
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot] else { continue }
            checkTime(connection)
        }
    }

    private func checkTime(_ connection: UnsafeMutablePointer<ConnectionState>) {
        let time = now.monotonicMilliseconds
        if connection.pointee.closesAtMilliseconds != nil {
            if connection.pointee.refusedLogin != nil { answerRefusedLogin(connection) }
            list(connection)
            return
        }
        switch connection.pointee.phase {
        case .protocolHeader, .starting, .tuning, .opening:
            if time - connection.pointee.openedAt >= settings.handshakeTimeoutMilliseconds {
                note(
                    .error,
                    "closing connection \(connection.pointee.peer.name): handshake timeout in state "
                        + connection.pointee.phase.rawValue)
                close(connection, afterMilliseconds: 0)
            }
        case .running, .closing:
            noteDeliveryTimes(connection)
            if connection.pointee.hasTimedConsumers { checkTimedConsumers(connection) }
            checkUnsent(connection, time)
            checkHeartbeat(connection, time)
        case .awaitingCloseOk, .closed: break
        }
    }

    /// A client that asks for much and reads nothing would keep its answers in memory for ever.
    private func checkUnsent(_ connection: UnsafeMutablePointer<ConnectionState>, _ time: UInt64) {
        guard connection.pointee.outbound.count > Limit.unsentByteCount,
            time - connection.pointee.lastSentAt >= Limit.unsentMilliseconds
        else { return }
        note(.error, "closing connection \(connection.pointee.peer.name): client does not read what it asked for")
        close(connection, afterMilliseconds: 0)
    }

    private func checkHeartbeat(_ connection: UnsafeMutablePointer<ConnectionState>, _ time: UInt64) {
        let interval = UInt64(connection.pointee.heartbeatSeconds) * 1000
        guard interval > 0 else { return }
        // Two missed intervals (RabbitMQ: rabbit_heartbeat). While reading is paused by us, silence says nothing.
        if time - connection.pointee.lastReceivedAt > 2 * interval, !connection.pointee.isReadingPaused {
            note(
                .error,
                "closing connection \(connection.pointee.peer.name): missed heartbeats from client, timeout: "
                    + "\(connection.pointee.heartbeatSeconds)s")
            close(connection, afterMilliseconds: 0)
            return
        }
        if time - connection.pointee.lastSentAt >= interval / 2, connection.pointee.outbound.isEmpty {
            connection.pointee.outbound.writeHeartbeatFrame()
            list(connection)
        }
    }
}

// Ends by mistake or wish.
extension ShardState {
    /// Ends the connection with connection.close, or, where the client cannot understand one yet, without.
    ///
    /// - Parameter lostSync: the frame boundaries are lost, so nothing that follows is read.
    func fail(_ connection: UnsafeMutablePointer<ConnectionState>, _ error: ProtocolError, lostSync: Bool = false) {
        note(
            .error,
            "error on connection \(connection.pointee.peer.name), state \(connection.pointee.phase.rawValue): "
                + error.replyText.description)
        switch connection.pointee.phase {
        case .protocolHeader, .closed: close(connection, afterMilliseconds: 0)
        case .awaitingCloseOk:
            if lostSync { close(connection, afterMilliseconds: Limit.silentCloseMilliseconds) }
        case .starting:
            // RabbitMQ does not trust the client at this point: a pause, then the end, with the reason where it can.
            writeClose(connection, error)
            close(connection, afterMilliseconds: Limit.silentCloseMilliseconds)
        case .tuning, .opening, .running, .closing:
            endChannels(connection)
            deleteExclusiveQueues(connection)
            writeClose(connection, error)
            if lostSync {
                close(connection, afterMilliseconds: Limit.silentCloseMilliseconds)
            } else {
                connection.pointee.phase = .awaitingCloseOk
                connection.pointee.closesAtMilliseconds = now.monotonicMilliseconds + Limit.closingMilliseconds
            }
        }
        updateReading(connection)
        list(connection)
    }

    func writeClose(_ connection: UnsafeMutablePointer<ConnectionState>, _ error: ProtocolError) {
        ConnectionClose(
            replyCode: error.code.rawValue, replyText: error.replyText, classID: error.classID, methodID: error.methodID
        ).writeFrame(channel: 0, to: &connection.pointee.outbound)
    }

    /// Reads nothing more; the shell closes the socket when everything is written and the time has come.
    func close(_ connection: UnsafeMutablePointer<ConnectionState>, afterMilliseconds: UInt64) {
        endChannels(connection)
        deleteExclusiveQueues(connection)
        connection.pointee.phase = .closed
        connection.pointee.closesAtMilliseconds = now.monotonicMilliseconds + afterMilliseconds
        list(connection)
    }

    /// connection.close from the client: what was unacked is back in its queues, and exclusive queues are gone,
    /// before close-ok is said.
    func closeByClient(_ connection: UnsafeMutablePointer<ConnectionState>) {
        connection.pointee.phase = .closing
        // What its channels were told before comes first: see `resumeChannels`.
        if connection.pointee.channels.contains(where: { $0?.pointee.pending != nil }) {
            closingConnections.append(connection.pointee.address)
            return
        }
        let shards = endChannels(connection)
        deleteExclusiveQueues(connection)
        let address = ChannelAddress(connection: connection.pointee.address, number: 0, serial: 0)
        connection.pointee.barrierCount = sendBarriers(shards, from: address)
        if connection.pointee.barrierCount == 0 { finishClose(connection) }
    }

    func finishClose(_ connection: UnsafeMutablePointer<ConnectionState>) {
        ConnectionCloseOk().writeFrame(channel: 0, to: &connection.pointee.outbound)
        close(connection, afterMilliseconds: 0)
    }

    /// Asks the shards to say when they have done everything that was sent to them before.
    func sendBarriers(_ shards: UInt64, from address: ChannelAddress) -> Int {
        var count = 0
        for shard in 0..<shardCount where shard != index && shards & (1 << UInt64(shard)) != 0 {
            let anyQueue = QueueAddress(shard: shard, slot: 0, generation: 0)
            mailbox(shard).append(.request(.barrier, queue: anyQueue, from: address))
            count += 1
        }
        return count
    }

    @discardableResult
    private func endChannels(_ connection: UnsafeMutablePointer<ConnectionState>) -> UInt64 {
        var shards: UInt64 = 0
        for case let channel? in connection.pointee.channels { shards |= end(channel) }
        return shards
    }

    private func deleteExclusiveQueues(_ connection: UnsafeMutablePointer<ConnectionState>) {
        let exclusive = connection.pointee.exclusiveQueues
        connection.pointee.exclusiveQueues = []
        for address in exclusive {
            guard let queue = queue(address) else { continue }
            _ = delete(queue)
        }
    }
}
