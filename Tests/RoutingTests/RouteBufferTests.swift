import AMQPWire
import Testing

@testable import Routing

@Suite struct RouteBufferTests {
    @Test func severalKeysIntoOneBufferReachEachQueueOnce() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .direct)
        let (first, second, third) = (table.addQueue(1), table.addQueue(2), table.addQueue(3))
        for (key, queues): (ShortString, [QueueAddress]) in [("a", [first, second]), ("b", [second, third])] {
            for queue in queues { table.bind(exchange, to: queue, key) }
        }
        var result = RouteBuffer()
        defer { result.deallocate() }
        table.route(exchange, "a", into: &result)
        table.route(exchange, "b", into: &result)
        table.route(.default, "q1", into: &result)
        #expect(result.queues == [first, second, third])
        result.removeAll()
        #expect(result.isEmpty)
        table.route(exchange, "b", into: &result)
        #expect(result.queues == [second, third])
    }

    @Test func whatTheCallerOrAnotherRouteAddedInBetweenIsNotRepeated() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .fanout)
        let (first, second) = (table.addQueue(1), table.addQueue(2))
        table.bind(exchange, to: first)
        table.bind(exchange, to: second)
        var (result, other) = (RouteBuffer(), RouteBuffer())
        defer {
            result.deallocate()
            other.deallocate()
        }
        result.append(second)
        result.append(second)
        table.route(.default, "q1", into: &other)
        table.route(exchange, "", into: &result)
        #expect(result.queues == [second, first])
        table.route(exchange, "", into: &other)
        #expect(other.queues == [first, second])
        table.route(exchange, "", into: &result)
        #expect(result.queues == [second, first])
    }

    @Test func aBufferMayPassFromOneTableToAnother() {
        let (left, right) = (RoutingTable(), RoutingTable())
        let (first, second) = (left.addQueue(1), right.addQueue(2))
        var result = RouteBuffer()
        defer { result.deallocate() }
        left.route(.default, "q1", into: &result)
        right.route(.default, "q2", into: &result)
        left.route(.default, "q1", into: &result)
        #expect(result.queues == [first, second])
    }

    @Test func aQueueThatComesAfterABegunResultIsReached() {
        let table = RoutingTable()
        let exchange = table.addExchange(1, .fanout)
        let first = table.addQueue(1)
        table.bind(exchange, to: first)
        var result = RouteBuffer()
        defer { result.deallocate() }
        table.route(exchange, "", into: &result)
        table.removeQueue(1)
        let second = table.addQueue(2)
        table.bind(exchange, to: second)
        table.route(exchange, "", into: &result)
        #expect(result.queues == [first, second])
    }

    @Test func addressesKeepShardSlotAndGeneration() {
        for (shard, slot, generation): (Int, UInt32, UInt32) in [(0, 0, 0), (255, .max, 0xFF_FFFF), (3, 9, 70_000)] {
            let address = QueueAddress(shard: shard, slot: slot, generation: generation)
            #expect(address.shard == shard)
            #expect(address.slot == slot)
            #expect(address.generation == generation)
        }
        #expect(MemoryLayout<QueueAddress>.size == 8)
    }
}
