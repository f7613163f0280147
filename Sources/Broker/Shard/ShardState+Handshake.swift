import AMQPWire

// Protocol header, start, tune, open (AMQP 0-9-1 section 2.2.4; RabbitMQ: rabbit_reader).
extension ShardState {
    func receiveProtocolHeader(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ header: UnsafeRawBufferPointer
    ) {
        switch Array(header) {
        // 0-9-1, and 0-9, which is close enough to be treated as the same.
        case [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1], [0x41, 0x4D, 0x51, 0x50, 1, 1, 0, 9]: start(connection)
        case let bytes:
            note(.error, "refused connection from \(connection.pointee.peer.name): \(Self.describeHeader(bytes))")
            for byte in [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1] as [UInt8] { connection.pointee.outbound.write(byte) }
            close(connection, afterMilliseconds: 0)
        }
    }

    /// What the first eight bytes look like: it saves the operator a packet capture.
    private static func describeHeader(_ bytes: [UInt8]) -> String {
        if bytes[0] == 0x16, bytes[1] == 0x03 {
            return "a TLS client hello on a port without TLS"
        }
        let methods = ["GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "PRI * "]
        if methods.contains(where: { bytes.starts(with: $0.utf8) }) {
            return "an HTTP request on the AMQP port (the HTTP API is on another port)"
        }
        if bytes.starts(with: "AMQP".utf8) {
            let version = bytes[4...].map { String($0) }.joined(separator: ".")
            return "AMQP protocol header \(version); this broker speaks 0-9-1"
        }
        return "bytes that are no AMQP protocol header: \(bytes)"
    }

    private func start(_ connection: UnsafeMutablePointer<ConnectionState>) {
        connection.pointee.phase = .starting
        ConnectionStart(
            versionMajor: 0, versionMinor: 9, serverProperties: serverProperties,
            mechanisms: Array("PLAIN AMQPLAIN".utf8), locales: Array("en_US".utf8)
        ).writeFrame(channel: 0, to: &connection.pointee.outbound)
        list(connection)
    }

    /// RabbitMQ's keys; every capability that is named here is honoured.
    private var serverProperties: FieldTable {
        [
            "capabilities": .table([
                "publisher_confirms": .bool(true),
                "exchange_exchange_bindings": .bool(true),
                "basic.nack": .bool(true),
                "consumer_cancel_notify": .bool(true),
                "per_consumer_qos": .bool(true),
                "authentication_failure_close": .bool(true),
                "connection.blocked": .bool(true),
                "consumer_priorities": .bool(true),
                "direct_reply_to": .bool(true),
            ]),
            "cluster_name": .string(clusterName),
            "copyright": .string("Copyright (c) the Leveret authors"),
            "information": .string("Licensed under the Apache License 2.0"),
            "platform": .string(settings.platform),
            "product": .string(settings.product),
            "version": .string(settings.version),
        ]
    }

    /// A method on channel 0, in whatever phase.
    func receiveConnectionMethod(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        let method = try Self.decode(payload)
        do throws(ProtocolError) {
            try receive(method, connection)
        } catch {
            throw error.blaming(method.classID, method.methodID)
        }
    }

    private func receive(
        _ method: Method, _ connection: UnsafeMutablePointer<ConnectionState>
    ) throws(ProtocolError) {
        switch (method, connection.pointee.phase) {
        case (.connectionStartOk(let startOk), .starting): try authenticate(connection, startOk)
        case (.connectionTuneOk(let tuneOk), .tuning): try tune(connection, tuneOk)
        case (.connectionOpen(let open), .opening): try self.open(connection, open)
        case (.connectionClose, .closing), (.connectionClose, .awaitingCloseOk):
            ConnectionCloseOk().writeFrame(channel: 0, to: &connection.pointee.outbound)
            list(connection)
        case (.connectionClose, .running): closeByClient(connection)
        case (.connectionClose, _): finishClose(connection)
        case (.connectionCloseOk, .awaitingCloseOk): close(connection, afterMilliseconds: 0)
        case (.connectionUpdateSecret(let update), .running): try updateSecret(connection, update)
        case (_, .closing), (_, .awaitingCloseOk): break
        case (_, let phase): throw .unexpectedMethod(state: phase.rawValue)
        }
    }

    private func authenticate(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ startOk: ConnectionStartOk
    ) throws(ProtocolError) {
        connection.pointee.capabilities = ClientCapabilities(clientProperties: startOk.clientProperties)
        connection.pointee.origin.clientProperties = startOk.clientProperties
        connection.pointee.origin.mechanism = startOk.mechanism
        connection.pointee.name = startOk.clientProperties["connection_name"]?.text
        let credentials: (name: [UInt8], password: [UInt8])
        switch startOk.mechanism {
        case "PLAIN": credentials = try Self.plainCredentials(startOk.response)
        case "AMQPLAIN": credentials = try Self.amqplainCredentials(startOk.response)
        default: throw .unknownMechanism(startOk.mechanism)
        }
        let peer = connection.pointee.peer
        switch controlPlane.authenticate(
            name: credentials.name, password: credentials.password, from: peer.address, isLoopback: peer.isLoopback,
            by: .amqp)
        {
        case .accepted(let user):
            connection.pointee.user = user.name
            announceLogin(connection)
        case .refused(let reason):
            announceRefusedLogin(connection, user: credentials.name, reason: reason)
            return refuseLogin(connection, mechanism: startOk.mechanism.description, reason)
        }
        connection.pointee.phase = .tuning
        ConnectionTune(
            channelMax: settings.channelMax, frameMax: settings.frameMax, heartbeat: settings.heartbeatSeconds
        ).writeFrame(channel: 0, to: &connection.pointee.outbound)
        list(connection)
    }

    /// Guessing shall take its time: the answer comes late, to clients that understand one, and the end later still.
    private func refuseLogin(
        _ connection: UnsafeMutablePointer<ConnectionState>, mechanism: String, _ reason: String
    ) {
        note(
            .error,
            "error on connection \(connection.pointee.peer.name), state \(connection.pointee.phase.rawValue): "
                + "\(mechanism) login refused: \(reason)")
        guard refusedLoginCount < Limit.refusedLogins else { return close(connection, afterMilliseconds: 0) }
        close(connection, afterMilliseconds: Limit.silentCloseMilliseconds)
        refusedLoginCount += 1
        connection.pointee.refusedLogin = RefusedLogin(
            error: .loginRefused(mechanism: mechanism),
            answersAtMilliseconds: now.monotonicMilliseconds + Limit.refusedLoginMilliseconds)
    }

    /// Its time has come.
    func answerRefusedLogin(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard let refused = connection.pointee.refusedLogin,
            refused.answersAtMilliseconds <= now.monotonicMilliseconds
        else { return }
        forgetRefusedLogin(connection)
        // RabbitMQ blames no method for a refused login.
        if connection.pointee.capabilities.authenticationFailureClose { writeClose(connection, refused.error) }
    }

    func forgetRefusedLogin(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard connection.pointee.refusedLogin != nil else { return }
        connection.pointee.refusedLogin = nil
        refusedLoginCount -= 1
    }

    /// SASL PLAIN (RFC 4616): authorisation id, NUL, name, NUL, password. The first is ignored, as RabbitMQ does.
    private static func plainCredentials(
        _ response: [UInt8]
    ) throws(ProtocolError) -> (name: [UInt8], password: [UInt8]) {
        let parts = response.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].contains(0) else { throw .invalidResponse(mechanism: "PLAIN") }
        return (Array(parts[1]), Array(parts[2]))
    }

    /// RabbitMQ's AMQPLAIN: a field table without its length, with LOGIN and PASSWORD.
    private static func amqplainCredentials(
        _ response: [UInt8]
    ) throws(ProtocolError) -> (name: [UInt8], password: [UInt8]) {
        let table = response.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            return try? FieldTable(readingAll: &reader, depth: 1)
        }
        guard case .longString(let name)? = table?["LOGIN"], case .longString(let password)? = table?["PASSWORD"] else {
            throw .invalidResponse(mechanism: "AMQPLAIN")
        }
        return (name, password)
    }

    private func tune(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ tuneOk: ConnectionTuneOk
    ) throws(ProtocolError) {
        func check(_ field: String, _ value: UInt32, minimum: UInt32, offered: UInt32) throws(ProtocolError) {
            if value != 0, value < minimum { throw .negotiation(field, value, .minimum, minimum) }
            if offered != 0, value == 0 || value > offered { throw .negotiation(field, value, .maximum, offered) }
        }
        try check("frame_max", tuneOk.frameMax, minimum: Frame.sizeMinimum, offered: settings.frameMax)
        try check("channel_max", UInt32(tuneOk.channelMax), minimum: 1, offered: UInt32(settings.channelMax))
        connection.pointee.frameMax = tuneOk.frameMax
        connection.pointee.channelMax = tuneOk.channelMax
        connection.pointee.heartbeatSeconds = tuneOk.heartbeat
        connection.pointee.phase = .opening
    }

    private func open(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ open: ConnectionOpen
    ) throws(ProtocolError) {
        try enterVirtualHost(connection, open.virtualHost)
        connection.pointee.phase = .running
        statistics.connectionsOpened &+= 1
        connection.pointee.details = ConnectionDetails(
            address: connection.pointee.address, peer: connection.pointee.peer, user: connection.pointee.user,
            virtualHost: open.virtualHost)
        announceOpened(connection)
        ConnectionOpenOk().writeFrame(channel: 0, to: &connection.pointee.outbound)
        list(connection)
        let name = connection.pointee.name.map { " (\($0))" } ?? ""
        note(
            .info,
            "connection \(connection.pointee.peer.name)\(name): user '\(connection.pointee.user)' authenticated and "
                + "granted access to vhost '\(open.virtualHost)'")
    }

    /// The users' secrets are passwords, which do not expire: any is taken, and none is kept, as by RabbitMQ's internal
    /// backend (`rabbit_access_control:update_state`). It is the moment at which a connection is measured by what its
    /// user may do.
    private func updateSecret(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ update: ConnectionUpdateSecret
    ) throws(ProtocolError) {
        followTopology()
        try permissions.checkEntry(of: connection.pointee.user, to: connection.pointee.virtualHost)
        ConnectionUpdateSecretOk().writeFrame(channel: 0, to: &connection.pointee.outbound)
        list(connection)
        note(
            .info,
            "connection \(connection.pointee.peer.name): user '\(connection.pointee.user)' updated secret, reason: "
                + update.reason.description)
        recheckConsumers(connection)
    }
}
