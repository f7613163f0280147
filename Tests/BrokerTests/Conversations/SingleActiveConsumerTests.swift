import AMQPWire
import Testing

/// `x-single-active-consumer`. The queue lives on shard 0; the consumers are there too, or on another shard.
@Suite struct SingleActiveConsumerTests {
    private func withQueue(
        shards: Int = 2, _ body: (_ broker: Conversation, _ publisher: ConversationClient) -> Void
    ) {
        converse(shards: shards) { broker in
            let publisher = broker.connect()
            publisher.declare(
                QueueDeclare(queue: "q", arguments: ["x-single-active-consumer": .bool(true)]))
            body(broker, publisher)
        }
    }

    @Test(arguments: [0, 1]) func onlyOneConsumerGetsMessages(shard: Int) {
        withQueue { broker, publisher in
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            for tag in ["a", "b"] as [ShortString] { client.consume(BasicConsume(queue: "q", consumerTag: tag)) }
            for number in 1...4 { publisher.publish("\(number)", routingKey: "q") }
            client.expectDeliver("1", tag: 1, consumer: "a")
            client.expectDeliver("2", tag: 2, consumer: "a")
            // The others have credit, and get nothing.
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 1))
            client.expectDeliver("3", tag: 3, consumer: "a")
        }
    }

    /// In the order of subscription, those of a higher priority first.
    @Test(arguments: [0, 1]) func theNextInOrderTakesOver(shard: Int) {
        withQueue { broker, publisher in
            let client = broker.connect(shard: shard)
            for (tag, priority) in [("a", 0), ("b", 0), ("c", 7), ("d", 7)] as [(ShortString, Int64)] {
                client.consume(
                    BasicConsume(queue: "q", consumerTag: tag, arguments: ["x-priority": .int64(priority)]))
            }
            for (number, tag) in (["a", "c", "d", "b"] as [ShortString]).enumerated() {
                publisher.publish("\(number)", routingKey: "q")
                client.expectDeliver("\(number)", tag: UInt64(number + 1), consumer: tag)
                client.request(BasicCancel(consumerTag: tag), BasicCancelOk(consumerTag: tag))
            }
            client.consume(BasicConsume(queue: "q", consumerTag: "e"))
            publisher.publish("4", routingKey: "q")
            client.expectDeliver("4", tag: 5, consumer: "e")
        }
    }

    /// RabbitMQ: with basic.cancel the channel keeps what it has not settled.
    @Test(arguments: [0, 1]) func aCancelledConsumersChannelKeepsWhatItHolds(shard: Int) {
        withQueue { broker, publisher in
            let client = broker.connect(shard: shard)
            for tag in ["a", "b"] as [ShortString] { client.consume(BasicConsume(queue: "q", consumerTag: tag)) }
            publisher.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1, consumer: "a")
            client.request(BasicCancel(consumerTag: "a"), BasicCancelOk(consumerTag: "a"))
            publisher.publish("2", routingKey: "q")
            client.expectDeliver("2", tag: 2, consumer: "b")
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.expectDeliver("1", tag: 3, consumer: "b", redelivered: true)
        }
    }

    @Test(arguments: [0, 1], [0, 1]) func theNextBeginsWhereTheEndedChannelBegan(first: Int, second: Int) {
        withQueue { broker, publisher in
            let active = broker.connect(shard: first)
            active.consume(BasicConsume(queue: "q", consumerTag: "c"))
            let next = broker.connect(shard: second)
            next.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...3 {
                publisher.publish("\(number)", routingKey: "q")
                active.expectDeliver("\(number)", tag: UInt64(number))
            }
            active.send(BasicAck(deliveryTag: 1))
            active.closeChannel()
            publisher.publish("4", routingKey: "q")
            next.expectDeliver("2", tag: 1, redelivered: true)
            next.expectDeliver("3", tag: 2, redelivered: true)
            next.expectDeliver("4", tag: 3)
        }
    }

    /// What is on its way to the ended channel is back before the next consumer gets anything behind it.
    @Test(arguments: [false, true]) func nothingOvertakesWhatIsOnItsWayToTheEndedConsumer(noAck: Bool) {
        withQueue { broker, publisher in
            let active = broker.connect(shard: 1)
            active.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: noAck))
            let next = broker.connect()
            next.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.holdsMail = true
            for number in 1...3 { publisher.publish("\(number)", routingKey: "q") }
            active.endSocket()
            // The queue hears of the end before what it sent is back.
            broker.deliverMail(to: 0)
            publisher.publish("4", routingKey: "q")
            next.expectNothing()
            broker.holdsMail = false
            broker.settle()
            for number in 1...3 { next.expectDeliver("\(number)", tag: UInt64(number), redelivered: true) }
            next.expectDeliver("4", tag: 4)
        }
    }

    @Test func anExclusiveConsumerIsRefused() {
        withQueue { broker, publisher in
            publisher.send(BasicConsume(queue: "q", consumerTag: "c", exclusive: true))
            publisher.expectChannelClose(
                403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use", of: BasicConsume.self)
            publisher.consume(BasicConsume(queue: "q", consumerTag: "c"))
        }
    }

    /// A limit of the channel is leased to the active consumer only.
    @Test(arguments: [0, 1]) func aChannelsLimitHoldsForTheActiveConsumer(shard: Int) {
        withQueue { broker, publisher in
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            for tag in ["a", "b"] as [ShortString] { client.consume(BasicConsume(queue: "q", consumerTag: tag)) }
            for number in 1...2 { publisher.publish("\(number)", routingKey: "q") }
            client.expectDeliver("1", tag: 1, consumer: "a")
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 1))
            client.expectDeliver("2", tag: 2, consumer: "a")
        }
    }

    /// RabbitMQ's quorum queues: the active consumer gets nothing more, and makes room once all it holds is settled.
    @Test(arguments: [0, 1]) func aHigherPriorityTakesOverAQuorumQueue(shard: Int) {
        converse(shards: 2) { broker in
            let publisher = broker.connect()
            publisher.declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: ["x-queue-type": .string("quorum"), "x-single-active-consumer": .bool(true)]))
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "a"))
            for number in 1...2 {
                publisher.publish("\(number)", routingKey: "q")
                client.expectDeliver("\(number)", tag: UInt64(number), consumer: "a")
            }
            client.consume(BasicConsume(queue: "q", consumerTag: "b", arguments: ["x-priority": .int8(1)]))
            publisher.publish("3", routingKey: "q")
            client.send(BasicAck(deliveryTag: 1))
            client.expectNothing()
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            client.expectDeliver("2", tag: 3, consumer: "b", redelivered: true)
            client.expectDeliver("3", tag: 4, consumer: "b")
            client.request(BasicCancel(consumerTag: "b"), BasicCancelOk(consumerTag: "b"))
            publisher.publish("4", routingKey: "q")
            client.expectDeliver("4", tag: 5, consumer: "a")
        }
    }

    @Test(arguments: [0, 1]) func aQuorumQueueIsNotForBasicGet(shard: Int) {
        converse(shards: 2) { broker in
            broker.connect().declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: ["x-queue-type": .string("quorum"), "x-single-active-consumer": .bool(true)]))
            let client = broker.connect(shard: shard)
            client.send(BasicGet(queue: "q"))
            client.expectChannelClose(
                405,
                "RESOURCE_LOCKED - cannot obtain access to locked queue 'q' in vhost '/'. basic.get operations are not "
                    + "supported by quorum queues with single active consumer",
                of: BasicGet.self)
        }
    }

    /// RabbitMQ's classic queues: the active consumer stays until it ends.
    @Test func aHigherPriorityWaitsForTheActiveConsumer() {
        withQueue { broker, publisher in
            publisher.consume(BasicConsume(queue: "q", consumerTag: "a"))
            publisher.consume(
                BasicConsume(queue: "q", consumerTag: "b", arguments: ["x-priority": .int8(1)]))
            publisher.publish("1", routingKey: "q")
            publisher.expectDeliver("1", tag: 1, consumer: "a")
        }
    }

    @Test(arguments: [0, 1]) func anAutoDeleteQueueGoesWithItsLastConsumer(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(
                QueueDeclare(
                    queue: "q", autoDelete: true, arguments: ["x-single-active-consumer": .bool(true)]))
            let client = broker.connect(shard: shard)
            for tag in ["a", "b"] as [ShortString] { client.consume(BasicConsume(queue: "q", consumerTag: tag)) }
            client.closeChannel()
            owner.send(QueueDeclare(queue: "q", passive: true))
            owner.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }
}
