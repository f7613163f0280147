import AMQPWire
import Routing

// queue.declare, bind, unbind, purge, delete (AMQP 0-9-1 class queue; RabbitMQ: rabbit_channel).
extension ShardState {
    func receiveQueueMethod(_ channel: UnsafeMutablePointer<ChannelState>, _ method: Method) throws(ProtocolError) {
        if try receiveReplyQueueMethod(channel, method) { return }
        switch method {
        case .queueDeclare(let declare): try self.declare(declare, channel)
        case .queueBind(let bind): try self.bind(bind, channel)
        case .queueUnbind(let unbind): try self.unbind(unbind, channel)
        case .queuePurge(let purge):
            let queue = try accessibleQueue(purge.queue, channel, .read)
            request(
                .purge, of: queue.address, channel, pending: .purge(queue: queue.name, noWait: purge.noWait))
        case .queueDelete(let delete): try self.delete(delete, channel)
        default: throw Self.unexpected(method)
        }
    }

    /// The queue that a method names: an empty name is the last one declared on the channel.
    func expand(
        _ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>
    ) throws(ProtocolError) -> ShortString {
        if !name.isEmpty { return name }
        guard let last = channel.pointee.lastQueueName else { throw .noLastQueue }
        return last
    }

    /// The record of a queue that exists and that this connection, and its user, may use.
    func accessibleQueue(
        _ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>, _ permission: Permission
    ) throws(ProtocolError) -> QueueRecord {
        let name = try expand(name, channel)
        try access(channel).check(permission, resource(name, channel))
        let connection = channel.pointee.connection.pointee.address
        let host = channel.pointee.connection.pointee.virtualHostIndex
        return try controlPlane.withTopology { topology throws(ProtocolError) in
            let queue = try topology.virtualHosts[host].queue(name)
            try topology.virtualHosts[host].checkAccess(queue, by: connection)
            return queue
        }
    }

    func resource(_ name: ShortString, _ channel: UnsafeMutablePointer<ChannelState>) -> ResourceName {
        ResourceName(kind: .queue, name: name, virtualHost: channel.pointee.connection.pointee.virtualHost)
    }

    private func bind(_ bind: QueueBind, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let name = try expand(bind.queue, channel)
        let routingKey = bind.queue.isEmpty && bind.routingKey.isEmpty ? name : bind.routingKey
        let connection = channel.pointee.connection.pointee.address
        let access = access(channel)
        let isDurable = try changeTopology(
            channel.pointee.connection.pointee.virtualHostIndex, by: channel.pointee.connection.pointee.user
        ) {
            topology, changes throws(ProtocolError) in
            try topology.bind(
                from: bind.exchange, to: .queue(name), routingKey: routingKey, arguments: bind.arguments,
                by: connection, access, changes: &changes)
        }
        if !bind.noWait { write(QueueBindOk(), channel, isDurable: isDurable) }
    }

    private func unbind(_ unbind: QueueUnbind, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let name = try expand(unbind.queue, channel)
        let routingKey = unbind.queue.isEmpty && unbind.routingKey.isEmpty ? name : unbind.routingKey
        let connection = channel.pointee.connection.pointee.address
        let access = access(channel)
        let isDurable = try changeTopology(
            channel.pointee.connection.pointee.virtualHostIndex, by: channel.pointee.connection.pointee.user
        ) {
            topology, changes throws(ProtocolError) in
            try topology.unbind(
                from: unbind.exchange, to: .queue(name), routingKey: routingKey, arguments: unbind.arguments,
                by: connection, access, changes: &changes)
        }
        write(QueueUnbindOk(), channel, isDurable: isDurable)
    }

    private func delete(_ delete: QueueDelete, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        let record: QueueRecord
        do throws(ProtocolError) {
            record = try accessibleQueue(delete.queue.withoutLineBreaks, channel, .configure)
        } catch {
            // Deleting what is not there succeeds (RabbitMQ since 3.2), unless no name was ever given.
            guard error.code == .notFound, error != .noLastQueue else { throw error }
            if !delete.noWait { writeStable(QueueDeleteOk(messageCount: 0), channel) }
            return
        }
        request(
            .delete(
                ifUnused: delete.ifUnused, ifEmpty: delete.ifEmpty, by: channel.pointee.connection.pointee.user),
            of: record.address, channel,
            pending: .delete(noWait: delete.noWait))
    }
}
