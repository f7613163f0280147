import Routing

/// Some exchanges of a virtual host: one bit each, since their numbers are small and used again.
struct ExchangeSet {
    private var words: [UInt64] = []

    @inline(__always)
    func contains(_ id: ExchangeID) -> Bool {
        let word = Int(id.value >> 6)
        return word < words.count && words[word] & Self.bit(id) != 0
    }

    mutating func insert(_ id: ExchangeID) {
        while words.count <= Int(id.value >> 6) { words.append(0) }
        words[Int(id.value >> 6)] |= Self.bit(id)
    }

    mutating func remove(_ id: ExchangeID) {
        if contains(id) { words[Int(id.value >> 6)] ^= Self.bit(id) }
    }

    @inline(__always)
    private static func bit(_ id: ExchangeID) -> UInt64 { 1 << UInt64(id.value & 63) }
}
