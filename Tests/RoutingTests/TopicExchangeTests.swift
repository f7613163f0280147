import AMQPWire
import SplitMix
import Testing

@testable import Routing

@Suite struct TopicExchangeTests {
    private func matches(_ pattern: ShortString, _ key: ShortString) -> Bool {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let queue = table.addQueue(1)
        table.bind(exchange, to: queue, pattern)
        return table.routed(exchange, key) == [queue]
    }

    @Test func aStarIsExactlyOneWord() {
        #expect(matches("a.*.c", "a.b.c"))
        #expect(matches("*", "a"))
        #expect(!matches("a.*", "a"))
        #expect(!matches("a.*", "a.b.c"))
        #expect(!matches("*", ""))
    }

    @Test func aHashIsZeroOrMoreWords() {
        for key: ShortString in ["", "a", "a.b", "."] { #expect(matches("#", key)) }
        #expect(matches("a.#", "a"))
        #expect(matches("a.#", "a.b.c"))
        #expect(matches("#.c", "c"))
        #expect(matches("a.#.c", "a.c"))
        #expect(matches("a.#.c", "a.c.c.c"))
        #expect(!matches("a.#.c", "a.c.b"))
    }

    @Test func theEmptyKeyHasNoWordAndADotSeparatesTwoEmptyOnes() {
        #expect(matches("", ""))
        #expect(!matches("", "."))
        #expect(matches(".", "."))
        #expect(matches("*.*", "."))
        #expect(!matches("*", "."))
        #expect(matches("a.", "a."))
        #expect(!matches("a.", "a"))
        #expect(matches("*.*.*", "a.."))
    }

    @Test func runsOfWildcardsNeedAsManyWordsAsTheyHaveStars() {
        #expect(matches("#.*", "a"))
        #expect(!matches("#.*", ""))
        #expect(matches("#.*.#.*.#", "a.b.c"))
        #expect(!matches("#.*.#.*.#", "a"))
        #expect(matches("#.#", ""))
    }

    @Test func wildcardsWithinAWordAndInAKeyAreOrdinaryCharacters() {
        #expect(matches("a*.b#", "a*.b#"))
        #expect(!matches("a*", "ab"))
        #expect(!matches("a", "*"))
        #expect(!matches("a.b", "a.#"))
        #expect(matches("*", "#"))
    }

    @Test func wordsOfAnyLengthAreToldApart() {
        for count in [1, 3, 4, 7, 8, 23, 24, 25, 100, 255] {
            let word = ShortString(bytes: [UInt8](repeating: UInt8(ascii: "w"), count: count))
            var other = word.bytes
            other[count - 1] = UInt8(ascii: "v")
            #expect(matches(word, word))
            #expect(!matches(word, ShortString(bytes: other)))
        }
    }

    @Test func aQueueOfSeveralMatchingPatternsIsReachedOnce() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let queue = table.addQueue(1)
        for pattern: ShortString in ["#", "a.#", "*.b", "a.b", "#.b.#"] { table.bind(exchange, to: queue, pattern) }
        #expect(table.routed(exchange, "a.b") == [queue])
        for pattern: ShortString in ["#", "a.#", "*.b", "a.b"] { table.unbind(exchange, from: queue, pattern) }
        #expect(table.routed(exchange, "a.b") == [queue])
        table.unbind(exchange, from: queue, "#.b.#")
        #expect(table.routed(exchange, "a.b").isEmpty)
    }

    @Test func patternsThatMatchTheSameKeysAreStillSeparateBindings() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let queue = table.addQueue(1)
        #expect(table.bind(exchange, to: queue, "#.*"))
        #expect(table.bind(exchange, to: queue, "*.#"))
        #expect(table.unbind(exchange, from: queue, "#.*"))
        #expect(table.routed(exchange, "a") == [queue])
    }

    /// A matcher that tries one way after the other would not be done with this within the age of the universe.
    @Test func manyHashesWithALongKeyAreCheap() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let (all, never, dots) = (table.addQueue(1), table.addQueue(2), table.addQueue(3))
        func pattern(_ unit: String, _ end: String) -> ShortString {
            let count = (255 - end.utf8.count) / unit.utf8.count
            return ShortString(made: String(repeating: unit, count: count) + end)
        }
        table.bind(exchange, to: all, pattern("#.", "#"))
        table.bind(exchange, to: never, pattern("#.a.", "b"))
        table.bind(exchange, to: never, pattern("#.a.*.", "b"))
        table.bind(exchange, to: dots, pattern("#..", "#"))
        #expect(table.routed(exchange, pattern("a.", "a")) == [all])
        #expect(Set(table.routed(exchange, pattern(".", "."))) == [all, dots])
    }

    @Test(arguments: UInt64(1)...8)
    func randomPatternsMatchLikeTheRecursiveMatcher(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let queues = (0..<60).map { table.addQueue($0) }
        func words(_ alphabet: [String]) -> ShortString {
            let parts = (0..<generator.below(6)).map { _ in generator.pick(alphabet) }
            return ShortString(made: parts.joined(separator: "."))
        }
        var bound: [(pattern: ShortString, queue: QueueAddress)] = []
        for _ in 0..<400 {
            let (pattern, queue) = (words(["a", "b", "", "*", "#", "#"]), generator.pick(queues))
            if table.bind(exchange, to: queue, pattern) { bound.append((pattern, queue)) }
            if bound.count > 40 {
                let gone = bound.remove(at: generator.below(bound.count))
                #expect(table.unbind(exchange, from: gone.queue, gone.pattern))
            }
            let key = words(["a", "b", "", "c"])
            let expected = bound.filter { NaiveMatching.topic($0.pattern, matches: key) }.map(\.queue)
            #expect(Set(table.routed(exchange, key)) == Set(expected), "\(key)")
        }
    }

    @Test func removingBindingsLeavesNoNodesBehind() throws {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .topic)
        let queue = table.addQueue(1)
        let patterns: [ShortString] = ["a.b.c", "a.#.c", "*.*.x", "#", "", "a.b", "averyveryverylongwordindeedhere.b"]
        for pattern in patterns { table.bind(exchange, to: queue, pattern) }
        let trie = try #require(table.exchanges[1].topic)
        #expect(trie.pointee.nodeCount > 10)
        for pattern in patterns.reversed() { table.unbind(exchange, from: queue, pattern) }
        #expect(trie.pointee.nodeCount == 1)
    }
}
