#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A growing block of malloc'ed bytes to which frames are appended, and which its owner hands on whole.
///
/// It is a plain value around a pointer: whoever holds it last calls `deallocate` or `take`. Appending beyond the
/// capacity doubles it; after `take` it begins as large as it was, so that output that comes again and again is not
/// copied while it grows.
package struct OutboundBuffer: @unchecked Sendable {
    @usableFromInline package internal(set) var base: UnsafeMutableRawPointer?
    @usableFromInline package internal(set) var count = 0
    @usableFromInline package internal(set) var capacity = 0
    /// What the next output may take.
    private var expectedByteCount: UInt32 = 0

    private static let smallestByteCount = 512
    /// Larger output grows as it comes.
    private static let largestExpectedByteCount = 4 << 20

    package init() {}

    package var isEmpty: Bool { count == 0 }
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Makes room for `byteCount` more bytes and returns where they go. Nothing counts as written until `advance`.
    @inlinable
    @inline(__always)
    package mutating func reserve(_ byteCount: Int) -> UnsafeMutableRawPointer {
        if capacity - count < byteCount { grow(byteCount) }
        return base.unsafelyUnwrapped + count
    }

    @inlinable
    @inline(__always)
    package mutating func advance(_ byteCount: Int) {
        count += byteCount
    }

    @inline(never)
    @usableFromInline
    mutating func grow(_ byteCount: Int) {
        var wanted = base == nil ? max(Int(expectedByteCount), Self.smallestByteCount) : capacity * 2
        while wanted - count < byteCount { wanted *= 2 }
        guard let grown = realloc(base, wanted) else { fatalError("out of memory for \(wanted) bytes of output") }
        base = grown
        capacity = wanted
    }

    /// Hands the memory over; the receiver calls `free`. nil when nothing was written.
    package mutating func take() -> (memory: UnsafeMutableRawBufferPointer, count: Int)? {
        guard let base, count > 0 else { return nil }
        let taken = (UnsafeMutableRawBufferPointer(start: base, count: capacity), count)
        // Powers of two, which malloc finds again soon; and not for long what was large once.
        let needed = 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
        let expected = min(max(needed, Int(expectedByteCount) / 2), Self.largestExpectedByteCount)
        self = OutboundBuffer()
        expectedByteCount = UInt32(expected)
        return taken
    }

    package mutating func removeAll() {
        count = 0
    }

    /// Forgets what was written behind `count`, for a frame that is given up half way.
    package mutating func truncate(to count: Int) {
        precondition(count <= self.count)
        self.count = count
    }

    package mutating func deallocate() {
        free(base)
        self = OutboundBuffer()
    }
}

// Primitive types, big-endian as on the wire (AMQP 0-9-1 section 4.2.5).
extension OutboundBuffer {
    package mutating func write(_ value: UInt8) {
        reserve(1).storeBytes(of: value, as: UInt8.self)
        advance(1)
    }

    package mutating func write(_ value: UInt16) {
        reserve(2).storeBytes(of: value.bigEndian, as: UInt16.self)
        advance(2)
    }

    package mutating func write(_ value: UInt32) {
        reserve(4).storeBytes(of: value.bigEndian, as: UInt32.self)
        advance(4)
    }

    package mutating func write(_ value: UInt64) {
        reserve(8).storeBytes(of: value.bigEndian, as: UInt64.self)
        advance(8)
    }

    package mutating func write(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        advance(bytes.count)
    }

    package mutating func write(bytes: [UInt8]) {
        bytes.withUnsafeBytes { write(bytes: $0) }
    }

    package mutating func write(_ value: ShortString) {
        write(UInt8(truncatingIfNeeded: value.count))
        write(bytes: value.bytes)
    }

    package mutating func write(longString: [UInt8]) {
        write(UInt32(longString.count))
        write(bytes: longString)
    }

    package mutating func write(_ table: FieldTable) {
        let start = beginLength()
        table.writeEntries(to: &self)
        endLength(start)
    }

    /// Leaves four bytes for a length that is known only once what follows is written.
    package mutating func beginLength() -> Int {
        write(UInt32(0))
        return count
    }

    package mutating func endLength(_ start: Int) {
        let length = UInt32(count - start)
        (base.unsafelyUnwrapped + start - 4).storeBytes(of: length.bigEndian, as: UInt32.self)
    }
}
