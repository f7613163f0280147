/// Reads AMQP's big-endian primitive types from borrowed bytes. Never reads past the end: that throws `.truncated`.
///
/// It is a cursor over memory that it does not own: use it only while the bytes are valid.
package struct WireReader {
    @usableFromInline package var position: UnsafeRawPointer
    @usableFromInline package let end: UnsafeRawPointer

    @inlinable
    package init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; any address serves for a range of length zero.
        let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
        position = base
        end = base + bytes.count
    }

    package var remainingCount: Int { end - position }
    package var remaining: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: position, count: end - position) }

    package mutating func readUInt8() throws(WireError) -> UInt8 {
        guard position < end else { throw .truncated }
        defer { position += 1 }
        return position.load(as: UInt8.self)
    }

    package mutating func readUInt16() throws(WireError) -> UInt16 {
        UInt16(bigEndian: try load(UInt16.self))
    }

    package mutating func readUInt32() throws(WireError) -> UInt32 {
        UInt32(bigEndian: try load(UInt32.self))
    }

    package mutating func readUInt64() throws(WireError) -> UInt64 {
        UInt64(bigEndian: try load(UInt64.self))
    }

    @inline(__always)
    private mutating func load<Integer: FixedWidthInteger & BitwiseCopyable>(
        _ type: Integer.Type
    ) throws(WireError) -> Integer {
        guard end - position >= MemoryLayout<Integer>.size else { throw .truncated }
        defer { position += MemoryLayout<Integer>.size }
        return position.loadUnaligned(as: type)
    }

    /// The next `count` bytes, borrowed.
    package mutating func readBytes(_ count: Int) throws(WireError) -> UnsafeRawBufferPointer {
        guard count >= 0, end - position >= count else { throw .truncated }
        defer { position += count }
        return UnsafeRawBufferPointer(start: position, count: count)
    }

    /// A `shortstr`, borrowed.
    package mutating func readShortStringView() throws(WireError) -> UnsafeRawBufferPointer {
        try readBytes(Int(try readUInt8()))
    }

    package mutating func readShortString() throws(WireError) -> ShortString {
        ShortString(try readShortStringView())
    }

    /// A `longstr`, borrowed.
    package mutating func readLongStringView() throws(WireError) -> UnsafeRawBufferPointer {
        try readBytes(Int(try readUInt32()))
    }

    package mutating func readLongString() throws(WireError) -> [UInt8] {
        [UInt8](try readLongStringView())
    }

    package mutating func readTable() throws(WireError) -> FieldTable {
        var inner = WireReader(try readLongStringView())
        return try FieldTable(readingAll: &inner, depth: 1)
    }

    /// For the end of a method: RabbitMQ refuses bytes behind the last argument.
    package func expectEnd() throws(WireError) {
        guard position == end else { throw .trailingBytes }
    }
}
