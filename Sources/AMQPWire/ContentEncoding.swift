/// The parts of a stored message, borrowed, as `OutboundBuffer.writeContent` copies them to the wire.
package struct ContentView {
    /// Exchange and routing key, each a shortstr, one behind the other.
    package let addressing: UnsafeRawBufferPointer
    /// Property flags and values.
    package let properties: UnsafeRawBufferPointer
    package let body: UnsafeRawBufferPointer

    package init(
        addressing: UnsafeRawBufferPointer, properties: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
    ) {
        self.addressing = addressing
        self.properties = properties
        self.body = body
    }
}

// Methods with content, each written whole: method frame, header frame, body frames. One reservation and plain stores:
// this is the outgoing half of every message's way. Source: AMQP 0-9-1 section 4.2 and class basic.
extension OutboundBuffer {
    /// basic.deliver. `consumerTag` is the tag as shortstr, its length byte included.
    package mutating func writeDeliver(
        channel: UInt16, consumerTag: UnsafeRawBufferPointer, deliveryTag: UInt64, redelivered: Bool,
        content: ContentView, frameMax: UInt32
    ) {
        let argumentCount = consumerTag.count + 9 + content.addressing.count
        let fixedCount = Frame.overheadByteCount * 2 + 4 + argumentCount + 12 + content.properties.count
        let isOneBodyFrame = frameMax == 0 || content.body.count <= Int(frameMax) - Frame.overheadByteCount
        let start = reserve(fixedCount + (isOneBodyFrame ? content.body.count + Frame.overheadByteCount : 0))
        var position = start
        position.storeFrameHead(Frame.method, channel: channel, size: 4 + argumentCount)
        position.store(UInt32(60 << 16 | 60))
        position.store(consumerTag)
        position.store(deliveryTag)
        position.store(UInt8(redelivered ? 1 : 0))
        position.store(content.addressing)
        position.store(Frame.end)
        position.storeHeader(channel: channel, content: content)
        if isOneBodyFrame, content.body.count > 0 {
            position.storeFrameHead(Frame.body, channel: channel, size: content.body.count)
            position.store(content.body)
            position.store(Frame.end)
        }
        advance(position - start)
        if !isOneBodyFrame { writeBodyFrames(channel: channel, body: content.body, frameMax: frameMax) }
    }

    /// basic.get-ok.
    package mutating func writeGetOk(
        channel: UInt16, deliveryTag: UInt64, redelivered: Bool, messageCount: UInt32, content: ContentView,
        frameMax: UInt32
    ) {
        writeMethodFrame(channel: channel, classID: 60, methodID: 71) { buffer in
            buffer.write(deliveryTag)
            buffer.write(UInt8(redelivered ? 1 : 0))
            buffer.write(bytes: content.addressing)
            buffer.write(messageCount)
        }
        writeHeaderFrame(channel: channel, bodyByteCount: content.body.count, properties: content.properties)
        writeBodyFrames(channel: channel, body: content.body, frameMax: frameMax)
    }

    /// basic.return.
    package mutating func writeReturn(
        channel: UInt16, replyCode: UInt16, replyText: ShortString, content: ContentView, frameMax: UInt32
    ) {
        writeMethodFrame(channel: channel, classID: 60, methodID: 50) { buffer in
            buffer.write(replyCode)
            buffer.write(replyText)
            buffer.write(bytes: content.addressing)
        }
        writeHeaderFrame(channel: channel, bodyByteCount: content.body.count, properties: content.properties)
        writeBodyFrames(channel: channel, body: content.body, frameMax: frameMax)
    }
}

extension UnsafeMutableRawPointer {
    @inline(__always)
    fileprivate mutating func store(_ value: UInt8) {
        storeBytes(of: value, as: UInt8.self)
        self += 1
    }

    @inline(__always)
    fileprivate mutating func store(_ value: UInt32) {
        storeBytes(of: value.bigEndian, as: UInt32.self)
        self += 4
    }

    @inline(__always)
    fileprivate mutating func store(_ value: UInt64) {
        storeBytes(of: value.bigEndian, as: UInt64.self)
        self += 8
    }

    @inline(__always)
    fileprivate mutating func store(_ bytes: UnsafeRawBufferPointer) {
        if let source = bytes.baseAddress {
            copyMemory(from: source, byteCount: bytes.count)
            self += bytes.count
        }
    }

    @inline(__always)
    fileprivate mutating func storeFrameHead(_ type: UInt8, channel: UInt16, size: Int) {
        storeBytes(of: type, as: UInt8.self)
        (self + 1).storeBytes(of: channel.bigEndian, as: UInt16.self)
        (self + 3).storeBytes(of: UInt32(truncatingIfNeeded: size).bigEndian, as: UInt32.self)
        self += Frame.headByteCount
    }

    @inline(__always)
    fileprivate mutating func storeHeader(channel: UInt16, content: ContentView) {
        storeFrameHead(Frame.header, channel: channel, size: 12 + content.properties.count)
        store(UInt32(60 << 16))
        store(UInt64(content.body.count))
        store(content.properties)
        store(Frame.end)
    }
}
