import AMQPWire
import Testing

@testable import Routing

/// That many bindings come and go as they should. Were a change to cost as much as there are bindings, this would take
/// minutes.
@Suite struct ScaleTests {
    private static let count = 20_000

    @Test(arguments: [ExchangeKind.direct, .fanout, .topic, .headers])
    func manyQueuesAreBoundAndRemoved(kind: ExchangeKind) {
        let table = RoutingTable()
        let (front, exchange) = (table.addExchange(1, .fanout), table.addExchange(2, kind))
        table.bind(front, to: exchange, "#")
        let queues = (0..<ScaleTests.count).map { slot in
            let queue = table.addQueue(slot)
            table.bind(exchange, to: queue, ShortString(made: "key.\(slot)"), ["n": .int64(Int64(slot))])
            return queue
        }
        for slot in stride(from: 0, to: ScaleTests.count, by: 997) {
            let key = ShortString(made: "key.\(slot)")
            let routed = table.routed(exchange, key, headers: ["n": .int64(Int64(slot))])
            #expect(kind == .fanout ? routed.count == ScaleTests.count : routed == [queues[slot]])
        }
        for slot in 0..<ScaleTests.count where slot % 2 == 0 { table.removeQueue(slot) }
        #expect(table.bindingCount == ScaleTests.count / 2 + 1)
        for slot in 0..<ScaleTests.count where slot % 2 == 1 {
            let key = ShortString(made: "key.\(slot)")
            table.unbind(exchange, from: queues[slot], key, ["n": .int64(Int64(slot))])
        }
        #expect(table.bindingCount == 1)
        #expect(table.queueCount == ScaleTests.count / 2)
        #expect(table.routed(exchange, "key.1", headers: ["n": .int64(1)]).isEmpty)
    }

    @Test func aQueueWithManyBindingsAndAnExchangeWithManyAreRemovedAtOnce() {
        let table = RoutingTable()
        let (direct, topic) = (table.addExchange(1, .direct), table.addExchange(2, .topic))
        let queue = table.addQueue(1)
        for number in 0..<ScaleTests.count {
            table.bind(direct, to: queue, ShortString(made: "\(number)"))
            table.bind(topic, to: direct, ShortString(made: "\(number).*.#"))
        }
        #expect(table.routed(topic, "7.x").isEmpty)
        #expect(table.routed(direct, "7") == [queue])
        table.removeQueue(1)
        #expect(table.bindingCount == ScaleTests.count)
        table.removeExchange(direct)
        #expect(table.bindingCount == 0)
        #expect(table.exchanges[2].topic?.pointee.nodeCount == 1)
    }
}
