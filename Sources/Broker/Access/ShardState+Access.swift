import AMQPWire
import Routing

// Permissions, as the shard's methods ask for them. Nothing is remembered that a change does not void.
extension ShardState {
    func access(_ channel: UnsafeMutablePointer<ChannelState>) -> Access {
        let connection = channel.pointee.connection
        if connection.pointee.isUnrestricted { return .everything }
        return permissions.access(of: connection.pointee.user, to: connection.pointee.virtualHost)
    }

    /// What the connection's user may do has changed, or it has opened its virtual host.
    func measure(_ connection: UnsafeMutablePointer<ConnectionState>) {
        // Where the virtual host is gone, and every permission with it, its connections are told of that.
        guard connection.pointee.isInVirtualHost, !removedVirtualHosts.contains(connection.pointee.virtualHostIndex)
        else { return }
        connection.pointee.isUnrestricted = permissions.isUnrestricted(
            connection.pointee.user, in: connection.pointee.virtualHost)
    }

    /// basic.publish, for a route that is not remembered, by a user who may not do everything. The exchange that was
    /// published to last is not asked for again before permissions change.
    @inline(never)
    func checkPublish(
        to exchange: UnsafeRawBufferPointer, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) {
        if let permitted = channel.pointee.permittedExchange, permitted.bytes.elementsEqual(exchange) { return }
        let name = ShortString(exchange)
        try access(channel).check(
            .write,
            ResourceName(kind: .exchange, name: name, virtualHost: channel.pointee.connection.pointee.virtualHost))
        channel.pointee.permittedExchange = name
    }

    /// The routing keys of a message that is published to an exchange of type topic.
    @inline(never)
    func checkTopics(
        _ key: UnsafeRawBufferPointer, _ copies: [ShortString], at exchange: ExchangeID,
        named name: UnsafeRawBufferPointer, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) {
        let connection = channel.pointee.connection
        guard virtualHosts[connection.pointee.virtualHostIndex].topicExchanges.contains(exchange) else { return }
        let access = access(channel)
        if access.topics.isEmpty { return }
        let resource = ResourceName(
            kind: .exchange, name: ShortString(name), virtualHost: connection.pointee.virtualHost)
        try access.checkTopic(.write, resource, key: ShortString(key))
        for copy in copies { try access.checkTopic(.write, resource, key: copy) }
    }

    /// The same for a message of which only the header is there yet, and something else is wrong: RabbitMQ says this
    /// first.
    func checkTopics(
        _ properties: BasicPropertiesView, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) {
        let connection = channel.pointee.connection
        let name = channel.pointee.routes.current.pointee.exchangeName
        guard !connection.pointee.isUnrestricted,
            let exchange = virtualHosts[connection.pointee.virtualHostIndex].routing.exchange(named: name)
        else { return }
        let copies = try CarbonCopies.keys(in: properties.headerTable)
        try checkTopics(channel.pointee.routes.current.pointee.routingKey, copies, at: exchange, named: name, channel)
    }

    // MARK: Users that are gone

    /// At the end of a turn, when nobody holds on to a channel.
    @inline(never)
    func endRemovedUsers() {
        let removed = removedUsers
        removedUsers = []
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot], removed.contains(connection.pointee.user) else { continue }
            switch connection.pointee.phase {
            case .tuning, .opening, .running: fail(connection, .userDeleted(connection.pointee.user))
            case .protocolHeader, .starting, .closing, .awaitingCloseOk, .closed: break
            }
        }
    }

    // MARK: connection.update-secret

    /// What its user may not read any more, it does not go on consuming (RabbitMQ: `recheck_consumers`).
    func recheckConsumers(_ connection: UnsafeMutablePointer<ConnectionState>) {
        if connection.pointee.isUnrestricted { return }
        for case let channel? in connection.pointee.channels where channel.pointee.phase == .open {
            recheckConsumers(channel)
        }
    }

    func recheckConsumers(_ channel: UnsafeMutablePointer<ChannelState>) {
        // One that another shard has still to answer for is looked at when it does.
        if case .consume? = channel.pointee.pending { channel.pointee.rechecksConsumers = true }
        let connection = channel.pointee.connection
        let access = access(channel)
        for index in channel.pointee.consumers.indices {
            guard let consumer = channel.pointee.consumers[index], let reference = consumer.reference,
                let name = queueName(consumer.queue, connection.pointee.virtualHostIndex),
                !access.allows(.read, resource(name, channel))
            else { continue }
            note(
                .warning,
                "consumer '\(consumer.tag)' on channel \(channel.pointee.number) of connection "
                    + "\(connection.pointee.peer.name) is cancelled: user '\(access.user)' has lost read access to "
                    + "queue '\(name)'")
            _ = cancel(reference, of: consumer.queue)
            channel.pointee.removeConsumer(at: index)
            guard connection.pointee.capabilities.consumerCancelNotify else { continue }
            write(BasicCancel(consumerTag: consumer.tag, noWait: true), channel)
        }
    }

    /// nil for what is no queue to anybody else: replies are consumed without permissions.
    private func queueName(_ address: QueueAddress, _ host: Int) -> ShortString? {
        let name = try? controlPlane.withTopology { $0.virtualHosts[host].queueName(at: address) }
        return name ?? nil
    }
}
