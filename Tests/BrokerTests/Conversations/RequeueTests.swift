import AMQPWire
import Testing

@Suite struct RequeueTests {
    /// Three messages, taken by one client in all the ways that leave them unacked.
    private func takeThree(_ broker: Conversation, shard: Int = 0) -> ConversationClient {
        let client = broker.connect(shard: shard)
        client.declare(QueueDeclare(queue: "q"))
        for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
        client.get(expecting: "one", tag: 1, messageCount: 2)
        client.consume(BasicConsume(queue: "q", consumerTag: "c"))
        client.expectDeliver("two", tag: 2)
        client.expectDeliver("three", tag: 3)
        return client
    }

    private func expectAll(_ broker: Conversation, shard: Int = 0, sourceLocation: SourceLocation = #_sourceLocation) {
        let other = broker.connect(shard: shard)
        other.publish("four", routingKey: "q")
        for (index, body) in ["one", "two", "three", "four"].enumerated() {
            other.get(
                expecting: body, tag: UInt64(index + 1), messageCount: UInt32(3 - index), redelivered: body != "four",
                noAck: true, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [0, 1]) func theEndOfAChannelRequeuesInOrder(shard: Int) {
        converse(shards: 2) { broker in
            takeThree(broker).closeChannel()
            expectAll(broker, shard: shard)
        }
    }

    @Test(arguments: [0, 1]) func theEndOfAConnectionRequeuesInOrder(shard: Int) {
        converse(shards: 2) { broker in
            takeThree(broker).close()
            expectAll(broker, shard: shard)
        }
    }

    @Test(arguments: [0, 1]) func theEndOfASocketRequeuesInOrder(shard: Int) {
        converse(shards: 2) { broker in
            takeThree(broker).endSocket()
            expectAll(broker, shard: shard)
        }
    }

    @Test func aChannelErrorRequeuesInOrder() {
        converse { broker in
            let client = takeThree(broker)
            client.send(BasicAck(deliveryTag: 99))
            client.expectChannelClose(406, "PRECONDITION_FAILED - unknown delivery tag 99", of: BasicAck.self)
            expectAll(broker)
        }
    }

    @Test func aConnectionErrorRequeuesInOrder() {
        converse { broker in
            let client = takeThree(broker)
            client.send(ChannelOpen())
            client.expectCloseOnly(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
            expectAll(broker)
        }
    }

    /// Whatever the order in which they come back, and from another shard too.
    @Test(arguments: [0, 1]) func whatIsRequeuedGoesToItsPlace(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: shard)
            for body in ["one", "two", "three", "four"] { owner.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 3)
            client.get(expecting: "two", tag: 2, messageCount: 2)
            client.get(expecting: "three", tag: 3, messageCount: 1)
            client.send(BasicNack(deliveryTag: 3, requeue: true))
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.get(expecting: "one", tag: 4, messageCount: 2, redelivered: true, noAck: true)
            client.send(BasicNack(deliveryTag: 2, requeue: true))
            client.get(expecting: "two", tag: 5, messageCount: 2, redelivered: true, noAck: true)
            client.get(expecting: "three", tag: 6, messageCount: 1, redelivered: true, noAck: true)
            client.get(expecting: "four", tag: 7, noAck: true)
        }
    }

    @Test func aConsumerGetsBackWhatItRequeues() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.expectDeliver("one", tag: 2, redelivered: true)
            client.send(BasicNack(deliveryTag: 2, requeue: true))
            client.expectDeliver("one", tag: 3, redelivered: true)
            client.send(BasicRecover(requeue: true))
            client.expect(BasicRecoverOk())
            client.expectDeliver("one", tag: 4, redelivered: true)
        }
    }

    /// What a cancelled consumer has not acked stays its channel's.
    @Test func cancellingDoesNotRequeue() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.get(expecting: "one", tag: 2, redelivered: true, noAck: true)
        }
    }
}
