import AMQPWire
import Broker
import SplitMix

/// A client that speaks AMQP over a simulated socket: it sends what its role makes up, and checks every frame that
/// comes back. What it does stands in `SimulatedClient+actions`, what it checks in `SimulatedClient+answers`.
final class SimulatedClient {
    enum Role { case publisher, consumer, noAckConsumer, churner, administrator }
    enum Phase { case idle, handshake, running, closing, ended }

    /// Below 256.
    let index: Int
    let role: Role
    let ledger: SimulatedLedger
    var random: SplitMix64

    var phase = Phase.idle
    var socket: SimulatedSocket?
    var channels: [UInt16: SimulatedChannel] = [:]
    private var frames = SimulatedFrameReader()
    var frameMax: UInt32 = 131_072
    /// The broker is to answer with connection.close.
    var isDoomed = false
    /// Answers everything and settles everything, but begins nothing new.
    var isQuiescing = false
    var nextNumber = 0
    var waitsBeforeReconnect = 0

    init(index: Int, role: Role, ledger: SimulatedLedger, random: SplitMix64) {
        self.index = index
        self.role = role
        self.ledger = ledger
        self.random = random
    }

    func fail(_ text: String) { ledger.fail("\(role) \(index): \(text)") }

    /// Unique over all clients and their channels and consumers.
    func takeNumber() -> Int {
        nextNumber += 1
        return nextNumber << 8 | index
    }

    // MARK: Connection

    func connect(_ node: SimulatedNode, shard: Int) {
        socket = node.connect(to: shard, highWaterMark: random.pick([2000, 20_000, 200_000]))
        phase = .handshake
        frameMax = random.pick([4096, 8192, 131_072])
        write { buffer in
            for byte in [0x41, 0x4D, 0x51, 0x50, 0, 0, 9, 1] as [UInt8] { buffer.write(byte) }
        }
    }

    func write(_ body: (inout OutboundBuffer) -> Void) {
        guard let socket, !socket.hasEnded, !socket.clientHasEnded else { return }
        var buffer = OutboundBuffer()
        body(&buffer)
        socket.toBroker.write(buffer.bytes)
        buffer.deallocate()
    }

    func send(_ method: Method, channel: UInt16 = 0) {
        write { method.writeFrame(channel: channel, to: &$0) }
    }

    /// Sends a question.
    func ask(_ method: Method, on channel: SimulatedChannel, detail: ExpectedAnswer.Detail = .none) {
        channel.expected.append(ExpectedAnswer(to: method, detail: detail))
        channel.questionCount += 1
        send(method, channel: channel.number)
    }

    /// connection.close, in order.
    func close() {
        guard phase == .running else { return }
        for channel in channels.values where !channel.isDoomed && channel.phase != .closing {
            channel.releaseHeld(ledger)
            channel.phase = .closing
        }
        phase = .closing
        send(.connectionClose(ConnectionClose(replyCode: 200, replyText: "bye")))
    }

    /// The process dies: nothing more is sent or read.
    func die() {
        guard let socket, !socket.hasEnded, !socket.clientHasEnded else { return }
        socket.clientHasEnded = true
        socket.toClient.lose()
        phase = .ended
    }

    /// The broker is about to learn that the socket is gone.
    func socketEnds(readCount: Int) {
        for number in channels.keys.sorted() { channels[number]?.resolveDead(ledger, readCount: readCount) }
        channels = [:]
        socket = nil
        phase = .idle
        isDoomed = false
        frames = SimulatedFrameReader()
        waitsBeforeReconnect = random.below(20)
    }

    func receive(_ bytes: [UInt8]) {
        frames.append(bytes)
        while ledger.failure == nil, phase != .ended, phase != .idle, let frame = frames.next() { receive(frame) }
    }

    private func receive(_ frame: SimulatedFrame) {
        if frame.channel == 0 {
            guard frame.type == Frame.method else {
                if frame.type != Frame.heartbeat { fail("a frame of type \(frame.type) on channel 0") }
                return
            }
            receiveConnectionMethod(frame.method)
            return
        }
        guard let channel = channels[frame.channel] else {
            return fail("a frame on channel \(frame.channel), which is not open: \(frame)")
        }
        receive(frame, on: channel)
    }

    private func receiveConnectionMethod(_ method: Method) {
        switch (method, phase) {
        case (.connectionStart, .handshake):
            let properties: FieldTable = ["capabilities": .table(["consumer_cancel_notify": .bool(true)])]
            send(
                .connectionStartOk(
                    ConnectionStartOk(
                        clientProperties: properties, mechanism: "PLAIN", response: Array("\0guest\0guest".utf8),
                        locale: "en_US")))
        case (.connectionTune, .handshake):
            send(.connectionTuneOk(ConnectionTuneOk(channelMax: 100, frameMax: frameMax, heartbeat: 0)))
            send(.connectionOpen(ConnectionOpen(virtualHost: "/")))
        case (.connectionOpenOk, .handshake): phase = .running
        case (.connectionCloseOk, .closing):
            for number in channels.keys.sorted() {
                guard let channel = channels[number] else { continue }
                if !channel.isDoomed { channel.resolveClosed(ledger) }
            }
            phase = .ended
        case (.connectionClose(let close), .running), (.connectionClose(let close), .closing):
            if !isDoomed { fail("connection.close \(close.replyCode) \(close.replyText)") }
            send(.connectionCloseOk(ConnectionCloseOk()))
            phase = .ended
        default: fail("\(method) in phase \(phase)")
        }
    }

    // MARK: Channels

    func openChannel(_ number: UInt16) -> SimulatedChannel {
        let channel = SimulatedChannel(number: number, incarnation: takeNumber())
        channel.mayFail = role == .churner
        channels[number] = channel
        ask(.channelOpen(ChannelOpen()), on: channel)
        channel.phase = .open
        return channel
    }

    func closeChannel(_ channel: SimulatedChannel) {
        guard channel.phase == .open, !channel.isDoomed else { return }
        channel.releaseHeld(ledger)
        channel.phase = .closing
        ask(.channelClose(ChannelClose(replyCode: 200, replyText: "bye")), on: channel)
    }

    /// Nothing is owed to this client, and it owes nothing.
    var isQuiet: Bool {
        guard phase == .running else { return phase == .idle }
        return channels.values.allSatisfy { channel in
            channel.expected.isEmpty && channel.content == nil && !channel.isDoomed
                && (!channel.isConfirming || channel.confirmedCount == channel.publishCount)
                && channel.unacked.isEmpty
        } && frames.isEmpty
    }
}
