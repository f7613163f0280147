import AMQPWire
import Routing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

// Connections, channels and consumers come and go; who logs in, and who may not; the node runs short of something.
extension ShardState {
    func announceLogin(_ connection: UnsafeMutablePointer<ConnectionState>) {
        announce(by: nil, loginEvent("user.authentication.success", connection, connection.pointee.user.bytes))
    }

    func announceRefusedLogin(
        _ connection: UnsafeMutablePointer<ConnectionState>, user: [UInt8], reason: @autoclosure () -> String
    ) {
        guard controlPlane.hasEventListeners else { return }
        var event = loginEvent("user.authentication.failure", connection, user)
        event.headers["error"] = .string(reason())
        announce(by: nil, event)
    }

    private func loginEvent(
        _ key: ShortString, _ connection: UnsafeMutablePointer<ConnectionState>, _ user: [UInt8]
    ) -> BrokerEvent {
        let peer = connection.pointee.peer
        var headers: FieldTable = [
            "name": .longString(user), "connection_type": .string("network"),
            "connection_name": .string(peer.connectionName),
        ]
        addEnds(connection, to: &headers)
        return BrokerEvent(key, headers, namesActingUser: false)
    }

    /// Where it comes from and how, as RabbitMQ's terms.
    private func addEnds(_ connection: UnsafeMutablePointer<ConnectionState>, to headers: inout FieldTable) {
        let peer = connection.pointee.peer
        headers["host"] = .string(Self.erlangAddress(peer.localHost))
        headers["peer_host"] = .string(Self.erlangAddress(peer.host))
        headers["peer_port"] = .int64(Int64(peer.port))
        headers["protocol"] = .string("{0,9,1}")
        headers["auth_mechanism"] = BrokerEvent.text(connection.pointee.origin.mechanism)
        headers["ssl"] = .bool(false)
    }

    /// `{127,0,0,1}`; text that is no address stays as it is.
    static func erlangAddress(_ text: String) -> String {
        var version4 = in_addr()
        if inet_pton(AF_INET, text, &version4) == 1 {
            return "{\(withUnsafeBytes(of: version4) { $0.map { "\($0)" }.joined(separator: ",") })}"
        }
        var version6 = in6_addr()
        guard inet_pton(AF_INET6, text, &version6) == 1 else { return text }
        return withUnsafeBytes(of: version6) { bytes in
            let words = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
            return "{\(words.map { "\($0)" }.joined(separator: ","))}"
        }
    }

    func announceOpened(_ connection: UnsafeMutablePointer<ConnectionState>) {
        announce(by: connection.pointee.user, openedEvent(connection))
    }

    private func openedEvent(_ connection: UnsafeMutablePointer<ConnectionState>) -> BrokerEvent {
        var headers = identity(of: connection)
        headers["type"] = .string("network")
        headers["port"] = .int64(Int64(connection.pointee.peer.localPort))
        addEnds(connection, to: &headers)
        for name in [
            "peer_cert_subject", "peer_cert_issuer", "peer_cert_validity", "ssl_protocol", "ssl_key_exchange",
            "ssl_cipher", "ssl_hash",
        ] {
            headers[ShortString(truncating: name)] = .string("")
        }
        headers["user"] = BrokerEvent.text(connection.pointee.user)
        headers["vhost"] = BrokerEvent.text(connection.pointee.virtualHost)
        headers["timeout"] = .int64(Int64(connection.pointee.heartbeatSeconds))
        headers["frame_max"] = .int64(Int64(connection.pointee.frameMax))
        headers["channel_max"] = .int64(Int64(connection.pointee.channelMax))
        headers["connected_at"] = .int64(Int64(clamping: connection.pointee.origin.connectedMilliseconds))
        return BrokerEvent("connection.created", headers)
    }

    /// Not of one that has said nothing.
    func announceClosed(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard !connection.pointee.origin.mechanism.isEmpty else { return }
        announce(by: nil, BrokerEvent("connection.closed", identity(of: connection), namesActingUser: false))
    }

    private func identity(of connection: UnsafeMutablePointer<ConnectionState>) -> FieldTable {
        var headers: FieldTable = [
            "pid": .string(connection.pointee.address.processText),
            "name": .string(connection.pointee.peer.connectionName), "node": .string(settings.nodeName),
            "client_properties": BrokerEvent.terms(connection.pointee.origin.clientProperties),
        ]
        if let name = connection.pointee.name { headers["user_provided_name"] = .string(name) }
        return headers
    }

    func announceOpened(_ channel: UnsafeMutablePointer<ChannelState>) {
        let connection = channel.pointee.connection
        // What administrative interfaces do is announced, not how.
        guard !connection.pointee.isDirect else { return }
        announce(
            by: connection.pointee.user,
            BrokerEvent(
                "channel.created",
                [
                    "pid": .string(channel.pointee.address.processText),
                    "name": .string("\(connection.pointee.peer.connectionName) (\(channel.pointee.number))"),
                    "connection": .string(connection.pointee.address.processText),
                    "number": .int64(Int64(channel.pointee.number)),
                    "user": BrokerEvent.text(connection.pointee.user),
                    "vhost": BrokerEvent.text(connection.pointee.virtualHost),
                ]))
    }

    func announceClosed(_ channel: UnsafeMutablePointer<ChannelState>) {
        guard !channel.pointee.connection.pointee.isDirect else { return }
        announce(
            by: channel.pointee.connection.pointee.user,
            BrokerEvent("channel.closed", ["pid": .string(channel.pointee.address.processText)]))
    }
}

extension ShardState {
    func announce(_ consumer: ConsumerDescription, of queue: UnsafeMutablePointer<QueueState>) {
        guard controlPlane.hasEventListeners, !Self.isReplyQueue(queue.pointee.name) else { return }
        var headers = Self.headers(of: consumer, queue)
        headers["exclusive"] = .bool(consumer.isExclusive)
        headers["ack_required"] = .bool(!consumer.noAck)
        headers["prefetch_count"] = .int64(Int64(consumer.prefetchCount))
        headers["arguments"] = BrokerEvent.terms(consumer.arguments)
        announce(by: consumer.connection.user, BrokerEvent("consumer.created", headers))
    }

    func announceEndOfConsumers(_ queue: UnsafeMutablePointer<QueueState>) {
        for reference in queue.pointee.consumers.references {
            if let consumer = queue.pointee.consumers.description(reference) { announceEnd(consumer, of: queue) }
        }
    }

    func announceEnd(_ consumer: ConsumerDescription, of queue: UnsafeMutablePointer<QueueState>) {
        guard controlPlane.hasEventListeners, !Self.isReplyQueue(queue.pointee.name) else { return }
        announce(
            by: consumer.connection.user, BrokerEvent("consumer.deleted", Self.headers(of: consumer, queue)))
    }

    private static func headers(
        of consumer: ConsumerDescription, _ queue: UnsafeMutablePointer<QueueState>
    ) -> FieldTable {
        [
            "consumer_tag": BrokerEvent.text(consumer.tag), "channel": .string(consumer.channel.processText),
            "queue": BrokerEvent.text(queue.pointee.name), "vhost": BrokerEvent.text(queue.pointee.virtualHost),
        ]
    }

    /// Every shard is told of alarms; one tells of them.
    func announce(_ alarms: ResourceAlarms, was before: ResourceAlarms) {
        guard index == Self.eventShard else { return }
        for (alarm, source) in [(ResourceAlarms.memory, "memory"), (.disk, "disk")]
        where alarms.contains(alarm) != before.contains(alarm) {
            announce(
                by: nil,
                BrokerEvent(
                    alarms.contains(alarm) ? "alarm.set" : "alarm.cleared",
                    ["source": .string(source), "node": .string(settings.nodeName)], namesActingUser: false))
        }
    }
}
