import AMQPWire
import Broker
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A client at the other end of a connection: sends frames, and says what it expects to get.
final class ConversationClient {
    private unowned let conversation: Conversation
    let address: ConnectionAddress
    let shard: Int
    let name: String
    /// What the broker has not taken yet.
    private var input: [[UInt8]] = []
    private var isReadingPaused = false
    private var assembly = FrameAssembly()
    private var received: ArraySlice<Received> = []
    /// Every byte that was sent and received, in order.
    private(set) var sentBytes: [UInt8] = []
    private(set) var receivedBytes: [UInt8] = []
    /// The broker has closed the socket, or the client has.
    private(set) var isClosed = false
    private var isDead = false

    static let allCapabilities: FieldTable = [
        "authentication_failure_close": .bool(true), "basic.nack": .bool(true), "connection.blocked": .bool(true),
        "consumer_cancel_notify": .bool(true), "exchange_exchange_bindings": .bool(true),
        "publisher_confirms": .bool(true),
    ]

    static let protocolHeader: [UInt8] = Array("AMQP".utf8) + [0, 0, 9, 1]

    init(_ conversation: Conversation, address: ConnectionAddress, shard: Int, name: String) {
        self.conversation = conversation
        self.address = address
        self.shard = shard
        self.name = name
    }

    // MARK: Between the shard and the client

    /// Gives the shard what was sent, one read at a time. Returns whether there was something to give.
    func feed(to shard: ShardState) -> Bool {
        guard !isClosed, !isReadingPaused, !input.isEmpty else { return false }
        let bytes = input.removeFirst()
        bytes.withUnsafeBytes { shard.receive(address, $0) }
        // An event loop ends a turn once per read; the caller's comes at once.
        isReadingPaused = shard.isReadingPaused(address)
        return true
    }

    /// Takes what the shard has for this connection.
    func serve(by shard: ShardState) {
        guard !isClosed else { return }
        isReadingPaused = shard.isReadingPaused(address)
        if let output = shard.takeOutput(address) {
            let bytes = Array(UnsafeRawBufferPointer(start: output.memory.baseAddress, count: output.count))
            free(output.memory.baseAddress)
            receivedBytes += bytes
            take(bytes)
        }
        if shard.closesNow(address) { endSocket() }
    }

    private func take(_ bytes: [UInt8]) {
        let new = assembly.take(bytes)
        received += new
        for case .method(let method, _, _) in new { conversation.recorder?.see(method.name) }
    }

    /// The socket dies, but nobody has read its end yet.
    func dieUnnoticed() { isDead = true }

    /// The broker looks at the socket.
    func endSocketIfDead() {
        guard isDead, !isClosed else { return }
        isClosed = true
        conversation.shards[shard].connectionEnded(address)
    }

    /// The socket dies without a word.
    func endSocket() {
        guard !isClosed else { return }
        isClosed = true
        conversation.shards[shard].connectionEnded(address)
        conversation.settle()
    }

    /// The client does not read any more, or reads again.
    func setReading(_ isReading: Bool) {
        conversation.shards[shard].setWritable(address, isReading)
        conversation.settle()
    }

    // MARK: Sending

    /// One read's worth of bytes.
    func send(bytes: [UInt8]) {
        sentBytes += bytes
        input.append(bytes)
        conversation.settle()
    }

    func send(_ method: some WireMethod, channel: UInt16 = 1) {
        conversation.recorder?.send(type(of: method).name)
        send(bytes: frame(method, channel: channel))
    }

    func sendFrame(type: UInt8, channel: UInt16, payload: [UInt8], end: UInt8 = Frame.end) {
        send(bytes: frameBytes(type: type, channel: channel, payload: payload, end: end))
    }

    /// Header and body frames.
    func sendContent(_ body: [UInt8], properties: BasicProperties = BasicProperties(), channel: UInt16 = 1) {
        send(bytes: contentFrames(body, properties: properties, channel: channel))
    }

    /// basic.publish with its content, in one read.
    func publish(
        _ body: String, exchange: ShortString = "", routingKey: ShortString, mandatory: Bool = false,
        properties: BasicProperties = BasicProperties(), channel: UInt16 = 1
    ) {
        conversation.recorder?.send("basic.publish")
        let method = BasicPublish(exchange: exchange, routingKey: routingKey, mandatory: mandatory)
        send(
            bytes: frame(method, channel: channel)
                + contentFrames(Array(body.utf8), properties: properties, channel: channel))
    }

    // MARK: Expecting

    /// The next thing that was received, taken off.
    private func next() -> Received? { received.isEmpty ? nil : received.removeFirst() }

    private func fail(_ expected: String, _ actual: Received?, _ sourceLocation: SourceLocation) {
        let actual = actual?.description ?? (isClosed ? "a closed socket" : "nothing")
        Issue.record("\(name) expected \(expected)\n  got \(actual)", sourceLocation: sourceLocation)
    }

    /// Exactly this method.
    func expect<Expected: WireMethod>(
        _ expected: Expected, channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let next = next()
        if case .method(let method, channel, nil)? = next, method.unwrapped(as: Expected.self) == expected { return }
        fail("\(readable(expected)) on channel \(channel)", next, sourceLocation)
    }

    /// Some method of this kind, for what differs from run to run.
    func expect<Expected: WireMethod>(
        _ type: Expected.Type, channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Expected? {
        let next = next()
        if case .method(let method, channel, nil)? = next, let found = method.unwrapped(as: type) { return found }
        fail("some \(type.name) on channel \(channel)", next, sourceLocation)
        return nil
    }

    /// Exactly this method with this body. Returns the properties for further checks.
    @discardableResult
    func expectContent<Expected: WireMethod>(
        _ expected: Expected, body: [UInt8], channel: UInt16 = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) -> BasicProperties {
        let next = next()
        if case .method(let method, channel, let content?)? = next, content.body == body,
            method.unwrapped(as: Expected.self) == expected
        {
            return content.properties
        }
        let content = readable(Content(properties: BasicProperties(), body: body))
        fail("\(readable(expected)) on channel \(channel) with \(content)", next, sourceLocation)
        return BasicProperties()
    }

    func expectHeartbeat(sourceLocation: SourceLocation = #_sourceLocation) {
        let next = next()
        if next != .heartbeat { fail("a heartbeat", next, sourceLocation) }
    }

    func expectProtocolHeader(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        let next = next()
        if next != .protocolHeader(bytes) { fail("the protocol header \(bytes)", next, sourceLocation) }
    }

    /// Everything that was received, taken off.
    func takeAll() -> [Received] {
        defer { received = [] }
        return Array(received)
    }

    func expectNothing(sourceLocation: SourceLocation = #_sourceLocation) {
        while let next = next() { fail("nothing", next, sourceLocation) }
        #expect(assembly.isAtBoundary, "\(name) got a part of a frame", sourceLocation: sourceLocation)
    }

    func expectClosedSocket(sourceLocation: SourceLocation = #_sourceLocation) {
        expectNothing(sourceLocation: sourceLocation)
        #expect(isClosed, "\(name): the socket is open", sourceLocation: sourceLocation)
    }

    func expectOpenSocket(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(!isClosed, "\(name): the socket is closed", sourceLocation: sourceLocation)
    }

    func setFrameMax(_ frameMax: UInt32) { assembly.frameMax = Int(frameMax) }
}

// MARK: - Bytes

func frame(_ method: some WireMethod, channel: UInt16 = 1) -> [UInt8] {
    written { method.writeFrame(channel: channel, to: &$0) }
}

func frameBytes(type: UInt8, channel: UInt16, payload: [UInt8], end: UInt8 = Frame.end) -> [UInt8] {
    written {
        $0.write(type)
        $0.write(channel)
        $0.write(longString: payload)
        $0.write(end)
    }
}

/// The payload of a content header.
func headerPayload(size: UInt64, classID: UInt16 = 60, weight: UInt16 = 0, properties: [UInt8] = [0, 0]) -> [UInt8] {
    written {
        $0.write(classID)
        $0.write(weight)
        $0.write(size)
        $0.write(bytes: properties)
    }
}

func contentFrames(
    _ body: [UInt8], properties: BasicProperties = BasicProperties(), channel: UInt16 = 1, frameMax: UInt32 = 131_072
) -> [UInt8] {
    let encoded = written { properties.write(to: &$0) }
    let header = headerPayload(size: UInt64(body.count), properties: encoded)
    return written { buffer in
        buffer.write(bytes: frameBytes(type: Frame.header, channel: channel, payload: header))
        body.withUnsafeBytes { buffer.writeBodyFrames(channel: channel, body: $0, frameMax: frameMax) }
    }
}

func written(_ write: (inout OutboundBuffer) -> Void) -> [UInt8] {
    var buffer = OutboundBuffer()
    defer { buffer.deallocate() }
    write(&buffer)
    return [UInt8](buffer.bytes)
}
