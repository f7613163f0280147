import AMQPWire

/// A message that is being received on a channel: method, then header, then body frames (AMQP 0-9-1 section 4.2.6).
struct ContentAssembly {
    enum Stage: UInt8 { case idle, header, body }

    /// Two short strings with their length bytes.
    private static let addressingByteLimit = 2 * (1 + ShortString.byteLimit)

    private(set) var stage = Stage.idle
    private(set) var isMandatory = false
    private(set) var isImmediate = false
    /// Exchange and routing key of the last basic.publish; kept after it, so that the next one can be compared.
    private var addressingMemory: UnsafeMutableRawPointer?
    private var addressingByteCount = 0
    private var message: Message?
    private var receivedByteCount = 0
    /// Further routing keys of the message, until it is routed.
    var headerRoutes = HeaderRoutes.none

    var addressing: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: addressingMemory, count: addressingByteCount)
    }
    var exchange: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: addressing[1..<1 + Int(addressing[0])])
    }
    var routingKey: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: addressing[(2 + Int(addressing[0]))...])
    }

    /// basic.publish: returns whether exchange and routing key are the same as last time.
    @inline(__always)
    mutating func begin(addressing new: UnsafeRawBufferPointer, isMandatory: Bool, isImmediate: Bool) -> Bool {
        stage = .header
        self.isMandatory = isMandatory
        self.isImmediate = isImmediate
        if addressingByteCount == new.count, let memory = addressingMemory, let bytes = new.baseAddress,
            sameBytes(memory, bytes, new.count)
        {
            return true
        }
        let memory = addressingMemory ?? .allocate(byteCount: Self.addressingByteLimit, alignment: 8)
        addressingMemory = memory
        memory.copyMemory(from: new.baseAddress.unsafelyUnwrapped, byteCount: new.count)
        addressingByteCount = new.count
        return false
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

    mutating func deallocate() {
        addressingMemory?.deallocate()
        addressingMemory = nil
        addressingByteCount = 0
    }
}
