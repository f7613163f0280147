import AMQPWire
import Testing

@testable import Routing

@Suite struct DirectAndFanoutTests {
    @Test func aDirectExchangeRoutesToQueuesBoundWithExactlyThatKey() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .direct)
        let (first, second) = (table.addQueue(1), table.addQueue(2))
        table.bind(exchange, to: first, "k")
        table.bind(exchange, to: second, "k")
        table.bind(exchange, to: second, "")
        #expect(table.routed(exchange, "k") == [first, second])
        #expect(table.routed(exchange, "") == [second])
        #expect(table.routed(exchange, "K").isEmpty)
    }

    @Test func keysOfEveryLengthAreToldApart() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .direct)
        let keys = (0...255).map { ShortString(bytes: [UInt8](repeating: 7, count: $0)) }
        let queues = keys.enumerated().map { slot, key in
            let queue = table.addQueue(slot)
            table.bind(exchange, to: queue, key)
            return queue
        }
        for (key, queue) in zip(keys, queues) { #expect(table.routed(exchange, key) == [queue]) }
        for (key, queue) in zip(keys, queues) where key.count % 2 == 0 { table.unbind(exchange, from: queue, key) }
        for (key, queue) in zip(keys, queues) {
            #expect(table.routed(exchange, key) == (key.count % 2 == 0 ? [] : [queue]))
        }
    }

    @Test func sameKeyWithOtherArgumentsIsAnotherBinding() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .direct)
        let queue = table.addQueue(1)
        #expect(table.bind(exchange, to: queue, "k"))
        #expect(table.bind(exchange, to: queue, "k", ["a": .int32(1)]))
        #expect(table.bind(exchange, to: queue, "k", ["a": .int64(1)]))
        #expect(table.routed(exchange, "k") == [queue])
        #expect(table.unbind(exchange, from: queue, "k"))
        #expect(table.unbind(exchange, from: queue, "k", ["a": .int32(1)]))
        #expect(table.routed(exchange, "k") == [queue])
        #expect(table.unbind(exchange, from: queue, "k", ["a": .int64(1)]))
        #expect(table.routed(exchange, "k").isEmpty)
    }

    @Test func bindingAndUnbindingTwiceChangesNothing() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .direct)
        let queue = table.addQueue(1)
        #expect(table.bind(exchange, to: queue, "k"))
        let version = table.version(of: exchange)
        #expect(!table.bind(exchange, to: queue, "k"))
        #expect(table.version(of: exchange) == version)
        #expect(table.unbind(exchange, from: queue, "k"))
        #expect(!table.unbind(exchange, from: queue, "k"))
        #expect(table.bindingCount == 0)
    }

    @Test func aFanoutExchangeRoutesToEveryBoundQueueWhateverTheKey() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .fanout)
        let queues = (0..<100).map { table.addQueue($0) }
        for queue in queues { table.bind(exchange, to: queue, "ignored") }
        table.bind(exchange, to: queues[0], "again")
        #expect(table.routed(exchange, "any") == queues)
        table.unbind(exchange, from: queues[0], "ignored")
        #expect(Set(table.routed(exchange, "any")) == Set(queues))
        table.unbind(exchange, from: queues[0], "again")
        #expect(Set(table.routed(exchange, "any")) == Set(queues.dropFirst()))
    }

    @Test func theDefaultExchangeRoutesByQueueName() {
        let table = RoutingTable()
        #expect(table.exchange("") == .default)
        #expect(table.routed(.default, "q1").isEmpty)
        let queue = table.addQueue(1)
        #expect(table.routed(.default, "q1") == [queue])
        #expect(table.queue("q1") == queue)
        table.removeQueue(1)
        #expect(table.routed(.default, "q1").isEmpty)
        #expect(table.queue("q1") == nil)
    }

    @Test func aQueueIsRemovedOnlyUnderItsOwnNameAndAddress() {
        let table = RoutingTable()
        let old = table.addQueue(1)
        table.removeQueue(old, name: "other")
        table.removeQueue(QueueAddress(shard: 1, slot: 1, generation: 2), name: "q1")
        #expect(table.queue("q1") == old)
    }

    @Test func bindingsOfTheDefaultExchangeAndOfWhatIsNotThereAreIgnored() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .fanout)
        let queue = table.addQueue(1)
        #expect(!table.bind(.default, to: queue, "k"))
        #expect(!table.bind(exchange, to: .default))
        #expect(!table.bind(ExchangeID(value: 9), to: queue))
        #expect(!table.bind(exchange, to: ExchangeID(value: 9)))
        #expect(!table.bind(exchange, to: QueueAddress(shard: 0, slot: 9, generation: 0)))
        #expect(!table.unbind(ExchangeID(value: 9), from: queue))
        #expect(table.bindingCount == 0)
        #expect(table.routed(ExchangeID(value: 9), "k").isEmpty)
    }
}
