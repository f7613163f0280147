import AMQPWire
import Testing

@testable import Routing

@Suite struct ExchangeToExchangeTests {
    @Test func eachExchangeOnTheWayAppliesItsOwnRule() {
        let table = RoutingTable()
        let (topic, direct) = (table.addExchange(1, .topic), table.addExchange(2, .direct))
        let (first, second) = (table.addQueue(1), table.addQueue(2))
        table.bind(topic, to: direct, "a.#")
        table.bind(direct, to: first, "a.b")
        table.bind(direct, to: second, "c")
        #expect(table.routed(topic, "a.b") == [first])
        #expect(table.routed(topic, "c").isEmpty)
        #expect(table.routed(direct, "c") == [second])
    }

    @Test func loopsEndAndQueuesAreReachedOnce() {
        let table = RoutingTable()
        let exchanges = (1...3).map { table.addExchange(UInt32($0), .fanout) }
        let queues = (1...3).map { table.addQueue($0) }
        for source in exchanges {
            for destination in exchanges { table.bind(source, to: destination) }
            for queue in queues { table.bind(source, to: queue) }
        }
        for exchange in exchanges { #expect(Set(table.routed(exchange)) == Set(queues)) }
        #expect(table.routed(exchanges[0]).count == 3)
    }

    @Test func removingAnExchangeInTheMiddleCutsTheWay() {
        let table = RoutingTable()
        let (first, middle, last) = (
            table.addExchange(1, .fanout), table.addExchange(2, .fanout), table.addExchange(3, .fanout)
        )
        let queue = table.addQueue(1)
        table.bind(first, to: middle)
        table.bind(middle, to: last)
        table.bind(last, to: queue)
        #expect(table.routed(first) == [queue])
        table.removeExchange(middle)
        #expect(table.routed(first).isEmpty)
        #expect(table.bindingCount == 1)
        // An exchange that takes over the id takes over nothing else.
        table.addExchange(2, .fanout)
        #expect(table.routed(first).isEmpty)
    }

    @Test func aChangeBehindAnExchangeChangesItsVersionAndOthersKeepTheirs() {
        let table = RoutingTable()
        let (front, middle, back) = (
            table.addExchange(1, .fanout), table.addExchange(2, .topic), table.addExchange(3, .direct)
        )
        let unrelated = table.addExchange(4, .fanout)
        let queue = table.addQueue(1)
        table.bind(front, to: middle)
        table.bind(middle, to: back, "#")
        table.bind(unrelated, to: queue)
        func versions() -> [UInt64] { [front, middle, back, unrelated, .default].map { table.version(of: $0) } }

        let before = versions()
        table.bind(back, to: queue, "k")
        let after = versions()
        #expect(zip(before, after).map(!=) == [true, true, true, false, false])
        table.bind(front, to: queue)
        #expect(zip(after, versions()).map(!=) == [true, false, false, false, false])
        let settled = versions()
        table.removeQueue(1)
        #expect(zip(settled, versions()).map(!=) == [true, true, true, true, true])
    }

    @Test func aVersionDoesNotComeBackWithTheId() {
        let table = RoutingTable()
        var seen: Set<UInt64> = []
        for _ in 0..<50 {
            let exchange = table.addExchange(1, .fanout)
            #expect(seen.insert(table.version(of: exchange)).inserted)
            table.removeExchange(exchange)
            #expect(seen.insert(table.version(of: exchange)).inserted)
        }
        #expect(table.version(of: ExchangeID(value: 1_000_000)) == 0)
    }

    @Test func anExchangeRoutesByHeadersWhenOneBehindItDoes() {
        let table = RoutingTable()
        let (front, middle, headers) = (
            table.addExchange(1, .fanout), table.addExchange(2, .fanout), table.addExchange(3, .headers)
        )
        #expect(table.dependsOnMessage(headers))
        #expect(!table.dependsOnMessage(front))
        table.bind(front, to: middle)
        table.bind(middle, to: headers, "one")
        table.bind(middle, to: headers, "two")
        #expect(table.dependsOnMessage(front))
        table.unbind(middle, from: headers, "one")
        #expect(table.dependsOnMessage(front))
        table.unbind(middle, from: headers, "two")
        #expect(!table.dependsOnMessage(front))
        #expect(!table.dependsOnMessage(.default))
    }
}
