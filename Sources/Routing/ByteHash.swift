/// A fast hash of bytes, not for cryptography: folded 64 by 64 bit multiplications over 16 bytes at a time.
///
/// The seed is what keeps a client from choosing names that all collide: it is drawn once per process.
package struct ByteHash {
    static let processSeed = UInt64.random(in: .min ... .max)

    // Odd numbers with an even spread of bits: digits of pi.
    private static let first: UInt64 = 0x243F_6A88_85A3_08D3
    private static let second: UInt64 = 0x1319_8A2E_0370_7345

    /// The same in every process: for choices that a restart must not change. No protection against chosen collisions.
    package static let stable = ByteHash(seed: 0)

    let seed: UInt64

    init(seed: UInt64) {
        self.seed = ByteHash.fold(seed ^ ByteHash.first, ByteHash.second)
    }

    @inline(__always)
    static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    /// - Parameter context: bytes of one value hash differently in each context, such as the header they belong to.
    @inline(__always)
    func hash(_ bytes: UnsafeRawPointer, _ count: Int, context: UInt64 = 0) -> UInt64 {
        var state = seed ^ context
        var position = bytes
        var left = count
        while left > 16 {
            state = ByteHash.fold(load64(position) ^ ByteHash.first, load64(position + 8) ^ state)
            position += 16
            left -= 16
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        if left >= 8 {
            low = load64(position)
            high = load64(position + (left - 8))
        } else if left >= 4 {
            low = load32(position)
            high = load32(position + (left - 4))
        } else if left > 0 {
            low = load8(position) << 16 | load8(position + left / 2) << 8 | load8(position + (left - 1))
        }
        let tail = ByteHash.fold(low ^ ByteHash.first, high ^ state)
        return ByteHash.fold(tail ^ ByteHash.second, UInt64(truncatingIfNeeded: count) ^ seed)
    }

    package func hash(_ bytes: UnsafeRawBufferPointer, context: UInt64 = 0) -> UInt64 {
        hash(bytes.start, bytes.count, context: context)
    }

    /// A hash of two numbers, such as a node and a word's hash.
    @inline(__always)
    func hash(_ left: UInt64, _ right: UInt64) -> UInt64 {
        ByteHash.fold(left ^ seed, (right &* ByteHash.first) ^ ByteHash.second)
    }
}

@inline(__always)
func load64(_ position: UnsafeRawPointer) -> UInt64 { position.loadUnaligned(as: UInt64.self) }

@inline(__always)
func load32(_ position: UnsafeRawPointer) -> UInt64 { UInt64(position.loadUnaligned(as: UInt32.self)) }

@inline(__always)
func load8(_ position: UnsafeRawPointer) -> UInt64 { UInt64(position.load(as: UInt8.self)) }

/// Compares short runs of bytes without a call; overlapping loads cover what is left of a multiple of the width.
@inline(__always)
func equalBytes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    if count >= 8 {
        var offset = 0
        while offset + 8 <= count {
            if load64(left + offset) != load64(right + offset) { return false }
            offset += 8
        }
        return load64(left + (count - 8)) == load64(right + (count - 8))
    }
    if count >= 4 {
        return load32(left) == load32(right) && load32(left + (count - 4)) == load32(right + (count - 4))
    }
    var offset = 0
    while offset < count {
        if load8(left + offset) != load8(right + offset) { return false }
        offset += 1
    }
    return true
}

extension UnsafeRawBufferPointer {
    /// The address, or for no bytes at all any address.
    @inline(__always)
    var start: UnsafeRawPointer { baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped }
}
