/// Where the frames of a delivery are in an `OutboundBuffer`, up to its body: method frame, header frame and the head
/// of the one body frame. Those of another delivery to the same consumer, whose content differs in its body alone,
/// differ in the delivery tag and in the body size only: see `OutboundBuffer.repeatDelivery`.
package struct DeliveryFrames {
    fileprivate var start = 0
    /// 0 for no frames.
    fileprivate var byteCount = 0
    // Offsets in the frames.
    fileprivate var tagOffset = 0
    fileprivate var sizeOffset = 0
    /// Of a body that one frame takes.
    fileprivate var bodyByteLimit = 0

    /// No frames.
    package init() {}

    /// Those that `OutboundBuffer.writeDeliver` is about to write.
    ///
    /// - Parameters:
    ///   - start: the buffer's byte count.
    ///   - consumerTagByteCount: of the tag as shortstr.
    package init(at start: Int, consumerTagByteCount: Int, content: ContentView, frameMax: UInt32) {
        let limit = frameMax == 0 ? Int.max : Int(frameMax) - Frame.overheadByteCount
        guard 1...limit ~= content.body.count else { return }
        self.start = start
        bodyByteLimit = limit
        // Class and method come before the consumer tag; redelivered before the addressing.
        tagOffset = Frame.headByteCount + 4 + consumerTagByteCount
        // Class and weight come before the size.
        sizeOffset = tagOffset + 9 + content.addressing.count + 1 + Frame.headByteCount + 4
        byteCount = sizeOffset + 8 + content.properties.count + 1 + Frame.headByteCount
    }

    package var isEmpty: Bool { byteCount == 0 }
}

extension OutboundBuffer {
    /// basic.deliver of what differs from the latest delivery to this consumer in its body alone.
    ///
    /// - Parameter frames: that delivery's; from now on this one's.
    /// - Returns: false, and nothing is written, where there are no frames or the body is not in one frame.
    package mutating func repeatDelivery(
        _ frames: inout DeliveryFrames, deliveryTag: UInt64, body: UnsafeRawBufferPointer
    ) -> Bool {
        let byteCount = frames.byteCount
        guard byteCount > 0, body.count <= frames.bodyByteLimit, body.count > 0, let source = body.baseAddress else {
            return false
        }
        let start = reserve(byteCount &+ body.count &+ 1)
        start.copyMemory(from: start + (frames.start &- count), byteCount: byteCount)
        frames.start = count
        (start + frames.tagOffset).storeBytes(of: deliveryTag.bigEndian, as: UInt64.self)
        (start + frames.sizeOffset).storeBytes(of: UInt64(body.count).bigEndian, as: UInt64.self)
        let content = start + byteCount
        (content - 4).storeBytes(of: UInt32(truncatingIfNeeded: body.count).bigEndian, as: UInt32.self)
        content.copyMemory(from: source, byteCount: body.count)
        (content + body.count).storeBytes(of: Frame.end, as: UInt8.self)
        advance(byteCount &+ body.count &+ 1)
        return true
    }
}
