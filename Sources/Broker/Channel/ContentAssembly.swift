import AMQPWire

/// A message that is being received on a channel: method, then header, then body frames (AMQP 0-9-1 section 4.2.6).
struct ContentAssembly {
    enum Stage: UInt8 { case idle, header, body }

    private(set) var stage = Stage.idle
    private(set) var isMandatory = false
    private(set) var isImmediate = false
    private var message: Message?
    private var receivedByteCount = 0
    /// Further routing keys of the message, until it is routed.
    var headerRoutes = HeaderRoutes.none

    /// basic.publish, of which the channel's current route has exchange and routing key.
    @inline(__always)
    mutating func begin(isMandatory: Bool, isImmediate: Bool) {
        stage = .header
        self.isMandatory = isMandatory
        self.isImmediate = isImmediate
    }

    /// The header has come: body frames go into `message`.
    @inline(__always)
    mutating func receiveHeader(_ message: Message) {
        stage = .body
        self.message = message
        receivedByteCount = 0
    }

    /// How many bytes of the body are still to come.
    @inline(__always)
    var missingByteCount: Int { (message?.bodyByteCount ?? 0) - receivedByteCount }

    /// - Precondition: no more than `missingByteCount` bytes.
    @inline(__always)
    mutating func receiveBody(_ bytes: UnsafeRawBufferPointer) {
        guard let message, let source = bytes.baseAddress else { return }
        (message.bodyMemory + receivedByteCount).copyMemory(from: source, byteCount: bytes.count)
        receivedByteCount += bytes.count
    }

    /// Takes the complete message out.
    @inline(__always)
    mutating func complete() -> Message {
        stage = .idle
        let complete = message.unsafelyUnwrapped
        message = nil
        return complete
    }

    /// Gives up; the caller releases what is returned.
    mutating func abandon() -> Message? {
        stage = .idle
        defer { message = nil }
        return message
    }
}
