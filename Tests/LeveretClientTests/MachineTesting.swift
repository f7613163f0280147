import AMQPWire

@testable import LeveretClient

/// The broker's side of a state machine: its bytes are written here, the client's bytes are read here.
struct Conversation: ~Copyable {
    var machine: ConnectionStateMachine
    /// Of the channel opened first.
    static let channel: (number: UInt16, id: ChannelID) = (1, 1)

    /// - Parameter isOpen: the handshake is done and one channel open.
    init(_ options: ConnectionOptions = ConnectionOptions(), isOpen: Bool = true, tune: ConnectionTune = Self.tune) {
        machine = ConnectionStateMachine(options: options)
        guard isOpen else { return }
        machine.open(request: 1, now: 0)
        receive(.connectionStart(Self.start))
        receive(.connectionTune(tune))
        receive(.connectionOpenOk(ConnectionOpenOk()))
        machine.openChannel(request: 2)
        receive(.channelOpenOk(ChannelOpenOk()), on: 1)
        _ = sent()
        _ = machine.takeActions()
    }

    static let start = ConnectionStart(
        versionMajor: 0, versionMinor: 9, mechanisms: Array("AMQPLAIN PLAIN".utf8), locales: Array("en_US".utf8))
    static let tune = ConnectionTune(channelMax: 10, frameMax: 8192, heartbeat: 60)

    mutating func receive(_ method: Method, on channel: UInt16 = 0) {
        receive(Self.bytes { method.writeFrame(channel: channel, to: &$0) })
    }

    mutating func receive(_ bytes: [UInt8], now: UInt64 = 0) {
        bytes.withUnsafeBytes { machine.receive($0, now: now) }
    }

    mutating func actions() -> [Action] { machine.takeActions() }

    /// Every method that the client sent since the last call, and what else it sent, by name.
    mutating func sent() -> [String] {
        var rest = Array(machine.outbound.bytes)[...]
        machine.outbound.removeAll()
        var names: [String] = []
        if rest.starts(with: Array("AMQP".utf8)) {
            names.append("header")
            rest = rest.dropFirst(8)
        }
        while rest.count >= 8 {
            let size = rest.dropFirst(3).prefix(4).reduce(0) { $0 << 8 | Int($1) }
            let payload = Array(rest.dropFirst(7).prefix(size))
            switch rest.first {
            case Frame.method:
                let method = payload.withUnsafeBytes { bytes in
                    var reader = WireReader(bytes)
                    return try? Method.decode(&reader)
                }
                names.append(method?.name ?? "malformed")
            case Frame.header: names.append("content header")
            case Frame.body: names.append("body \(size)")
            case Frame.heartbeat: names.append("heartbeat")
            default: names.append("malformed")
            }
            rest = rest.dropFirst(size + 8)
        }
        return names
    }

    static func bytes(_ write: (inout OutboundBuffer) -> Void) -> [UInt8] {
        var buffer = OutboundBuffer()
        defer { buffer.deallocate() }
        write(&buffer)
        return Array(buffer.bytes)
    }

    /// A method with content, in frames of 8192 bytes.
    static func content(_ method: Method, body: [UInt8], properties: [UInt8] = [0, 0], on channel: UInt16 = 1)
        -> [UInt8]
    {
        bytes { buffer in
            method.writeFrame(channel: channel, to: &buffer)
            properties.withUnsafeBytes { properties in
                buffer.writeHeaderFrame(channel: channel, bodyByteCount: body.count, properties: properties)
            }
            body.withUnsafeBytes { buffer.writeBodyFrames(channel: channel, body: $0, frameMax: 8192) }
        }
    }

    static func delivery(tag: UInt64 = 1, consumer: ShortString = "c", body: [UInt8], on channel: UInt16 = 1) -> [UInt8]
    {
        content(
            .basicDeliver(
                BasicDeliver(consumerTag: consumer, deliveryTag: tag, exchange: "x", routingKey: "k")),
            body: body, on: channel)
    }

    /// A consumer with tag `c` and id 7, whose request has been answered.
    mutating func addConsumer(isAutoAck: Bool = false) throws {
        var request = Request(id: 3, method: .basicConsume(BasicConsume(queue: "q", consumerTag: "c")))
        request.consumer = .init(id: 7, isAutoAck: isAutoAck)
        try machine.request(request, number: 1, channel: 1)
        receive(.basicConsumeOk(BasicConsumeOk(consumerTag: "c")), on: 1)
        _ = sent()
        _ = actions()
    }

    mutating func publish(
        waiter: RequestID = 0, key: String = "k", body: [UInt8] = [1], mandatory: Bool = false
    ) throws(LeveretError) -> Bool {
        try machine.publish(
            OutgoingMessage(exchange: "", routingKey: key, isMandatory: mandatory, properties: nil, body: body),
            waiter: waiter, number: 1, channel: 1)
    }
}

extension [Action] {
    /// How the connection ended, if it did.
    var endCode: LeveretError.Code? {
        for case .ended(let error) in self { return error.code }
        return nil
    }

    var failures: [RequestID: LeveretError.Code] {
        var failures: [RequestID: LeveretError.Code] = [:]
        for case .failed(let request, let error) in self { failures[request] = error.code }
        return failures
    }

    var deliveredBodies: [[UInt8]] {
        var bodies: [[UInt8]] = []
        for case .delivered(_, let message) in self { bodies.append(message.body) }
        return bodies
    }
}
