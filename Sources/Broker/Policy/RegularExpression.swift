/// A regular expression over bytes, as Erlang's `re` reads it (Perl's syntax): for patterns of administrators and names
/// that clients choose.
///
/// It backtracks, and gives up after so many steps: the standard library's `Regex` takes minutes for `^(a+)+$` and a
/// name of 24 letters, and whoever matches may hold a lock. References to groups are not understood.
struct RegularExpression: Sendable {
    indirect enum Node: Sendable {
        case set(ByteSet)
        case start(isLine: Bool)
        case end(isLine: Bool)
        /// `\z`: not before a last line break either.
        case veryEnd
        case wordBoundary(isOne: Bool)
        case sequence([Node])
        case choice([Node])
        case repetition(Node, minimum: Int, maximum: Int, isGreedy: Bool)
        /// Once it has matched, it does not try again.
        case atomic(Node)
        case lookAhead(Node, isNegative: Bool)
    }

    let root: Node

    /// - Throws: `PatternError`, with a reason.
    init(_ pattern: [UInt8]) throws(PatternError) {
        var parser = RegularExpressionParser(pattern)
        root = try parser.parse()
    }
}

struct PatternError: Error, Equatable {
    let reason: String
}

/// A set of bytes.
struct ByteSet: Equatable, Sendable {
    private var low: (UInt64, UInt64) = (0, 0)
    private var high: (UInt64, UInt64) = (0, 0)

    init() {}

    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    static func == (left: Self, right: Self) -> Bool { left.low == right.low && left.high == right.high }

    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 128 ? (byte < 64 ? low.0 : low.1) : (byte < 192 ? high.0 : high.1)
        return word & (1 << UInt64(byte & 63)) != 0
    }

    mutating func insert(_ byte: UInt8) {
        let bit: UInt64 = 1 << UInt64(byte & 63)
        switch byte {
        case ..<64: low.0 |= bit
        case ..<128: low.1 |= bit
        case ..<192: high.0 |= bit
        default: high.1 |= bit
        }
    }

    mutating func formUnion(_ other: ByteSet) {
        low = (low.0 | other.low.0, low.1 | other.low.1)
        high = (high.0 | other.high.0, high.1 | other.high.1)
    }

    var inverted: ByteSet {
        var inverted = self
        inverted.low = (~low.0, ~low.1)
        inverted.high = (~high.0, ~high.1)
        return inverted
    }

    /// With the other case of every letter of ASCII.
    var caseInsensitive: ByteSet {
        var both = self
        for letter in UInt8(ascii: "a")...UInt8(ascii: "z") {
            if contains(letter) { both.insert(letter & ~0x20) }
            if contains(letter & ~0x20) { both.insert(letter) }
        }
        return both
    }

    static let digits = ByteSet(UInt8(ascii: "0")...UInt8(ascii: "9"))
    static let lower = ByteSet(UInt8(ascii: "a")...UInt8(ascii: "z"))
    static let upper = ByteSet(UInt8(ascii: "A")...UInt8(ascii: "Z"))
    static let letters = lower.union(upper)
    static let words = letters.union(digits).union(ByteSet("_".utf8))
    static let spaces = ByteSet([9, 10, 11, 12, 13, 32])
    static let lineBreak = ByteSet([10])

    func union(_ other: ByteSet) -> ByteSet {
        var union = self
        union.formUnion(other)
        return union
    }
}
