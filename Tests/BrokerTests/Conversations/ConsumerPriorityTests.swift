import AMQPWire
import Testing

/// `x-priority` of basic.consume. The queue lives on shard 0; the consumers are there too, or on another shard.
@Suite struct ConsumerPriorityTests {
    private func consume(_ client: ConversationClient, _ tag: ShortString, priority: FieldValue?) {
        var arguments = FieldTable()
        arguments["x-priority"] = priority
        client.consume(BasicConsume(queue: "q", consumerTag: tag, arguments: arguments))
    }

    @Test(arguments: [0, 1]) func theHigherPriorityIsServedWhileItHasCredit(shard: Int) {
        converse(shards: 2) { broker in
            let publisher = broker.connect()
            publisher.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            consume(client, "low", priority: .int8(-5))
            consume(client, "none", priority: nil)
            consume(client, "high", priority: .int32(10))
            for number in 1...4 { publisher.publish("\(number)", routingKey: "q") }
            client.expectDeliver("1", tag: 1, consumer: "high")
            client.expectDeliver("2", tag: 2, consumer: "none")
            client.expectDeliver("3", tag: 3, consumer: "low")
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 3))
            client.expectDeliver("4", tag: 4, consumer: "low")
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            publisher.publish("5", routingKey: "q")
            client.expectDeliver("5", tag: 5, consumer: "high")
        }
    }

    @Test(arguments: [0, 1]) func consumersOfOnePriorityTakeTurns(shard: Int) {
        converse(shards: 2) { broker in
            let publisher = broker.connect()
            publisher.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: shard)
            consume(client, "low", priority: .int64(1))
            consume(client, "a", priority: .uint8(2))
            consume(client, "b", priority: .int16(2))
            for number in 1...4 { publisher.publish("\(number)", routingKey: "q") }
            for (number, tag) in [(1, "a"), (2, "b"), (3, "a"), (4, "b")] {
                client.expectDeliver(
                    "\(number)", tag: UInt64(number), consumer: ShortString(truncating: tag))
            }
        }
    }

    @Test func theNextPriorityServesWhenTheHigherOneEnds() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            consume(client, "low", priority: .int8(1))
            consume(client, "high", priority: .int8(2))
            consume(client, "lowest", priority: .int64(.min))
            consume(client, "highest", priority: .int64(.max))
            for (number, tag) in ["highest", "high", "low", "lowest"].enumerated() {
                client.publish(tag, routingKey: "q")
                let consumer = ShortString(truncating: tag)
                client.expectDeliver(tag, tag: UInt64(number + 1), consumer: consumer)
                client.request(BasicCancel(consumerTag: consumer), BasicCancelOk(consumerTag: consumer))
            }
        }
    }

    @Test func aPriorityThatIsNoIntegerIsRefused() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for (value, type) in [
                (FieldValue.string("1"), "longstr"), (.bool(true), "bool"), (.double(1), "double"),
            ] {
                client.send(BasicConsume(queue: "q", consumerTag: "c", arguments: ["x-priority": value]))
                client.expectChannelClose(
                    406,
                    "PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': "
                        + "\"expected integer, got \(type)\"",
                    of: BasicConsume.self)
            }
        }
    }
}
