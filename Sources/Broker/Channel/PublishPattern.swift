import AMQPWire

/// The frames of a channel's latest basic.publish, up to its body: who publishes much sends the same method and the
/// same header again and again, and what was found out about them need not be found out again. Exchange and routing key
/// may change.
///
/// It is kept only of a message that the broker need not look into (nothing that is checked, expires or is copied by a
/// header); the less often the longer it was of no use.
///
/// One buffer: what the message begins with as `Message` has it, which is head, addressing and properties; then the
/// method frame, the header frame and the head of the one body frame.
struct PublishPattern {
    private var buffer = OutboundBuffer()
    /// Of method and header frame; 0 when there is no pattern.
    private(set) var frameByteCount = 0
    /// Where the body size is in them.
    private var sizeOffset = 0
    /// The latest message's, as it stands in the frames.
    private var bodyByteCount = 0
    private(set) var messageByteCount = 0
    private(set) var priority: UInt8 = 0

    /// The message that is being received may become the pattern.
    private var isCandidate = false
    private var wasUsed = false
    /// Patterns in a row that no message was like.
    private var uselessCount: UInt8 = 0
    /// Messages that pass before another pattern is kept.
    private var restCount: UInt16 = 0

    private static let byteLimit = 640
    private static let uselessLimit: UInt8 = 12
    private static let headerHeadByteCount = 12
    /// Where the body size is in a header frame.
    private static let headerSizeOffset = Frame.headByteCount + 4
    /// Where exchange and routing key are in the method frame: behind class, method and what is reserved.
    private static let namesOffset = Frame.headByteCount + 6

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
        guard frames + Frame.headByteCount + prefix <= Self.byteLimit else { return }
        buffer.removeAll()
        _ = buffer.reserve(Self.byteLimit)
        buffer.write(bytes: UnsafeRawBufferPointer(start: message.memory, count: prefix))
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
        sizeOffset = buffer.count - prefix
        buffer.write(UInt64(message.bodyByteCount))
        buffer.write(bytes: properties)
        buffer.write(Frame.end)
        buffer.write(Frame.body)
        buffer.write(number)
        buffer.write(UInt32(message.bodyByteCount))
        bodyByteCount = message.bodyByteCount
        frameByteCount = frames
        messageByteCount = prefix
        priority = message.priority
        wasUsed = false
    }

    @inline(__always)
    private var frames: UnsafeMutableRawPointer { buffer.base.unsafelyUnwrapped + messageByteCount }

    /// Exchange and routing key of the message that begins here, if its method differs from the pattern's in them alone
    /// and its frames may be as long as that makes them.
    @inline(__always)
    func otherAddressing(at bytes: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UnsafeRawBufferPointer? {
        let names = Self.namesOffset
        let known = message.addressingByteCount
        guard end - bytes > names + 4 else { return nil }
        let payload = Int(UInt32(bigEndian: (bytes + 3).loadUnaligned(as: UInt32.self)))
        // Frame type and channel; class, method and what is reserved.
        guard payload >= 9, end - bytes > frameByteCount + Frame.headByteCount + payload - 7 - known,
            difference(bytes, 0, as: UInt64.self).littleEndian & 0xFF00_0000_00FF_FFFF == 0,
            difference(bytes, 8, as: UInt32.self) | difference(bytes, 9, as: UInt32.self) == 0
        else { return nil }
        let exchange = Int((bytes + names).load(as: UInt8.self))
        guard payload >= 9 + exchange,
            payload == 9 + exchange + Int((bytes + names + 1 + exchange).load(as: UInt8.self)),
            // The bits, and the frame's end.
            (frames + names + known).loadUnaligned(as: UInt16.self)
                == (bytes + names + payload - 7).loadUnaligned(as: UInt16.self)
        else { return nil }
        return UnsafeRawBufferPointer(start: bytes + names, count: payload - 7)
    }

    /// What tells these frames from the pattern's at one place.
    @inline(__always)
    private func difference<Word: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawPointer, _ offset: Int, as type: Word.Type
    ) -> Word {
        frames.loadUnaligned(fromByteOffset: offset, as: type) ^ bytes.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// From now on it is of these names. False, and nothing has changed, if they are too long for it.
    @inline(__always)
    mutating func take(_ addressing: UnsafeRawBufferPointer) -> Bool {
        let change = addressing.count - message.addressingByteCount
        guard messageByteCount + frameByteCount + Frame.headByteCount + 2 * change <= Self.byteLimit,
            let names = addressing.baseAddress
        else { return false }
        if change != 0 { makeRoom(change) }
        (message.memory + Message.headByteCount).copyMemory(from: names, byteCount: addressing.count)
        (frames + Self.namesOffset).copyMemory(from: names, byteCount: addressing.count)
        return true
    }

    /// Makes the two places of exchange and routing key so much longer, or shorter.
    private mutating func makeRoom(_ change: Int) {
        let known = message.addressingByteCount
        // Properties and the method up to its names; what is behind those.
        let between = message.memory + Message.headByteCount + known
        let rest = frames + Self.namesOffset + known
        let restByteCount = frameByteCount + Frame.headByteCount - Self.namesOffset - known
        // What stands in the way moves first.
        if change > 0 { (rest + 2 * change).copyMemory(from: rest, byteCount: restByteCount) }
        (between + change).copyMemory(from: between, byteCount: rest - between - known)
        if change < 0 { (rest + 2 * change).copyMemory(from: rest, byteCount: restByteCount) }
        message.setAddressingByteCount(known + change)
        messageByteCount += change
        frameByteCount += change
        sizeOffset += change
        let payload = UInt32(truncatingIfNeeded: 7 + known + change)
        (frames + 3).storeBytes(of: payload.bigEndian, as: UInt32.self)
    }

    /// The body of the message that begins here, if it is whole and in one frame, and the frames are the pattern's,
    /// whatever their body size.
    ///
    /// - Parameter limit: of the body, in bytes.
    @inline(__always)
    mutating func body(at bytes: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int) -> UnsafeRawBufferPointer? {
        let head = frameByteCount + Frame.headByteCount
        guard end - bytes > head else { return nil }
        if !sameBytes(UnsafeRawPointer(frames), bytes, head) {
            // Other names mostly end otherwise.
            guard difference(bytes, sizeOffset - Self.headerSizeOffset - 8, as: UInt64.self) == 0, takeSize(of: bytes)
            else { return nil }
        }
        guard bodyByteCount > 0, bodyByteCount <= limit, end - bytes > head + bodyByteCount,
            (bytes + head + bodyByteCount).load(as: UInt8.self) == Frame.end
        else { return nil }
        wasUsed = true
        return UnsafeRawBufferPointer(start: bytes + head, count: bodyByteCount)
    }

    /// These frames may have another body size: the pattern has it from now on. False if they have anything else.
    @inline(never)
    private mutating func takeSize(of bytes: UnsafeRawPointer) -> Bool {
        let frames = frames
        let rest = sizeOffset + 8
        // Of the body frame, its type and its channel.
        let bodySizeOffset = frameByteCount + 3
        let size = UInt64(bigEndian: (bytes + sizeOffset).loadUnaligned(as: UInt64.self))
        guard sameBytes(UnsafeRawPointer(frames), bytes, sizeOffset),
            sameBytes(UnsafeRawPointer(frames) + rest, bytes + rest, bodySizeOffset - rest),
            UInt64(UInt32(bigEndian: (bytes + bodySizeOffset).loadUnaligned(as: UInt32.self))) == size
        else { return false }
        (frames + sizeOffset).storeBytes(of: size.bigEndian, as: UInt64.self)
        (frames + bodySizeOffset).storeBytes(of: UInt32(truncatingIfNeeded: size).bigEndian, as: UInt32.self)
        bodyByteCount = Int(size)
        return true
    }

    /// What messages begin with, up to their body.
    @inline(__always)
    var message: Message { Message(memory: buffer.base.unsafelyUnwrapped) }

    mutating func deallocate() {
        buffer.deallocate()
        frameByteCount = 0
    }
}
