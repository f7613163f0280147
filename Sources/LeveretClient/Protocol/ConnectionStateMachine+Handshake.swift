import AMQPWire

// Protocol header, start, tune, open, and the rest of channel 0. Source: AMQP 0-9-1 section 2.2.4.
extension ConnectionStateMachine {
    /// The socket is there: `request` is answered when the connection is open.
    mutating func open(request: RequestID, now: UInt64) {
        guard phase == .idle else {
            actions.append(.failed(request, endError ?? .closed))
            return
        }
        phase = .starting
        connectionRequest = request
        lastReceivedAt = now
        outbound.write(bytes: [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1])
    }

    mutating func receiveConnectionMethod(_ method: Method) throws(LeveretError) {
        switch (method, phase) {
        case (_, .closed): break
        case (.connectionClose(let close), _):
            send(.connectionCloseOk(ConnectionCloseOk()), channel: 0)
            end(.connectionClosed(close, duringLogin: phase == .tuning))
        case (.connectionCloseOk, .closing): end(.closed)
        case (_, .closing): break
        case (.connectionStart(let start), .starting): try logIn(start)
        case (.connectionSecure, .tuning): throw .handshake("the broker wants more than user and password")
        case (.connectionTune(let tune), .tuning): try self.tune(tune)
        case (.connectionOpenOk, .opening): finishHandshake()
        case (.connectionBlocked(let blocked), .running): actions.append(.blocked(blocked.reason.description))
        case (.connectionUnblocked, .running): actions.append(.blocked(nil))
        default: throw .protocolViolation("\(method.name) at the wrong time")
        }
    }

    private mutating func logIn(_ start: ConnectionStart) throws(LeveretError) {
        guard start.versionMajor == 0, start.versionMinor == 9 else {
            throw .otherProtocol([start.versionMajor, start.versionMinor])
        }
        let mechanisms = String(decoding: start.mechanisms, as: UTF8.self).split(separator: " ")
        guard mechanisms.contains("PLAIN") else {
            throw .handshake("the broker takes no user and password, but \(mechanisms.joined(separator: ", "))")
        }
        serverProperties = start.serverProperties
        let response = [0] + Array(options.user.utf8) + [0] + Array(options.password.utf8)
        send(
            .connectionStartOk(
                ConnectionStartOk(
                    clientProperties: clientProperties, mechanism: "PLAIN", response: response, locale: "en_US")),
            channel: 0)
        phase = .tuning
    }

    private var clientProperties: AMQPWire.FieldTable {
        var properties: AMQPWire.FieldTable = [
            "capabilities": .table([
                "publisher_confirms": .bool(true),
                "exchange_exchange_bindings": .bool(true),
                "basic.nack": .bool(true),
                "consumer_cancel_notify": .bool(true),
                "connection.blocked": .bool(true),
                "authentication_failure_close": .bool(true),
            ]),
            "product": .string("LeveretClient"),
            "platform": .string("Swift"),
            "information": .string("Licensed under the Apache License 2.0"),
        ]
        if let name = options.connectionName { properties["connection_name"] = .string(name) }
        return properties
    }

    private mutating func tune(_ tune: ConnectionTune) throws(LeveretError) {
        if tune.frameMax != 0 {
            guard tune.frameMax >= Frame.sizeMinimum else {
                throw .handshake("the broker allows frames of \(tune.frameMax) bytes only")
            }
            frameMax = min(frameMax, tune.frameMax)
        }
        if tune.channelMax != 0 { channelMax = min(channelMax, tune.channelMax) }
        heartbeatSeconds =
            tune.heartbeat == 0 ? options.heartbeatSeconds : min(options.heartbeatSeconds, tune.heartbeat)
        send(
            .connectionTuneOk(
                ConnectionTuneOk(channelMax: channelMax, frameMax: frameMax, heartbeat: heartbeatSeconds)),
            channel: 0)
        let virtualHost = try ShortString(checking: options.virtualHost, as: "virtual host")
        send(.connectionOpen(ConnectionOpen(virtualHost: virtualHost)), channel: 0)
        phase = .opening
    }

    private mutating func finishHandshake() {
        phase = .running
        let request = connectionRequest
        connectionRequest = 0
        actions.append(.succeeded(request, .method(.connectionOpenOk(ConnectionOpenOk()))))
    }
}
