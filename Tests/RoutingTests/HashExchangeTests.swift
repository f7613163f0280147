import AMQPWire
import SplitMix
import Testing

@testable import Routing

@Suite struct HashExchangeTests {
    private static let keys = (0..<4000).map { ShortString(made: "key\($0)") }

    private func shares(_ table: RoutingTable, _ exchange: ExchangeID) -> [QueueAddress: Set<ShortString>] {
        var shares: [QueueAddress: Set<ShortString>] = [:]
        for key in Self.keys {
            let routed = table.routed(exchange, key)
            #expect(routed.count == 1)
            for queue in routed { shares[queue, default: []].insert(key) }
        }
        return shares
    }

    @Test(arguments: UInt64(1)...4)
    func aShareFollowsItsWeight(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let table = RoutingTable()
        let exchange = table.addExchange(1, .consistentHash)
        let queues = (0..<6).map { _ in table.addQueue(generator.below(1_000_000)) }
        let weights = queues.map { _ in 1 + generator.below(9) }
        for (queue, weight) in zip(queues, weights) { table.bind(exchange, to: queue, ShortString(made: "\(weight)")) }
        let shares = shares(table, exchange)
        for (queue, weight) in zip(queues, weights) {
            let expected = Double(Self.keys.count * weight) / Double(weights.reduce(0, +))
            // Six standard deviations: the same from run to run in any case.
            #expect(abs(Double(shares[queue]?.count ?? 0) - expected) < 6 * expected.squareRoot())
        }
    }

    @Test(arguments: UInt64(1)...4)
    func onlyWhatANewDestinationGetsMoves(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        let table = RoutingTable()
        let exchange = table.addExchange(1, .consistentHash)
        let first = (0..<5).map { _ in table.addQueue(generator.below(1_000_000)) }
        for queue in first { table.bind(exchange, to: queue, "2") }
        let before = shares(table, exchange)
        let new = table.addQueue(1_000_001)
        table.bind(exchange, to: new, "3")
        let after = shares(table, exchange)
        for queue in first { #expect((after[queue] ?? []).isSubset(of: before[queue] ?? [])) }
        #expect(!(after[new] ?? []).isEmpty)
        table.unbind(exchange, from: new, "3")
        #expect(shares(table, exchange) == before)
    }

    /// As after a restart, when bindings come back in any order.
    @Test func theOrderOfBindingDoesNotMatter() {
        for kind in [ExchangeKind.consistentHash, .modulusHash] {
            let tables = [RoutingTable(hashSeed: 1), RoutingTable(hashSeed: 2)]
            for (index, table) in tables.enumerated() {
                let exchange = table.addExchange(1, kind)
                for slot in index == 0 ? [1, 2, 3, 4] : [3, 1, 4, 2] {
                    table.bind(exchange, to: table.addQueue(slot), ShortString(made: "\(slot)"))
                }
            }
            let exchange = ExchangeID(value: 1)
            #expect(shares(tables[0], exchange) == shares(tables[1], exchange))
            #expect(shares(tables[0], exchange).count == 4)
        }
    }

    @Test func aSecondBindingOfADestinationCountsWhenTheFirstIsGone() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .consistentHash)
        let (first, second) = (table.addQueue(1), table.addQueue(2))
        table.bind(exchange, to: first, "1")
        table.bind(exchange, to: second, "1")
        let before = shares(table, exchange)
        table.bind(exchange, to: second, "50")
        #expect(shares(table, exchange) == before)
        table.unbind(exchange, from: second, "1")
        #expect((shares(table, exchange)[second]?.count ?? 0) > Self.keys.count * 9 / 10)
        table.unbind(exchange, from: second, "50")
        #expect(shares(table, exchange)[first]?.count == Self.keys.count)
        table.unbind(exchange, from: first, "1")
        #expect(table.routed(exchange, "k").isEmpty)
    }

    @Test func theHashMayBeOfAHeaderOrAProperty() {
        let sources: [HashSource] = [.header("h"), .correlationID, .messageID, .timestamp]
        for source in sources {
            let table = RoutingTable()
            let exchange = table.addExchange(1, .consistentHash, hashSource: source)
            for slot in 1...8 { table.bind(exchange, to: table.addQueue(slot), "1") }
            #expect(table.dependsOnMessage(exchange))
            var reached: Set<QueueAddress> = []
            for number in 0..<100 {
                let bytes = Array("value\(number)".utf8)
                let headers = wireEntries(["h": .longString(bytes)])
                let routed = ["a", "b"].map { (key: ShortString) in
                    bytes.withUnsafeBytes { bytes in
                        headers.withUnsafeBytes { headers in
                            table.routed(exchange, key) { message in
                                message.headers = headers
                                message.correlationID = bytes
                                message.messageID = bytes
                                message.timestamp = UInt64(number)
                            }
                        }
                    }
                }
                #expect(routed[0] == routed[1])
                reached.formUnion(routed[0])
            }
            #expect(reached.count == 8)
            #expect(table.routed(exchange, "a") == table.routed(exchange, "b"))
        }
    }

    @Test func anIntegerHeaderHashesByItsValue() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .consistentHash, hashSource: .header("h"))
        for slot in 1...8 { table.bind(exchange, to: table.addQueue(slot), "1") }
        for number in Int8(1)...40 {
            let widths: [FieldValue] = [.int8(number), .int64(Int64(number)), .uint16(UInt16(number))]
            let routed = widths.map { table.routed(exchange, headers: ["h": $0]) }
            #expect(routed[0] == routed[1] && routed[1] == routed[2])
        }
    }

    @Test func weightsAreReadAsErlangReadsIntegers() {
        func weight(_ text: String) -> Double? { Array(text.utf8).withUnsafeBytes { BindingWeight($0)?.value } }
        #expect(weight("10") == 10)
        #expect(weight("+07") == 7)
        #expect(weight("-3") == -3)
        #expect(weight("4294967296000") == 4_294_967_296_000)
        for text in ["", "-", "1.5", " 1", "1x"] { #expect(weight(text) == nil) }
    }

    @Test func aModulusHashSpreadsOverItsDestinations() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .modulusHash)
        let queues = (1...4).map { table.addQueue($0) }
        for queue in queues { for key in ["a", "b"] as [ShortString] { table.bind(exchange, to: queue, key) } }
        #expect(!table.dependsOnMessage(exchange))
        let before = shares(table, exchange)
        for queue in queues { #expect(abs((before[queue]?.count ?? 0) - 1000) < 200) }
        for queue in queues { table.unbind(exchange, from: queue, "a") }
        #expect(shares(table, exchange) == before)
        for queue in queues.dropFirst() { table.unbind(exchange, from: queue, "b") }
        #expect(table.routed(exchange, "x") == [queues[0]])
    }

    @Test func aRandomExchangeReachesEachOfItsBindings() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .random)
        #expect(table.dependsOnMessage(exchange))
        #expect(table.routed(exchange, "k").isEmpty)
        let queues = (1...4).map { table.addQueue($0) }
        for queue in queues { table.bind(exchange, to: queue) }
        var generator = SplitMix64(seed: 1)
        var counts: [QueueAddress: Int] = [:]
        for _ in 0..<4000 {
            let random = generator.next()
            let routed = table.routed(exchange, "k") { $0.random = random }
            #expect(routed.count == 1)
            for queue in routed { counts[queue, default: 0] += 1 }
        }
        for queue in queues { #expect(abs((counts[queue] ?? 0) - 1000) < 200) }
    }

    @Test func aGateTakesWhatItIsThereFor() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .fanout)
        let front = table.addExchange(2, .fanout)
        let queue = table.addQueue(1)
        let gate = QueueAddress(shard: 1, slot: 9, generation: 1)
        table.bind(exchange, to: queue)
        table.bind(front, to: exchange)
        let version = table.version(of: front)
        table.addGate(.delay, at: gate, to: exchange)
        #expect(table.version(of: front) != version)
        #expect(table.dependsOnMessage(front))
        #expect(table.routed(front) == [queue])
        #expect(table.routed(front, "") { $0.gates = [.delay, .deduplication] } == [gate])
        #expect(table.routed(front, "") { $0.gates = .deduplication } == [queue])
        table.removeExchange(exchange)
        #expect(table.routed(front, "") { $0.gates = .delay }.isEmpty)
        table.addQueue(gate, name: "its address is free")
    }
}
