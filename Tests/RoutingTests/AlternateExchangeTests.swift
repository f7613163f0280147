import AMQPWire
import Testing

@testable import Routing

@Suite struct AlternateExchangeTests {
    @Test func anAlternateGetsWhatTheExchangeLeadsNowhere() {
        let table = RoutingTable()
        let (direct, alternate) = (table.addExchange(1, .direct), table.addExchange(2, .fanout))
        let (bound, other) = (table.addQueue(1), table.addQueue(2))
        table.bind(direct, to: bound, "a")
        table.bind(alternate, to: other)
        table.setAlternate(of: direct, to: "x2")
        #expect(table.routed(direct, "a") == [bound])
        #expect(table.routed(direct, "b") == [other])
        table.setAlternate(of: direct, to: nil)
        #expect(table.routed(direct, "b").isEmpty)
    }

    /// Also behind another exchange, and one after another; loops end.
    @Test func everyExchangeOnTheWayHasItsAlternate() {
        let table = RoutingTable()
        let exchanges = (1...4).map { table.addExchange(UInt32($0), .direct) }
        let queue = table.addQueue(1)
        table.bind(exchanges[0], to: exchanges[1], "k")
        table.setAlternate(of: exchanges[1], to: "x3")
        table.setAlternate(of: exchanges[2], to: "x4")
        table.setAlternate(of: exchanges[3], to: "x2")
        #expect(table.routed(exchanges[0], "k").isEmpty)
        table.bind(exchanges[3], to: queue, "k")
        #expect(table.routed(exchanges[0], "k") == [queue])
        // What leads to an exchange that this message has passed already leads somewhere.
        table.bind(exchanges[2], to: exchanges[0], "k")
        #expect(table.routed(exchanges[0], "k").isEmpty)
    }

    @Test func anAlternateIsAName() {
        let table = RoutingTable()
        let direct = table.addExchange(1, .direct)
        let queue = table.addQueue(1)
        table.setAlternate(of: direct, to: "x2")
        #expect(table.routed(direct, "k").isEmpty)
        let before = table.version(of: direct)
        let alternate = table.addExchange(2, .fanout)
        table.bind(alternate, to: queue)
        #expect(table.routed(direct, "k") == [queue])
        #expect(table.version(of: direct) != before)
        let bound = table.version(of: direct)
        table.removeExchange(alternate)
        #expect(table.routed(direct, "k").isEmpty)
        #expect(table.version(of: direct) != bound)
        table.bind(table.addExchange(2, .topic), to: queue, "#")
        #expect(table.routed(direct, "k") == [queue])
    }

    @Test func theDefaultExchangeAsAlternateKnowsTheNamesOfQueues() {
        let table = RoutingTable()
        let direct = table.addExchange(1, .direct)
        table.setAlternate(of: direct, to: "")
        let before = table.version(of: direct)
        let queue = table.addQueue(1)
        #expect(table.version(of: direct) != before)
        #expect(table.routed(direct, "q1") == [queue])
    }

    /// All keys of a message are tried before the alternate is.
    @Test func aCopyThatIsRoutedKeepsTheMessageFromTheAlternate() {
        let table = RoutingTable()
        let (topic, alternate) = (table.addExchange(1, .topic), table.addExchange(2, .fanout))
        let (bound, other) = (table.addQueue(1), table.addQueue(2))
        table.bind(topic, to: bound, "c.#")
        table.bind(alternate, to: other)
        table.setAlternate(of: topic, to: "x2")
        #expect(table.routed(topic, "a", copies: ["b", "c.d"]) == [bound])
        #expect(table.routed(topic, "a", copies: ["b"]) == [other])
    }

    @Test func copiesAreRoutedOnceEach() {
        let table = RoutingTable()
        let direct = table.addExchange(1, .direct)
        let queues = (1...3).map { table.addQueue($0) }
        for (queue, key) in zip(queues, ["a", "b", "b"] as [ShortString]) { table.bind(direct, to: queue, key) }
        #expect(table.routed(direct, "a", copies: ["b", "a", "c"]) == queues)
        #expect(table.routed(.default, "q3", copies: ["q1", "none", "q3"]) == [queues[2], queues[0]])
        let fanout = table.addExchange(2, .fanout)
        table.bind(fanout, to: queues[0])
        #expect(table.routed(fanout, "a", copies: ["b"]) == [queues[0]])
    }
}
