import AMQPWire
import Glibc
import struct LeveretClient.ConnectionOptions

/// A connection for one request after the other: the handshake, declarations, the end. A load takes its socket over
/// in between. Everything waits at the most until the deadline.
final class BrokerSession {
    let descriptor: Int32
    private(set) var frameMax: UInt32 = 0
    /// Product and version, as the broker says.
    private(set) var product = ""
    private var inbound: [UInt8] = []
    private var outbound = OutboundBuffer()

    /// How it presents itself to the broker.
    private static let clientProperties: FieldTable = [
        "product": .string("leveretperf"), "platform": .string("Swift"),
        "capabilities": .table([
            "publisher_confirms": .bool(true), "basic.nack": .bool(true), "connection.blocked": .bool(true),
            "consumer_cancel_notify": .bool(true), "authentication_failure_close": .bool(true),
        ]),
    ]

    /// Connects, and goes through the handshake.
    init(_ options: ConnectionOptions, frameMax: UInt32, deadline: Deadline) throws(PerfError) {
        descriptor = try Socket.connect(host: options.host, port: options.port, deadline: deadline)
        try handshake(options, frameMax: frameMax, deadline)
    }

    deinit {
        Glibc.close(descriptor)
        outbound.deallocate()
    }

    private func handshake(_ options: ConnectionOptions, frameMax wanted: UInt32, _ deadline: Deadline)
        throws(PerfError)
    {
        outbound.write(bytes: [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1])
        try flush(deadline)
        guard case .connectionStart(let start) = try receive(deadline) else { throw unexpected("the handshake") }
        if case .longString(let product)? = start.serverProperties["product"] {
            self.product = String(decoding: product, as: UTF8.self)
            if let version = start.serverProperties["version"]?.text { self.product += " \(version)" }
        }
        let response = [0] + Array(options.user.utf8) + [0] + Array(options.password.utf8)
        ConnectionStartOk(
            clientProperties: Self.clientProperties, mechanism: "PLAIN", response: response, locale: "en_US"
        ).writeFrame(channel: 0, to: &outbound)
        try flush(deadline)
        guard case .connectionTune(let tune) = try receive(deadline) else { throw unexpected("the login") }
        frameMax = tune.frameMax == 0 ? wanted : min(wanted, max(tune.frameMax, Frame.sizeMinimum))
        ConnectionTuneOk(channelMax: tune.channelMax, frameMax: frameMax, heartbeat: 0)
            .writeFrame(channel: 0, to: &outbound)
        guard let virtualHost = ShortString(options.virtualHost) else {
            throw .usage("--uri has a virtual host of more than 255 bytes", example: "throughput --uri amqp://host/v")
        }
        ConnectionOpen(virtualHost: virtualHost).writeFrame(channel: 0, to: &outbound)
        try flush(deadline)
        guard case .connectionOpenOk = try receive(deadline) else {
            throw unexpected("opening the virtual host")
        }
    }

    /// Sends a method and waits for the answer to it.
    func call(_ method: Method, on channel: UInt16 = 1, _ deadline: Deadline) throws(PerfError) -> Method {
        method.writeFrame(channel: channel, to: &outbound)
        try flush(deadline)
        return try receive(deadline)
    }

    /// Sends a method that has no answer.
    func send(_ method: Method, on channel: UInt16 = 1, _ deadline: Deadline) throws(PerfError) {
        method.writeFrame(channel: channel, to: &outbound)
        try flush(deadline)
    }

    /// Says goodbye without waiting for the answer, so that many connections can end at the same time.
    func sendClose(_ deadline: Deadline) {
        ConnectionClose(replyCode: 200, replyText: "done").writeFrame(channel: 0, to: &outbound)
        try? flush(deadline)
    }

    /// Waits until the broker has ended the connection; what still comes is thrown away.
    func awaitClose(_ deadline: Deadline) {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let closeOk: [UInt8] = [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, 0xCE]
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count > 0 {
                if count >= 12, bytes[count - 12..<count].elementsEqual(closeOk) { return }
            } else if count == 0 || errno != EAGAIN && errno != EINTR {
                return
            } else if !Socket.wait(descriptor, POLLIN, deadline) {
                return
            }
        }
    }

    private func flush(_ deadline: Deadline) throws(PerfError) {
        var offset = 0
        while offset < outbound.count, let base = outbound.base {
            let count = Glibc.send(descriptor, base + offset, outbound.count - offset, Int32(MSG_NOSIGNAL))
            if count > 0 {
                offset += count
            } else if errno == EAGAIN {
                guard Socket.wait(descriptor, POLLOUT, deadline) else { throw try Self.late("taking a request") }
            } else if errno != EINTR {
                // The broker may have said why before it went: that is worth more than a broken pipe.
                outbound.removeAll()
                if case .connectionClose(let close)? = try? receiveRaw(deadline) { throw ended(close) }
                throw PerfError(.broker, "the broker ended the connection: \(SystemError.text(errno))")
            }
        }
        outbound.removeAll()
    }

    /// The next method: one request is on its way at a time. What the broker closes is an error.
    private func receive(_ deadline: Deadline) throws(PerfError) -> Method {
        while true {
            switch try receiveRaw(deadline) {
            case .connectionClose(let close): throw ended(close)
            case .channelClose(let close): throw BrokerFailure.channelClosed(close)
            case .connectionBlocked, .connectionUnblocked: continue
            case let method: return method
            }
        }
    }

    private func receiveRaw(_ deadline: Deadline) throws(PerfError) -> Method {
        while true {
            if let frame = try takeFrame() {
                guard frame.type == Frame.method else {
                    if frame.type == Frame.heartbeat { continue }
                    throw PerfError(.broker, "a queue of this run is not empty: choose another --prefix")
                }
                return try Self.decode(frame.payload)
            }
            try readMore(deadline)
        }
    }

    private static func decode(_ payload: [UInt8]) throws(PerfError) -> Method {
        let method: Method? = payload.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            return try? Method.decode(&reader)
        }
        guard let method else { throw BrokerFailure.malformed }
        return method
    }

    private func readMore(_ deadline: Deadline) throws(PerfError) {
        var bytes = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            if count > 0 {
                inbound += bytes[..<count]
                if inbound.count >= 8, inbound.starts(with: [0x41, 0x4D, 0x51, 0x50]) {
                    throw PerfError(.broker, "the broker does not speak AMQP 0-9-1")
                }
                return
            }
            if count == 0 { throw PerfError(.broker, "the broker ended the connection without a word") }
            if errno == EAGAIN {
                guard Socket.wait(descriptor, POLLIN, deadline) else { throw try Self.late("answering") }
            } else if errno != EINTR {
                throw PerfError(.broker, "the broker ended the connection: \(SystemError.text(errno))")
            }
        }
    }

    private func takeFrame() throws(PerfError) -> (type: UInt8, payload: [UInt8])? {
        guard inbound.count >= Frame.headByteCount else { return nil }
        let size = inbound[3..<7].reduce(0) { $0 << 8 | Int($1) }
        guard size <= 1 << 20 else { throw BrokerFailure.malformed }
        guard inbound.count >= size + Frame.overheadByteCount else { return nil }
        guard inbound[size + 7] == Frame.end else { throw BrokerFailure.malformed }
        defer { inbound.removeFirst(size + Frame.overheadByteCount) }
        return (inbound[0], Array(inbound[7..<7 + size]))
    }

    private func ended(_ close: ConnectionClose) -> PerfError { BrokerFailure.connectionClosed(close) }

    private func unexpected(_ step: String) -> PerfError {
        PerfError(.broker, "the broker's answer to \(step) is not the one of AMQP 0-9-1")
    }

    private static func late(_ action: String) throws(PerfError) -> PerfError {
        try Interruption.check()
        return PerfError(.timeout, "the broker took too long for \(action); raise --timeout if it is only slow")
    }
}

/// What a broker does to a connection, in its own words.
enum BrokerFailure {
    static let malformed = PerfError(.broker, "the broker's bytes are no valid AMQP 0-9-1")

    static func connectionClosed(_ close: ConnectionClose) -> PerfError {
        PerfError(
            .broker, "the broker closed the connection: \(close.replyCode) \(close.replyText)",
            replyCode: close.replyCode)
    }

    static func channelClosed(_ close: ChannelClose) -> PerfError {
        PerfError(
            .broker, "the broker closed a channel: \(close.replyCode) \(close.replyText)", replyCode: close.replyCode)
    }
}
