/// The frame of AMQP 0-9-1 (section 4.2.3):
///
///     0      1         3             7                  size+7  size+8
///     +------+---------+-------------+------------------+--------+
///     | type | channel |    size     |     payload      | 0xCE   |
///     +------+---------+-------------+------------------+--------+
///      UInt8   UInt16      UInt32        size bytes        UInt8
///
/// payload of a method frame:   class-id:UInt16 method-id:UInt16 arguments
/// payload of a content header: class-id:UInt16 weight:UInt16=0 body-size:UInt64 property-flags:UInt16... properties
/// payload of a body frame:     bytes; as many frames as it takes to reach body-size
/// payload of a heartbeat:      nothing, channel 0
@usableFromInline
package enum Frame {
    // Computed and inlinable, because a stored constant of another module is an address that is called for.
    @inlinable package static var method: UInt8 { 1 }
    @inlinable package static var header: UInt8 { 2 }
    @inlinable package static var body: UInt8 { 3 }
    @inlinable package static var heartbeat: UInt8 { 8 }

    @inlinable package static var end: UInt8 { 0xCE }
    /// Type, channel and size.
    @inlinable package static var headByteCount: Int { 7 }
    /// Head and end marker: what a frame adds to its payload.
    @inlinable package static var overheadByteCount: Int { 8 }
    /// The specification's `frame-min-size`: no peer may negotiate less.
    @inlinable package static var sizeMinimum: UInt32 { 4096 }
}

extension OutboundBuffer {
    /// Appends a method frame; `arguments` writes what follows class and method number.
    @inline(__always)
    package mutating func writeMethodFrame(
        channel: UInt16, classID: UInt16, methodID: UInt16, arguments: (inout OutboundBuffer) -> Void
    ) {
        write(Frame.method)
        write(channel)
        let start = beginLength()
        write(classID)
        write(methodID)
        arguments(&self)
        endLength(start)
        write(Frame.end)
    }

    /// Appends a content header frame. `properties` are property flags and values as on the wire.
    package mutating func writeHeaderFrame(
        channel: UInt16, bodyByteCount: Int, properties: UnsafeRawBufferPointer
    ) {
        write(Frame.header)
        write(channel)
        let start = beginLength()
        write(UInt16(60))
        write(UInt16(0))
        write(UInt64(bodyByteCount))
        write(bytes: properties)
        endLength(start)
        write(Frame.end)
    }

    /// Appends as many body frames as `frameMax` asks for (0: no limit); none for an empty body.
    package mutating func writeBodyFrames(channel: UInt16, body: UnsafeRawBufferPointer, frameMax: UInt32) {
        let limit = frameMax == 0 ? Int(UInt32.max) : Int(frameMax) - Frame.overheadByteCount
        var offset = 0
        while offset < body.count {
            let size = min(limit, body.count - offset)
            write(Frame.body)
            write(channel)
            write(UInt32(size))
            write(bytes: UnsafeRawBufferPointer(rebasing: body[offset..<offset + size]))
            write(Frame.end)
            offset += size
        }
    }

    package mutating func writeHeartbeatFrame() {
        write(Frame.heartbeat)
        write(UInt16(0))
        write(UInt32(0))
        write(Frame.end)
    }
}
