import AMQPWire
import Testing

@testable import Broker

/// What lists take is known after so many ticks, each of which looks at so many queues.
@Suite struct ListMeasureTests {
    @Test func manyQueuesAreMeasuredInTurns() {
        converse { broker in
            let client = broker.connect()
            let count = 12
            for number in 0..<count {
                client.declare(QueueDeclare(queue: ShortString(truncating: "q\(number)")))
            }
            let shard = broker.shards[0]
            shard.listMeasure.stepCount = 8
            client.publish("x", routingKey: "q0")
            client.publish("x", routingKey: ShortString(truncating: "q\(count - 1)"))
            let stride = MemoryLayout<QueueEntry>.stride
            broker.advance(milliseconds: 250)
            #expect(shard.listMeasure.byteCount == stride)
            broker.advance(milliseconds: 250)
            #expect(shard.listMeasure.byteCount == 2 * stride)
            client.send(QueuePurge(queue: "q0"))
            _ = client.expect(QueuePurgeOk.self)
            broker.advance(milliseconds: 250)
            broker.advance(milliseconds: 250)
            #expect(shard.listMeasure.byteCount == stride)
        }
    }

    /// Deep queues are what matters: they are measured at once.
    @Test func aDeepQueueIsMeasuredAtEachTick() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let body = String(repeating: "x", count: Limit.deepByteCount / 4)
            for _ in 0..<8 { client.publish(body, routingKey: "q") }
            let shard = broker.shards[0]
            #expect(shard.inspection.pagingQueueCount == 1)
            broker.advance(milliseconds: 250)
            #expect(shard.listMeasure.byteCount == 8 * MemoryLayout<QueueEntry>.stride)
        }
    }
}
