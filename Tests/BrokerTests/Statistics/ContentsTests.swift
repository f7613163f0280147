import AMQPWire
import Broker
import Testing

/// How much a queue holds, in bytes of bodies.
@Suite struct ContentsTests {
    @Test func readyAndUnackedBytesAreThoseOfTheBodies() throws {
        try converse(shards: 2) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let other = broker.connect(shard: 1)
            client.publish("four", routingKey: "q")
            other.publish("sixsix", routingKey: "q")
            var queue = try #require(broker.queue("q"))
            #expect(queue.readyByteCount == 10 && queue.unackedByteCount == 0 && queue.messageByteCount == 10)
            other.get(expecting: "four", tag: 1, messageCount: 1)
            other.get(expecting: "sixsix", tag: 2)
            client.publish("x", routingKey: "q")
            queue = try #require(broker.queue("q"))
            #expect(queue.readyByteCount == 1 && queue.unackedByteCount == 10 && queue.persistentCount == 0)
            other.send(BasicReject(deliveryTag: 1, requeue: true))
            queue = try #require(broker.queue("q"))
            #expect(queue.readyByteCount == 5 && queue.unackedByteCount == 6)
            other.send(BasicAck(deliveryTag: 2))
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            client.expectDeliver("four", tag: 1, redelivered: true)
            client.expectDeliver("x", tag: 2)
            queue = try #require(broker.queue("q"))
            #expect(queue.messageByteCount == 0)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.publish("abc", routingKey: "q")
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            #expect(broker.queue("q")?.messageByteCount == 0)
        }
    }

    @Test(arguments: [false, true]) func aDurableQueueTellsWhatIsPersistent(hasExtras: Bool) throws {
        try converse(journal: DrivenJournal(shardCount: 1, pace: .onDemand)) { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", durable: true, arguments: hasExtras ? ["x-max-priority": .int32(3)] : [:]))
            client.publish("transient", routingKey: "q")
            client.publish("kept", routingKey: "q", properties: persistent)
            var queue = try #require(broker.queue("q"))
            #expect(queue.persistentCount == 1 && queue.persistentByteCount == 4 && queue.readyByteCount == 13)
            client.get(expecting: "transient", tag: 1, messageCount: 1)
            client.get(expecting: "kept", tag: 2)
            queue = try #require(broker.queue("q"))
            #expect(queue.persistentCount == 1 && queue.unackedByteCount == 13)
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            queue = try #require(broker.queue("q"))
            #expect(queue.persistentCount == 0 && queue.persistentByteCount == 0 && queue.messageByteCount == 0)
        }
    }
}

private var persistent: BasicProperties {
    var properties = BasicProperties()
    properties.deliveryMode = 2
    return properties
}
