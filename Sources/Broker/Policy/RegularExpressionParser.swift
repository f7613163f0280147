/// Reads a pattern in Perl's syntax.
struct RegularExpressionParser {
    private let pattern: [UInt8]
    private var position = 0
    private var depth = 0

    private struct Options {
        var ignoresCase = false
        var dotIsAll = false
        var isMultiline = false
    }

    private static let depthLimit = 50
    /// PCRE's bound of a count is 65535; a name is shorter than this one.
    private static let countLimit = 1000

    init(_ pattern: [UInt8]) { self.pattern = pattern }

    mutating func parse() throws(PatternError) -> RegularExpression.Node {
        let node = try choice(Options())
        if position < pattern.count { throw PatternError(reason: "unmatched ) at \(position)") }
        return node
    }

    private var current: UInt8? { position < pattern.count ? pattern[position] : nil }

    private mutating func take(_ text: StaticString) -> Bool {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard pattern[position...].starts(with: bytes) else { return false }
        position += bytes.count
        return true
    }

    // MARK: Structure

    private mutating func choice(_ options: Options) throws(PatternError) -> RegularExpression.Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else { throw PatternError(reason: "groups are nested too deep") }
        var options = options
        var branches = [try sequence(&options)]
        while take("|") { branches.append(try sequence(&options)) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    /// Options that are set within hold to the end of the group.
    private mutating func sequence(_ options: inout Options) throws(PatternError) -> RegularExpression.Node {
        var nodes: [RegularExpression.Node] = []
        while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            guard let atom = try atom(&options) else { continue }
            nodes.append(try quantified(atom))
        }
        return nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    /// nil for what only sets options.
    private mutating func atom(_ options: inout Options) throws(PatternError) -> RegularExpression.Node? {
        let byte = pattern[position]
        switch byte {
        case UInt8(ascii: "("): return try group(&options)
        case UInt8(ascii: "["):
            position += 1
            let set = try characterClass()
            return .set(options.ignoresCase ? set.caseInsensitive : set)
        case UInt8(ascii: "\\"): return try escape(options)
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"):
            throw PatternError(reason: "nothing to repeat at \(position)")
        case UInt8(ascii: "."):
            position += 1
            return .set(options.dotIsAll ? ByteSet().inverted : ByteSet.lineBreak.inverted)
        case UInt8(ascii: "^"):
            position += 1
            return .start(isLine: options.isMultiline)
        case UInt8(ascii: "$"):
            position += 1
            return .end(isLine: options.isMultiline)
        default:
            if byte == UInt8(ascii: "{"), try counts() != nil {
                throw PatternError(reason: "nothing to repeat at \(position)")
            }
            position += 1
            return literal(byte, options)
        }
    }

    private func literal(_ byte: UInt8, _ options: Options) -> RegularExpression.Node {
        let set = ByteSet(CollectionOfOne(byte))
        return .set(options.ignoresCase ? set.caseInsensitive : set)
    }

    private mutating func group(_ options: inout Options) throws(PatternError) -> RegularExpression.Node? {
        let start = position
        position += 1
        var inner = options
        var wrap: (RegularExpression.Node) -> RegularExpression.Node = { $0 }
        if take("?=") {
            wrap = { .lookAhead($0, isNegative: false) }
        } else if take("?!") {
            wrap = { .lookAhead($0, isNegative: true) }
        } else if take("?>") {
            wrap = { .atomic($0) }
        } else if take("?") {
            try readOptions(&inner)
            if take(")") {
                options = inner
                return nil
            }
            guard take(":") else { throw PatternError(reason: "unknown kind of group at \(start)") }
        }
        let node = try choice(inner)
        guard take(")") else { throw PatternError(reason: "missing ) for the ( at \(start)") }
        return wrap(node)
    }

    private mutating func readOptions(_ options: inout Options) throws(PatternError) {
        var isOn = true
        while let byte = current {
            switch byte {
            case UInt8(ascii: "-"): isOn = false
            case UInt8(ascii: "i"): options.ignoresCase = isOn
            case UInt8(ascii: "s"): options.dotIsAll = isOn
            case UInt8(ascii: "m"): options.isMultiline = isOn
            default: return
            }
            position += 1
        }
    }

    // MARK: Repetition

    private mutating func quantified(_ atom: RegularExpression.Node) throws(PatternError) -> RegularExpression.Node {
        guard let range = try quantifier() else { return atom }
        let isGreedy = !take("?")
        let node = RegularExpression.Node.repetition(
            atom, minimum: range.minimum, maximum: range.maximum, isGreedy: isGreedy)
        let isPossessive = isGreedy && take("+")
        if let byte = current, "*+?".utf8.contains(byte) {
            throw PatternError(reason: "nothing to repeat at \(position)")
        }
        return isPossessive ? .atomic(node) : node
    }

    private mutating func quantifier() throws(PatternError) -> (minimum: Int, maximum: Int)? {
        if take("*") { return (0, .max) }
        if take("+") { return (1, .max) }
        if take("?") { return (0, 1) }
        guard let counts = try counts() else { return nil }
        position = counts.end
        return (counts.minimum, counts.maximum)
    }

    /// `{n}`, `{n,}` or `{n,m}` from here; anything else is a brace like any other character.
    private func counts() throws(PatternError) -> (minimum: Int, maximum: Int, end: Int)? {
        guard current == UInt8(ascii: "{"), let close = pattern[position...].firstIndex(of: UInt8(ascii: "}")) else {
            return nil
        }
        let parts = pattern[(position + 1)..<close].split(
            separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
        func number(_ digits: ArraySlice<UInt8>) -> Int? {
            guard !digits.isEmpty, digits.allSatisfy({ ByteSet.digits.contains($0) }) else { return nil }
            return Int(String(decoding: digits, as: UTF8.self)) ?? .max
        }
        guard let minimum = number(parts[0]) else { return nil }
        var maximum = minimum
        if parts.count == 2 {
            if parts[1].isEmpty {
                maximum = .max
            } else {
                guard let number = number(parts[1]) else { return nil }
                maximum = number
            }
        }
        guard minimum <= Self.countLimit, maximum == .max && parts.count == 2 || maximum <= Self.countLimit else {
            throw PatternError(reason: "a count is above \(Self.countLimit)")
        }
        guard minimum <= maximum else { throw PatternError(reason: "counts out of order at \(position)") }
        return (minimum, maximum, close + 1)
    }

    // MARK: Characters

    private mutating func escape(_ options: Options) throws(PatternError) -> RegularExpression.Node {
        position += 1
        guard let byte = current else { throw PatternError(reason: "\\ at the end") }
        switch byte {
        case UInt8(ascii: "A"):
            position += 1
            return .start(isLine: false)
        case UInt8(ascii: "Z"):
            position += 1
            return .end(isLine: false)
        case UInt8(ascii: "z"):
            position += 1
            return .veryEnd
        case UInt8(ascii: "b"), UInt8(ascii: "B"):
            position += 1
            return .wordBoundary(isOne: byte == UInt8(ascii: "b"))
        default:
            let set = try escapedSet()
            return .set(options.ignoresCase ? set.caseInsensitive : set)
        }
    }

    /// What a backslash makes of the character behind it, in a class or outside.
    private mutating func escapedSet() throws(PatternError) -> ByteSet {
        guard let byte = current else { throw PatternError(reason: "\\ at the end") }
        position += 1
        switch byte {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "D"): return ByteSet.digits.inverted
        case UInt8(ascii: "w"): return .words
        case UInt8(ascii: "W"): return ByteSet.words.inverted
        case UInt8(ascii: "s"): return .spaces
        case UInt8(ascii: "S"): return ByteSet.spaces.inverted
        case UInt8(ascii: "n"): return ByteSet([10])
        case UInt8(ascii: "r"): return ByteSet([13])
        case UInt8(ascii: "t"): return ByteSet([9])
        case UInt8(ascii: "f"): return ByteSet([12])
        case UInt8(ascii: "a"): return ByteSet([7])
        case UInt8(ascii: "e"): return ByteSet([27])
        case UInt8(ascii: "x"): return ByteSet([try hexadecimal()])
        default:
            guard !ByteSet.letters.contains(byte), !ByteSet.digits.contains(byte) else {
                throw PatternError(reason: "\\\(Character(UnicodeScalar(byte))) is not understood")
            }
            return ByteSet(CollectionOfOne(byte))
        }
    }

    private mutating func hexadecimal() throws(PatternError) -> UInt8 {
        let digits = pattern[position...].prefix(2)
        guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw PatternError(reason: "\\x wants two hexadecimal digits")
        }
        position += 2
        return value
    }

    /// Behind the opening bracket.
    private mutating func characterClass() throws(PatternError) -> ByteSet {
        let start = position - 1
        let isInverted = take("^")
        var set = ByteSet()
        var isFirst = true
        while let byte = current, isFirst || byte != UInt8(ascii: "]") {
            isFirst = false
            if let named = try namedClass() {
                set.formUnion(named)
                continue
            }
            let (low, lowByte) = try classMember()
            guard let lowByte, current == UInt8(ascii: "-"), position + 1 < pattern.count,
                pattern[position + 1] != UInt8(ascii: "]")
            else {
                set.formUnion(low)
                continue
            }
            position += 1
            let (high, highByte) = try classMember()
            guard let highByte else {
                // As Perl: the hyphen stands for itself.
                set.formUnion(low.union(high).union(ByteSet("-".utf8)))
                continue
            }
            guard lowByte <= highByte else { throw PatternError(reason: "range out of order at \(position)") }
            set.formUnion(ByteSet(lowByte...highByte))
        }
        guard take("]") else { throw PatternError(reason: "missing ] for the [ at \(start)") }
        return isInverted ? set.inverted : set
    }

    /// A set, and the one byte in it if it stands for one.
    private mutating func classMember() throws(PatternError) -> (ByteSet, UInt8?) {
        let byte = pattern[position]
        position += 1
        guard byte == UInt8(ascii: "\\") else { return (ByteSet(CollectionOfOne(byte)), byte) }
        if take("b") { return (ByteSet([8]), 8) }
        let set = try escapedSet()
        let members = (0...255 as ClosedRange<UInt8>).filter(set.contains)
        return (set, members.count == 1 ? members[0] : nil)
    }

    /// `[:alpha:]` and the like.
    private mutating func namedClass() throws(PatternError) -> ByteSet? {
        guard current == UInt8(ascii: "["), position + 1 < pattern.count, pattern[position + 1] == UInt8(ascii: ":")
        else { return nil }
        let names: [(StaticString, ByteSet)] = [
            ("[:alpha:]", .letters), ("[:digit:]", .digits), ("[:alnum:]", ByteSet.letters.union(.digits)),
            ("[:upper:]", .upper), ("[:lower:]", .lower), ("[:space:]", .spaces), ("[:word:]", .words),
            ("[:punct:]", ByteSet("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".utf8)),
            ("[:xdigit:]", ByteSet("0123456789abcdefABCDEF".utf8)),
        ]
        for (name, set) in names where take(name) { return set }
        return nil
    }
}
