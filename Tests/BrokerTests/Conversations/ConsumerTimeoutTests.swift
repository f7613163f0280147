import AMQPWire
import Testing

@testable import Broker

/// `x-consumer-timeout`. The queue lives on shard 0; the consumer is there too, or on another shard.
@Suite struct ConsumerTimeoutTests {
    private func withQueue(
        milliseconds: Int64? = 10_000,
        _ body: (_ broker: Conversation, _ owner: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            var arguments = FieldTable()
            if let milliseconds { arguments["x-consumer-timeout"] = .int64(milliseconds) }
            owner.declare(QueueDeclare(queue: "q", arguments: arguments))
            body(broker, owner)
        }
    }

    @Test(arguments: [0, 1]) func aConsumerThatKeepsAMessageIsCancelled(shard: Int) {
        withQueue { broker, owner in
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.consume(BasicConsume(queue: "q", consumerTag: "other"))
            for number in 1...3 { owner.publish("\(number)", routingKey: "q") }
            client.expectDeliver("1", tag: 1)
            client.expectDeliver("2", tag: 2, consumer: "other")
            client.expectDeliver("3", tag: 3)
            client.send(BasicAck(deliveryTag: 2))
            broker.advance(milliseconds: 9_999)
            client.expectNothing()
            broker.advance(milliseconds: 1)
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.expectDeliver("1", tag: 4, consumer: "other", redelivered: true)
            client.expectDeliver("3", tag: 5, consumer: "other", redelivered: true)
            broker.expectNote(.warning, containing: "consumer 'c' on channel 1")
            // Late, and without effect.
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicNack(deliveryTag: 3, multiple: true, requeue: false))
            client.send(BasicAck(deliveryTag: 5))
            client.closeChannel()
            owner.get(expecting: "1", tag: 1, redelivered: true)
        }
    }

    @Test(arguments: [0, 1]) func whatIsSettledInTimeIsNotMissed(shard: Int) {
        withQueue { broker, owner in
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            owner.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            broker.advance(milliseconds: 6_000)
            client.send(BasicAck(deliveryTag: 1))
            owner.publish("2", routingKey: "q")
            client.expectDeliver("2", tag: 2)
            broker.advance(milliseconds: 6_000)
            client.expectNothing()
            broker.advance(milliseconds: 4_000)
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            owner.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
        }
    }

    /// As RabbitMQ did for every client before it cancelled consumers.
    @Test(arguments: [0, 1]) func aClientThatDoesNotUnderstandLosesItsChannel(shard: Int) {
        withQueue { broker, owner in
            let client = broker.connect(shard: shard, capabilities: [:])
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            owner.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            broker.advance(milliseconds: 10_000)
            client.expect(
                ChannelClose(
                    replyCode: 406,
                    replyText: ShortString(
                        truncating: "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout "
                            + "value used: 10000 ms. This timeout value can be configured, see consumers doc guide to "
                            + "learn more"),
                    classID: 0, methodID: 0))
            owner.get(expecting: "1", tag: 1, redelivered: true)
        }
    }

    @Test(arguments: [0, 1]) func withoutATimeoutNothingEnds(shard: Int) {
        withQueue(milliseconds: nil) { broker, owner in
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            owner.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            broker.advance(milliseconds: 86_400_000)
            client.expectNothing()
        }
    }

    @Test func aConsumerWithoutAcksHasNoTimeout() {
        withQueue { broker, owner in
            owner.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            owner.publish("1", routingKey: "q")
            owner.expectDeliver("1", tag: 1)
            broker.advance(milliseconds: 20_000)
            owner.expectNothing()
        }
    }

    /// A policy brings a timeout, and takes it away again.
    @Test(arguments: [0, 1]) func aTimeoutMayComeAndGo(shard: Int) {
        withQueue(milliseconds: nil) { broker, owner in
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            func apply(_ milliseconds: UInt64?) {
                for slot in broker.shards[0].queues.occupiedSlots() {
                    guard let queue = broker.shards[0].queues[slot] else { continue }
                    var arguments = queue.pointee.arguments
                    arguments.consumerTimeoutMilliseconds = milliseconds
                    broker.shards[0].apply(arguments, to: queue)
                }
                broker.settle()
            }
            owner.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            apply(5_000)
            owner.publish("2", routingKey: "q")
            client.expectDeliver("2", tag: 2)
            apply(nil)
            broker.advance(milliseconds: 20_000)
            client.expectNothing()
            apply(5_000)
            owner.publish("3", routingKey: "q")
            client.expectDeliver("3", tag: 3)
            broker.advance(milliseconds: 5_000)
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            owner.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 3))
        }
    }

    @Test(arguments: [0, 1]) func theNextSingleActiveConsumerTakesOver(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-consumer-timeout": .int32(1_000), "x-single-active-consumer": .bool(true)]))
            let active = broker.connect(shard: shard)
            active.consume(BasicConsume(queue: "q", consumerTag: "c"))
            owner.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...2 { active.publish("\(number)", routingKey: "q") }
            for number in 1...2 { active.expectDeliver("\(number)", tag: UInt64(number)) }
            broker.advance(milliseconds: 1_000)
            active.expect(BasicCancel(consumerTag: "c", noWait: true))
            for number in 1...2 { owner.expectDeliver("\(number)", tag: UInt64(number), redelivered: true) }
        }
    }
}
