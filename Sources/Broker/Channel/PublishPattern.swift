import AMQPWire

/// The frames of a channel's latest basic.publish, up to its body: who publishes much sends the same method and the
/// same header again and again, and what was found out about them need not be found out again.
///
/// It is kept only of a channel that has published twice to the same address, and of a message that the broker need not
/// look into (nothing that is checked, expires or is copied by a header); the less often the longer it was of no use.
///
/// One block of memory: the method frame, the header frame with no body size, then what the message begins with as
/// `Message` has it: head, addressing, properties.
struct PublishPattern {
    private var memory: UnsafeMutableRawPointer?
    /// Of method and header frame; 0 when there is no pattern.
    private(set) var frameByteCount = 0
    /// Where the body size is in them.
    private(set) var sizeOffset = 0
    private(set) var messageByteCount = 0
    private(set) var priority: UInt8 = 0

    /// The message that is being received may become the pattern.
    private var isCandidate = false
    private var wasUsed = false
    /// Patterns in a row that no message was like.
    private var uselessCount: UInt8 = 0
    /// Messages that pass before another pattern is kept.
    private var restCount: UInt16 = 0

    private static let capacity = 640
    private static let uselessLimit: UInt8 = 12
    private static let headerHeadByteCount = 12

    /// A message comes that is not like it, or was not compared.
    @inline(__always)
    mutating func begin(isCandidate: Bool) {
        self.isCandidate = isCandidate
        if frameByteCount != 0 { drop() }
    }

    @inline(never)
    private mutating func drop() {
        frameByteCount = 0
        uselessCount = wasUsed ? 0 : min(uselessCount + 1, Self.uselessLimit)
        restCount = 1 << UInt16(uselessCount) - 1
    }

    /// Whether the message whose header has come shall be the pattern.
    @inline(__always)
    mutating func isWanted() -> Bool {
        guard isCandidate else { return false }
        if restCount == 0 { return true }
        restCount -= 1
        return false
    }

    /// - Parameters:
    ///   - message: with its head, addressing and properties as they were received.
    ///   - bits: the last byte of the method.
    mutating func keep(_ message: Message, channel number: UInt16, methodBits bits: UInt8) {
        let addressing = message.addressing
        let properties = message.properties
        let methodPayload = 7 + addressing.count
        let headerPayload = Self.headerHeadByteCount + properties.count
        let frames = methodPayload + headerPayload + 2 * Frame.overheadByteCount
        let prefix = Message.headByteCount + addressing.count + properties.count
        guard frames + prefix <= Self.capacity else { return }
        var buffer = OutboundBuffer()
        defer { buffer.deallocate() }
        buffer.write(Frame.method)
        buffer.write(number)
        buffer.write(UInt32(methodPayload))
        for part in [60, 40, 0] as [UInt16] { buffer.write(part) }
        buffer.write(bytes: addressing)
        buffer.write(bits)
        buffer.write(Frame.end)
        buffer.write(Frame.header)
        buffer.write(number)
        buffer.write(UInt32(headerPayload))
        for part in [60, 0] as [UInt16] { buffer.write(part) }
        sizeOffset = buffer.count
        buffer.write(UInt64(0))
        buffer.write(bytes: properties)
        buffer.write(Frame.end)
        buffer.write(bytes: UnsafeRawBufferPointer(start: message.memory, count: prefix))
        let memory = self.memory ?? .allocate(byteCount: Self.capacity, alignment: 8)
        self.memory = memory
        memory.copyMemory(from: buffer.bytes.baseAddress.unsafelyUnwrapped, byteCount: buffer.count)
        frameByteCount = frames
        messageByteCount = prefix
        priority = message.priority
        wasUsed = false
    }

    /// Whether these bytes, at least `frameByteCount`, are its frames, whatever their body size.
    @inline(__always)
    func matches(_ bytes: UnsafeRawPointer) -> Bool {
        let frames = UnsafeRawPointer(memory.unsafelyUnwrapped)
        let rest = sizeOffset + 8
        return sameBytes(frames, bytes, sizeOffset) && sameBytes(frames + rest, bytes + rest, frameByteCount - rest)
    }

    /// A message was made of it.
    @inline(__always)
    mutating func noteUse() { wasUsed = true }

    /// What the message begins with.
    @inline(__always)
    var messageBytes: UnsafeRawPointer { UnsafeRawPointer(memory.unsafelyUnwrapped) + frameByteCount }

    mutating func deallocate() {
        memory?.deallocate()
        memory = nil
        frameByteCount = 0
    }
}
