import AMQPWire
import SplitMix
import Testing

@testable import Routing

@Suite struct HeadersExchangeTests {
    private func matches(_ arguments: FieldTable, _ headers: FieldTable?) -> Bool {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let queue = table.addQueue(1)
        table.bind(exchange, to: queue, "ignored", arguments)
        return table.routed(exchange, "other", headers: headers) == [queue]
    }

    private func equal(_ argument: FieldValue, _ header: FieldValue) -> Bool {
        matches(["h": argument], ["h": header])
    }

    @Test func allIsTheDefaultAndNeedsEveryHeader() {
        let withoutMode: FieldTable = ["a": .int32(1), "b": .int32(2)]
        let withMode: FieldTable = ["x-match": "all", "a": .int32(1), "b": .int32(2)]
        for arguments in [withoutMode, withMode] {
            #expect(matches(arguments, ["a": .int32(1), "b": .int32(2), "c": .int32(3)]))
            #expect(!matches(arguments, ["a": .int32(1)]))
            #expect(!matches(arguments, ["a": .int32(1), "b": .int32(3)]))
            #expect(!matches(arguments, nil))
        }
    }

    @Test func anyNeedsOneHeader() {
        let arguments: FieldTable = ["x-match": "any", "a": .int32(1), "b": .int32(2)]
        #expect(matches(arguments, ["b": .int32(2)]))
        #expect(matches(arguments, ["a": .int32(0), "b": .int32(2)]))
        #expect(!matches(arguments, ["a": .int32(2), "b": .int32(1)]))
        #expect(!matches(arguments, nil))
    }

    @Test func withoutConditionsAllMatchesEverythingAndAnyNothing() {
        for headers: FieldTable? in [nil, [:], ["a": .int32(1)]] {
            #expect(matches([:], headers))
            #expect(matches(["x-match": "all"], headers))
            #expect(matches(["x-other": "v"], headers))
            #expect(matches(["x-match": "all-with-x"], headers))
            #expect(!matches(["x-match": "any"], headers))
            #expect(!matches(["x-match": "any", "x-other": "v"], headers))
            #expect(!matches(["x-match": "any-with-x"], headers))
        }
    }

    @Test func namesInXCountOnlyInTheModesWithX() {
        #expect(matches(["x-a": "1", "b": "2"], ["b": "2"]))
        #expect(!matches(["x-match": "any", "x-a": "1"], ["x-a": "1"]))
        #expect(!matches(["x-match": "all-with-x", "x-a": "1", "b": "2"], ["b": "2"]))
        #expect(matches(["x-match": "all-with-x", "x-a": "1", "b": "2"], ["x-a": "1", "b": "2"]))
        #expect(matches(["x-match": "any-with-x", "x-a": "1"], ["x-a": "1"]))
        #expect(!matches(["x-match": "any-with-x", "x-a": "1"], ["x-match": "any-with-x"]))
        // "x" alone and "X-" are no such prefix.
        #expect(!matches(["x": "1"], nil))
        #expect(!matches(["X-a": "1"], nil))
    }

    @Test func aVoidArgumentAsksForPresence() {
        for value: FieldValue in [.void, .int32(1), .string(""), .table(["a": .void]), .timestamp(.max)] {
            #expect(equal(.void, value))
        }
        #expect(!matches(["h": .void], ["i": .int32(1)]))
        #expect(!equal(.string(""), .void))
        #expect(!equal(.int32(0), .void))
    }

    @Test func integersAreEqualWhateverTheirWidth() {
        let ones: [FieldValue] = [
            .int8(1), .uint8(1), .int16(1), .uint16(1), .int32(1), .uint32(1), .int64(1),
        ]
        for left in ones {
            for right in ones { #expect(equal(left, right)) }
            #expect(!equal(left, .bool(true)))
            #expect(!equal(left, .double(1)))
            #expect(!equal(left, .string("1")))
        }
        #expect(equal(.int8(-1), .int64(-1)))
        #expect(equal(.int16(-2), .int32(-2)))
        #expect(!equal(.int8(-1), .uint8(255)))
        #expect(!equal(.int32(-1), .uint32(.max)))
    }

    @Test func floatsAreEqualInBothWidthsAndStringsAreEqualToBinaries() {
        #expect(equal(.float(1.5), .double(1.5)))
        #expect(!equal(.float(0.1), .double(0.1)))
        #expect(equal(.string("v"), .bytes([UInt8(ascii: "v")])))
        #expect(equal(.bytes([]), .string("")))
        #expect(!equal(.string("v"), .string("V")))
        #expect(equal(.decimal(scale: 2, value: 150), .decimal(scale: 2, value: 150)))
        #expect(!equal(.decimal(scale: 2, value: 150), .decimal(scale: 1, value: 15)))
    }

    /// RabbitMQ 4 multiplies a message's timestamps by 1000 for routing, and leaves those of a binding alone.
    @Test func aMessagesTimestampCountsInMilliseconds() {
        #expect(equal(.int64(5000), .timestamp(5)))
        #expect(equal(.timestamp(5000), .timestamp(5)))
        #expect(equal(.timestamp(5), .int64(5)))
        #expect(!equal(.timestamp(5), .timestamp(5)))
        #expect(!equal(.timestamp(.max), .timestamp(.max)))
    }

    @Test func tablesAndArraysAreComparedItemByItemWithTheirTypes() {
        let table = FieldValue.table(["a": .int32(1), "b": .array([.string("x"), .bool(true)])])
        #expect(equal(table, table))
        #expect(!equal(table, .table(["a": .int64(1), "b": .array([.string("x"), .bool(true)])])))
        #expect(!equal(table, .table(["b": .array([.string("x"), .bool(true)]), "a": .int32(1)])))
        #expect(equal(.array([.int8(1)]), .array([.int8(1)])))
        #expect(!equal(.array([.int8(1)]), .array([.int8(2)])))
        #expect(equal(.array([]), .table([:])))
    }

    @Test func nestedValuesAreEqualInEveryWireFormOfThem() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let queue = table.addQueue(1)
        table.bind(exchange, to: queue, "", ["h": .array([.int64(1), .bool(true)])])
        // "L" instead of "l", and 7 for true.
        var bytes: [UInt8] = [1, UInt8(ascii: "h"), UInt8(ascii: "A"), 0, 0, 0, 11]
        bytes += [UInt8(ascii: "L"), 0, 0, 0, 0, 0, 0, 0, 1, UInt8(ascii: "t"), 7]
        #expect(table.routed(exchange, headerBytes: bytes) == [queue])
    }

    @Test func ofAHeaderThatOccursTwiceTheLastOneCounts() {
        let twice = FieldTable([.init(name: "a", value: .int32(1)), .init(name: "a", value: .int32(2))])
        #expect(matches(["a": .int32(2)], twice))
        #expect(!matches(["a": .int32(1)], twice))
        #expect(!matches(twice, ["a": .int32(1)]))
    }

    @Test func theOrderOfArgumentsDoesNotMakeAnotherBinding() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let queue = table.addQueue(1)
        #expect(table.bind(exchange, to: queue, "", ["a": "1", "b": "2"]))
        #expect(!table.bind(exchange, to: queue, "", ["b": "2", "a": "1"]))
        #expect(table.unbind(exchange, from: queue, "", ["b": "2", "a": "1"]))
        #expect(table.routed(exchange, headers: ["a": "1", "b": "2"]).isEmpty)
    }

    @Test func aBindingWhoseArgumentIsNotANumberCanBeRemoved() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let queue = table.addQueue(1)
        #expect(table.bind(exchange, to: queue, "", ["a": .double(.nan)]))
        #expect(!table.bind(exchange, to: queue, "", ["a": .double(.nan)]))
        #expect(table.unbind(exchange, from: queue, "", ["a": .double(.nan)]))
        #expect(table.bindingCount == 0)
    }

    @Test func malformedHeadersCountAsAbsent() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let (first, second, always) = (table.addQueue(1), table.addQueue(2), table.addQueue(3))
        table.bind(exchange, to: first, "", ["a": .int32(1)])
        table.bind(exchange, to: second, "", ["b": .void])
        table.bind(exchange, to: always, "", [:])
        let good = wireEntries(["a": .int32(1), "b": .table(["n": .string("text")])])
        #expect(Set(table.routed(exchange, headerBytes: good)) == [first, second, always])
        for count in 0..<good.count {
            let routed = Set(table.routed(exchange, headerBytes: [UInt8](good.prefix(count))))
            #expect(routed == (count < 7 ? [always] : [first, always]))
        }
        // A table whose inside does not parse is absent, what follows is not.
        var broken = wireEntries(["b": .table(["n": .int8(1)])])
        broken[broken.count - 2] = UInt8(ascii: "?")
        #expect(Set(table.routed(exchange, headerBytes: broken + wireEntries(["a": .int32(1)]))) == [first, always])
    }

    @Test func randomBytesAsHeadersDoNotTrap() {
        var generator = SplitMix64(seed: 3)
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        for slot in 0..<20 {
            let name = ShortString(made: "\(slot % 5)")
            table.bind(exchange, to: table.addQueue(slot), "", [name: slot % 2 == 0 ? .void : .int8(Int8(slot))])
        }
        let good = wireEntries(["0": .array([.table(["1": .array([])])]), "1": .string("v"), "2": .int8(1)])
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<generator.below(4) { bytes[generator.below(bytes.count)] = UInt8(generator.below(256)) }
            bytes.removeLast(generator.below(4))
            #expect(table.routed(exchange, headerBytes: bytes).count <= 20)
        }
    }

    @Test func nestingBeyondTheLimitIsAbsent() {
        func nested(_ depth: Int) -> FieldValue {
            (0..<depth).reduce(FieldValue.int8(1)) { value, _ in .array([value]) }
        }
        #expect(matches(["h": .void], ["h": nested(FieldTable.depthLimit - 1)]))
        #expect(!matches(["h": .void], ["h": nested(FieldTable.depthLimit)]))
        #expect(!matches(["h": .void], ["h": nested(5000)]))
    }

    @Test(arguments: UInt64(1)...6)
    func randomBindingsMatchLikeTheNaiveMatcher(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let table = RoutingTable()
        let exchange = table.addExchange(1, .headers)
        let values: [FieldValue] = [
            .void, .int8(1), .int64(1), .int64(2), .string("v"), .bytes([118]), .string(""), .bool(true), .double(1),
            .float(1), .timestamp(2), .int64(2000), .array([]), .table([:]), .array([.int8(1)]),
            .table(["a": .int8(1)]),
        ]
        func makeTable(_ limit: Int) -> FieldTable {
            FieldTable(
                (0..<generator.below(limit)).map { _ in
                    .init(name: generator.pick(["a", "b", "c", "d", "x-e"]), value: generator.pick(values))
                })
        }
        var bound: [(arguments: FieldTable, queue: QueueAddress)] = []
        for slot in 0..<300 {
            var arguments = makeTable(4)
            if generator.chance(4, in: 5) {
                arguments["x-match"] = .string(generator.pick(["all", "any", "all-with-x", "any-with-x"]))
            }
            let queue = table.addQueue(slot)
            #expect(table.bind(exchange, to: queue, "", arguments))
            bound.append((arguments, queue))
            if bound.count > 50 {
                let gone = bound.remove(at: generator.below(bound.count))
                #expect(table.unbind(exchange, from: gone.queue, "", gone.arguments))
            }
            let headers = makeTable(8)
            let expected = bound.filter { NaiveMatching.headers($0.arguments, match: headers) }.map(\.queue)
            #expect(Set(table.routed(exchange, headers: headers)) == Set(expected))
        }
        for entry in bound { table.unbind(exchange, from: entry.queue, "", entry.arguments) }
        #expect(table.exchanges[1].headers?.pointee.conditions.count == 0)
        #expect(table.exchanges[1].headers?.pointee.names.count == 0)
        #expect(table.exchanges[1].headers?.pointee.parts.count == 0)
    }
}

extension FieldValue: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) {
        self = .string(value)
    }
}
