import CRC32C

/// A message in the spill file, at a multiple of 8 bytes:
///
///     0   CRC-32C   UInt32   of form and content, beginning with the number of the extent
///     4   form      UInt32   `Form`
///     8   content: the message block, as `Message` describes it, or its body alone; then zeros up to the next
///         multiple of 8
///
/// Messages that leave memory together mostly differ in their bodies alone, and the disk sets how fast they come back.
/// So the first of a lot is **whole**, and those that are **like** it have only their body.
///
/// The head of a whole one is free to use once it is checked: the message may stay where it was read, and its block's
/// address goes there.
enum SpillRecord {
    static let headByteCount = 8

    /// What the record has of its message.
    struct Form {
        let bits: UInt32

        private static let likeBit: UInt32 = 1 << 31
        static let largestLikeBody = 1 << 16 - 1
        static let latestLikeMilliseconds = 1 << 15 - 1

        init(bits: UInt32) { self.bits = bits }

        /// - Parameter byteCount: of the message block.
        init(whole byteCount: Int) { bits = UInt32(truncatingIfNeeded: byteCount) }

        /// - Parameter milliseconds: how much later than the first one it was published.
        init(likeFirst body: Int, milliseconds: Int) {
            bits = Self.likeBit | UInt32(truncatingIfNeeded: milliseconds << 16 | body)
        }

        var isWhole: Bool { bits & Self.likeBit == 0 }
        var milliseconds: UInt64 { isWhole ? 0 : UInt64(bits & ~Self.likeBit) >> 16 }
        /// Of what follows the record's head.
        var contentByteCount: Int { isWhole ? Int(bits) : Int(bits & 0xFFFF) }
    }

    /// What a whole message takes.
    @inline(__always)
    static func byteCount(ofMessage byteCount: Int) -> Int { (headByteCount + byteCount + 7) & ~7 }

    /// Without its CRC, which `seal` adds.
    ///
    /// - Parameter first: the lot's first message.
    /// - Returns: the bytes that it took.
    static func write(_ message: Message, like first: Message?, to memory: UnsafeMutableRawPointer) -> Int {
        guard let first, let milliseconds = message.milliseconds(after: first) else {
            return write(message.bytes, Form(whole: message.byteCount), to: memory)
        }
        let body = message.body
        return write(body, Form(likeFirst: body.count, milliseconds: milliseconds), to: memory)
    }

    @inline(__always)
    private static func write(
        _ content: UnsafeRawBufferPointer, _ form: Form, to memory: UnsafeMutableRawPointer
    ) -> Int {
        let whole = byteCount(ofMessage: content.count)
        (memory + whole - 8).storeBytes(of: 0, as: UInt64.self)
        memory.storeBytes(of: form.bits, toByteOffset: 4, as: UInt32.self)
        if let source = content.baseAddress {
            (memory + headByteCount).copyMemory(from: source, byteCount: content.count)
        }
        return whole
    }

    /// Adds the CRC of a record that is written.
    ///
    /// - Parameter extent: its number, so that what a lost write left in the file does not pass for it.
    /// - Returns: the bytes that the record takes.
    static func seal(_ memory: UnsafeMutableRawPointer, extent: UInt32) -> Int {
        let count = Form(bits: memory.load(fromByteOffset: 4, as: UInt32.self)).contentByteCount
        memory.storeBytes(of: crc32c(extent, memory + 4, count + 4), as: UInt32.self)
        return byteCount(ofMessage: count)
    }

    /// The record that begins there; nil when it is not what was written.
    static func read(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, extent: UInt32
    ) -> (form: Form, content: UnsafeRawBufferPointer)? {
        guard offset >= 0, offset + headByteCount <= bytes.count, let base = bytes.baseAddress else { return nil }
        let form = Form(bits: bytes.load(fromByteOffset: offset + 4, as: UInt32.self))
        let count = form.contentByteCount
        guard count <= bytes.count - offset - headByteCount else { return nil }
        let expected = bytes.load(fromByteOffset: offset, as: UInt32.self)
        guard crc32c(extent, base + offset + 4, count + 4) == expected else { return nil }
        return (form, UnsafeRawBufferPointer(start: base + offset + headByteCount, count: count))
    }
}

extension Message {
    /// How much later than another one it was published, if nothing but that and the body tells them apart.
    @inline(__always)
    fileprivate func milliseconds(after first: Message) -> Int? {
        let milliseconds = Int(publishedMilliseconds) - Int(first.publishedMilliseconds)
        guard isLike(first), 0...SpillRecord.Form.latestLikeMilliseconds ~= milliseconds,
            bodyByteCount <= SpillRecord.Form.largestLikeBody
        else { return nil }
        return milliseconds
    }
}
