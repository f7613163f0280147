import AMQPWire
import Testing

/// The queue lives on shard 0; the consumer is there too, or on another shard.
@Suite struct PrefetchTests {
    private func fill(_ broker: Conversation, _ queues: [ShortString], count: Int) {
        let publisher = broker.connect()
        for queue in queues {
            publisher.declare(QueueDeclare(queue: queue))
            for number in 1...count { publisher.publish("\(queue)\(number)", routingKey: queue) }
        }
    }

    @Test(arguments: [0, 1]) func aConsumersLimitHoldsForEachConsumer(shard: Int) {
        converse(shards: 2) { broker in
            fill(broker, ["q"], count: 6)
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("q1", tag: 1)
            client.expectDeliver("q2", tag: 2)
            client.consume(BasicConsume(queue: "q", consumerTag: "d"))
            client.expectDeliver("q3", tag: 3, consumer: "d")
            client.expectDeliver("q4", tag: 4, consumer: "d")
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 3))
            client.expectDeliver("q5", tag: 5, consumer: "d")
            client.send(BasicNack(deliveryTag: 2, requeue: false))
            client.expectDeliver("q6", tag: 6)
        }
    }

    @Test(arguments: [0, 1]) func aChannelsLimitHoldsForAllItsConsumers(shard: Int) {
        converse(shards: 2) { broker in
            fill(broker, ["a", "b"], count: 3)
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 3, global: true), BasicQosOk())
            client.consume(BasicConsume(queue: "a", consumerTag: "a"))
            for number in 1...3 {
                client.expectDeliver("a\(number)", tag: UInt64(number), consumer: "a", routingKey: "a")
            }
            client.consume(BasicConsume(queue: "b", consumerTag: "b"))
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            client.expectDeliver("b1", tag: 4, consumer: "b", routingKey: "b")
            client.expectDeliver("b2", tag: 5, consumer: "b", routingKey: "b")
            client.expectNothing()
            client.request(BasicQos(prefetchCount: 0, global: true), BasicQosOk())
            client.expectDeliver("b3", tag: 6, consumer: "b", routingKey: "b")
        }
    }

    @Test(arguments: [0, 1]) func aChannelsLimitMayComeLater(shard: Int) {
        converse(shards: 2) { broker in
            fill(broker, ["q"], count: 2)
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("q1", tag: 1)
            client.expectDeliver("q2", tag: 2)
            client.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            for body in ["three", "four"] { client.publish(body, routingKey: "q") }
            client.send(BasicAck(deliveryTag: 1))
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 2))
            client.expectDeliver("three", tag: 3)
            client.expectNothing()
            client.send(BasicReject(deliveryTag: 3, requeue: true))
            client.expectDeliver("three", tag: 4, redelivered: true)
        }
    }

    @Test(arguments: [0, 1]) func withoutAckNoLimitHolds(shard: Int) {
        converse(shards: 2) { broker in
            fill(broker, ["q"], count: 5)
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for number in 1...5 { client.expectDeliver("q\(number)", tag: UInt64(number)) }
        }
    }

    @Test(arguments: [0, 1]) func aLimitPerConsumerEndsTheChannels(shard: Int) {
        converse(shards: 2) { broker in
            fill(broker, ["q"], count: 3)
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("q1", tag: 1)
            client.expectNothing()
            client.request(BasicQos(prefetchCount: 1, global: false), BasicQosOk())
            client.expectDeliver("q2", tag: 2)
            client.expectDeliver("q3", tag: 3)
        }
    }

    @Test func consumersOfOneQueueTakeTurns() {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let here = broker.connect()
            let elsewhere = broker.connect(shard: 1)
            for client in [here, elsewhere] { client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true)) }
            for number in 1...4 { owner.publish("\(number)", routingKey: "q") }
            here.expectDeliver("1", tag: 1)
            elsewhere.expectDeliver("2", tag: 1)
            here.expectDeliver("3", tag: 2)
            elsewhere.expectDeliver("4", tag: 2)
        }
    }

    /// A client that does not read holds up its own deliveries only.
    @Test(arguments: [0, 1]) func aSocketThatIsFullPausesItsConsumers(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let slow = broker.connect(shard: shard)
            slow.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            slow.setReading(false)
            let body = String(repeating: "x", count: 400_000)
            for _ in 1...5 { owner.publish(body, routingKey: "q") }
            // A window of one mebibyte: three of them, then it is closed.
            slow.expectNothing()
            owner.request(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q", messageCount: 2, consumerCount: 1))
            slow.setReading(true)
            for number in 1...5 { slow.expectDeliver(body, tag: UInt64(number)) }
        }
    }
}
