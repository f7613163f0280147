import AMQPWire
import Routing

// RabbitMQ's firehose: while an administrator has a virtual host traced, what its clients publish and get is published
// again to `amq.rabbitmq.trace`, as `publish.EXCHANGE` and `deliver.QUEUE`, with headers that tell of it (RabbitMQ:
// `rabbit_trace`). What comes from that exchange is not traced itself.
//
// Without tracing a delivery looks at one flag of its channel, and a publish at nothing: while its virtual host is
// traced a channel remembers no route, so that every message passes `walk`.
extension ShardState {
    private static let traceExchange: ShortString = "amq.rabbitmq.trace"

    func setTraced(_ isTraced: Bool, _ host: Int) {
        virtualHosts[host].isTraced = isTraced
        mustForgetRoutes = true
        for slot in connections.occupiedSlots() {
            guard let connection = connections[slot], connection.pointee.virtualHostIndex == host else { continue }
            for case let channel? in connection.pointee.channels {
                channel.pointee.isTraced = isTraced
                channel.pointee.isWatched = isTraced || settings.countsPairs
            }
        }
    }

    /// A message that was published, and the queues that it goes to.
    @inline(never)
    func trace(_ message: Message, _ copies: [ShortString], _ channel: UnsafeMutablePointer<ChannelState>) {
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let queues = channel.pointee.routes.current.pointee.queues
        let targets = (0..<queues.count).map { queues[$0] }
        let names = try? controlPlane.withTopology { topology in
            targets.compactMap { topology.virtualHosts[host].queueName(at: $0) }
        }
        var headers = headers(of: message, [ShortString(message.routingKey)] + copies, channel)
        headers["routed_queues"] = .array((names ?? []).map { .longString($0.bytes) })
        trace(message, headers, key: Array("publish.".utf8) + Array(message.exchange), host)
    }

    /// A message that a client got.
    @inline(never)
    func trace(_ entry: QueueEntry, of queue: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>) {
        let message = entry.message
        if Self.traceExchange.bytes.elementsEqual(message.exchange) { return }
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let name = try? controlPlane.withTopology { $0.virtualHosts[host].queueName(at: queue) }
        guard let name = name ?? nil else { return }
        var keys = [ShortString(message.routingKey)]
        if !message.care.contains(.routedByKeyAlone),
            let view = try? BasicPropertiesView(validating: message.properties),
            view.hasCopies
        {
            keys += (try? CarbonCopies.keys(in: view.headerTable)) ?? []
        }
        var headers = headers(of: message, keys, channel)
        headers["redelivered"] = .int32(entry.isRedelivered ? 1 : 0)
        trace(message, headers, key: Array("deliver.".utf8) + name.bytes, host)
    }

    /// Where it happened is no place to publish: that is done when the turn ends.
    private func trace(_ message: Message, _ headers: FieldTable, key: [UInt8], _ host: Int) {
        var properties = BasicProperties()
        properties.headers = headers
        let key = ShortString(bytes: Array(key.prefix(ShortString.byteLimit)))
        pendingTraces.append(
            (host, makeOwn(properties, exchange: Self.traceExchange, routingKey: key, body: message.body)))
    }

    @inline(never)
    func publishTraces() {
        let traces = pendingTraces
        pendingTraces = []
        for (host, message) in traces { publish(message, host) }
    }

    /// What both kinds tell.
    private func headers(
        of message: Message, _ keys: [ShortString], _ channel: UnsafeMutablePointer<ChannelState>
    ) -> FieldTable {
        let connection = channel.pointee.connection
        return [
            "exchange_name": .longString(Array(message.exchange)),
            "routing_keys": .array(keys.map { .longString($0.bytes) }),
            "properties": .table(properties(of: message)), "node": .string(settings.nodeName),
            "vhost": .longString(connection.pointee.virtualHost.bytes),
            "connection": .string(connection.pointee.peer.connectionName),
            "channel": .int32(Int32(channel.pointee.number)), "user": .longString(connection.pointee.user.bytes),
        ]
    }

    /// The properties by RabbitMQ's names: numbers are signed integers, everything else is text.
    private func properties(of message: Message) -> FieldTable {
        var reader = WireReader(message.properties)
        guard let properties = try? BasicProperties(from: &reader) else { return FieldTable() }
        var table = FieldTable()
        func add(_ name: ShortString, _ text: ShortString?) {
            if let text { table[name] = .longString(text.bytes) }
        }
        func add(_ name: ShortString, _ number: UInt64?) {
            guard let number else { return }
            table[name] = Int32(exactly: number).map { .int32($0) } ?? .int64(Int64(truncatingIfNeeded: number))
        }
        add("content_type", properties.contentType)
        add("content_encoding", properties.contentEncoding)
        if var headers = properties.headers {
            if message.care.contains(.hidesCopies) { headers["BCC"] = nil }
            table["headers"] = .table(headers)
        }
        add("delivery_mode", properties.deliveryMode.map { UInt64($0) })
        add("priority", properties.priority.map { UInt64($0) })
        add("correlation_id", properties.correlationID)
        add("reply_to", properties.replyTo)
        add("expiration", properties.expiration)
        add("message_id", properties.messageID)
        add("timestamp", properties.timestamp)
        add("type", properties.type)
        add("user_id", properties.userID)
        add("app_id", properties.applicationID)
        add("cluster_id", properties.clusterID)
        return table
    }
}
