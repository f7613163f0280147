import CRC32C

/// A message in the spill file, at a multiple of 8 bytes:
///
///     0   CRC-32C    UInt32   of the byte count and the message, beginning with the number of the extent
///     4   byteCount  UInt32   of the message
///     8   the message block, as `Message` describes it; then zeros up to the next multiple of 8
///
/// The head is free to use once it is checked: the message stays where it was read, and its block's address goes there.
enum SpillRecord {
    static let headByteCount = 8

    @inline(__always)
    static func byteCount(ofMessage byteCount: Int) -> Int { (headByteCount + byteCount + 7) & ~7 }

    /// Without its CRC, which `SpillBuffer.seal` adds.
    ///
    /// - Returns: the bytes that it took.
    static func write(_ message: UnsafeRawBufferPointer, to memory: UnsafeMutableRawPointer) -> Int {
        let whole = byteCount(ofMessage: message.count)
        (memory + whole - 8).storeBytes(of: 0, as: UInt64.self)
        memory.storeBytes(of: UInt32(truncatingIfNeeded: message.count), toByteOffset: 4, as: UInt32.self)
        if let source = message.baseAddress {
            (memory + headByteCount).copyMemory(from: source, byteCount: message.count)
        }
        return whole
    }

    /// Adds the CRC of a record that is written.
    ///
    /// - Parameter extent: its number, so that what a lost write left in the file does not pass for it.
    /// - Returns: the bytes that the record takes.
    static func seal(_ memory: UnsafeMutableRawPointer, extent: UInt32) -> Int {
        let count = Int(memory.load(fromByteOffset: 4, as: UInt32.self))
        memory.storeBytes(of: crc32c(extent, memory + 4, count + 4), as: UInt32.self)
        return byteCount(ofMessage: count)
    }

    /// The message that begins there; nil when it is not what was written.
    static func message(
        in bytes: UnsafeRawBufferPointer, at offset: Int, extent: UInt32
    ) -> UnsafeRawBufferPointer? {
        guard offset >= 0, offset + headByteCount <= bytes.count, let base = bytes.baseAddress else { return nil }
        let count = Int(bytes.load(fromByteOffset: offset + 4, as: UInt32.self))
        guard count <= bytes.count - offset - headByteCount else { return nil }
        let expected = bytes.load(fromByteOffset: offset, as: UInt32.self)
        guard crc32c(extent, base + offset + 4, count + 4) == expected else { return nil }
        return UnsafeRawBufferPointer(start: base + offset + headByteCount, count: count)
    }
}
