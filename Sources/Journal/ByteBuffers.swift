#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Bytes of a file that is being made, in memory of its own: built on one thread, written by another.
final class ByteWriter: @unchecked Sendable {
    private var base: UnsafeMutableRawPointer?
    private(set) var count = 0
    private var capacity = 0

    deinit { free(base) }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    private func reserve(_ byteCount: Int) {
        guard capacity - count < byteCount else { return }
        capacity = max(capacity * 2, count + byteCount, 4096)
        guard let grown = realloc(base, capacity) else {
            fatalError("out of memory for \(capacity) bytes of a checkpoint")
        }
        base = grown
    }

    func append(_ value: some FixedWidthInteger & BitwiseCopyable) {
        reserve(MemoryLayout.size(ofValue: value))
        base?.storeBytes(of: value.littleEndian, toByteOffset: count, as: type(of: value))
        count += MemoryLayout.size(ofValue: value)
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count)
        if let source = bytes.baseAddress { base?.advanced(by: count).copyMemory(from: source, byteCount: bytes.count) }
        count += bytes.count
    }

    func store(_ value: UInt32, at offset: Int) { base?.storeBytes(of: value, toByteOffset: offset, as: UInt32.self) }
}

/// Reads what `ByteWriter` wrote; past the end there are only nils.
struct ByteReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var left: Int { bytes.count - offset }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> Number? {
        guard left >= MemoryLayout<Number>.size else { return nil }
        defer { offset += MemoryLayout<Number>.size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }

    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, left >= count else { return nil }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// A count of things of at least this size, so that no damaged count can make us reserve more than there is.
    mutating func count(of byteCount: Int) -> Int? {
        guard let value = number(UInt64.self), value <= UInt64(left / byteCount) else { return nil }
        return Int(value)
    }
}
