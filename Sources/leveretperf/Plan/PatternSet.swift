import AMQPWire
import Console

/// Bindings of a topic or headers exchange, and messages for them.
///
/// A message has four words: the words of its routing key, or the values of its headers `h0` to `h3`. Binding b is made
/// from message b modulo the number of messages, so each message matches one binding at least, and hardly more than
/// that: what is measured is finding it, however many there are. Of topic bindings 30 % are exact, 30 % have one `*`,
/// 10 % two, and 10 % each are `a.b.#`, `#.c.d` and `a.#.d`; of headers bindings 90 % ask for two to four headers
/// (`all`), 10 % for one of two (`any`).
struct PatternSet: Sendable {
    /// A binding: which of the four words count, and what they are.
    struct Pattern: Equatable {
        /// Bit i: word i counts.
        let mask: Int
        let words: [Int]
        /// One of the words is enough.
        var isAny = false
        var topic: [TopicWord] = []
    }

    enum TopicWord: Equatable {
        case word(Int)
        case star
        case hash
    }

    let messageKeys: [RoutePlan.Key]
    let queueBindings: [RoutePlan.Binding]
    let queuesOfKey: [[Int]]

    init(kind: ExchangeKind, bindings: Int, keys: Int, words: Int, queues: Int) {
        let digits = String(words).count
        func text(_ word: Int) -> String { "w\(Quantity.padded(word, digits: digits))" }
        let messages = (0..<keys).map { key in (0..<4).map { Int(mixed(UInt64(key * 4 + $0)) % UInt64(words)) } }
        let patterns = (0..<bindings).map { index in
            kind == .topic
                ? Self.topicPattern(index, messages[index % keys])
                : Self.headersPattern(index, messages[index % keys])
        }
        messageKeys = messages.map { words in
            if kind == .topic {
                let key = words.map(text).joined(separator: ".")
                return RoutePlan.Key(routingKey: ShortString(truncating: key), headers: nil)
            }
            let entries = words.enumerated().map {
                FieldTable.Entry(name: ShortString(truncating: "h\($0)"), value: .string(text($1)))
            }
            return RoutePlan.Key(routingKey: "", headers: FieldTable(entries))
        }
        queueBindings = patterns.enumerated().map { index, pattern in
            let topic = pattern.topic.map { word in
                switch word {
                case .word(let word): text(word)
                case .star: "*"
                case .hash: "#"
                }
            }
            var arguments = FieldTable()
            if kind == .headers {
                arguments["x-match"] = .string(pattern.isAny ? "any" : "all")
                for word in 0..<4 where pattern.mask & 1 << word != 0 {
                    arguments[ShortString(truncating: "h\(word)")] = .string(text(pattern.words[word]))
                }
            }
            return RoutePlan.Binding(
                queue: index % queues, key: ShortString(truncating: topic.joined(separator: ".")),
                arguments: arguments)
        }
        queuesOfKey = Self.matches(patterns, messages, queues: queues)
    }

    static func topicPattern(_ index: Int, _ words: [Int]) -> Pattern {
        let place = index / 10 % 4
        let literal = words.map(TopicWord.word)
        switch index % 10 {
        case 0...2: return Pattern(mask: 0b1111, words: words, topic: literal)
        case 3...5:
            var topic = literal
            topic[place] = .star
            return Pattern(mask: 0b1111 & ~(1 << place), words: words, topic: topic)
        case 6:
            var topic = literal
            topic[place] = .star
            let second = (place + 1) % 4
            topic[second] = .star
            return Pattern(mask: 0b1111 & ~(1 << place) & ~(1 << second), words: words, topic: topic)
        case 7: return Pattern(mask: 0b0011, words: words, topic: [literal[0], literal[1], .hash])
        case 8: return Pattern(mask: 0b1100, words: words, topic: [.hash, literal[2], literal[3]])
        default: return Pattern(mask: 0b1001, words: words, topic: [literal[0], .hash, literal[3]])
        }
    }

    static func headersPattern(_ index: Int, _ words: [Int]) -> Pattern {
        let masks = [0b1111, 0b0111, 0b1110, 0b0011, 0b1100, 0b1011, 0b1101, 0b0101, 0b1010]
        if index % 10 == 9 { return Pattern(mask: index / 10 % 2 == 0 ? 0b0011 : 0b1100, words: words, isAny: true) }
        return Pattern(mask: masks[index % 10], words: words)
    }

    /// For each message the queues that it reaches. Patterns lie in a table by the words that count, so each message
    /// is looked up once for each combination of places that occurs.
    static func matches(_ patterns: [Pattern], _ messages: [[Int]], queues: Int) -> [[Int]] {
        var table: [[Int]: Set<Int>] = [:]
        var masks: Set<Int> = []
        func entry(_ mask: Int, _ words: [Int]) -> [Int] {
            [mask] + (0..<4).map { mask & 1 << $0 != 0 ? words[$0] : -1 }
        }
        for (index, pattern) in patterns.enumerated() {
            let parts =
                pattern.isAny ? (0..<4).map { 1 << $0 }.filter { pattern.mask & $0 != 0 } : [pattern.mask]
            for mask in parts {
                masks.insert(mask)
                table[entry(mask, pattern.words), default: []].insert(index % queues)
            }
        }
        let used = masks.sorted()
        return messages.map { words in
            var reached: Set<Int> = []
            for mask in used { reached.formUnion(table[entry(mask, words)] ?? []) }
            return reached.sorted()
        }
    }
}

/// Spreads neighbouring numbers over all 64 bits (the finalizer of splitmix64).
@inline(__always)
func mixed(_ number: UInt64) -> UInt64 {
    var bits = number &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
}
