import AMQPWire
import Testing

/// `x-overflow: reject-publish`: the publisher is told with basic.nack. The queue lives on shard 0; the publisher is
/// there too, or on another shard.
@Suite struct RejectPublishTests {
    private static let arguments: FieldTable = ["x-max-length": .int32(1), "x-overflow": .string("reject-publish")]

    @Test(arguments: [0, 1]) func aRejectedPublishIsNacked(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", arguments: Self.arguments))
            let client = broker.connect(shard: shard)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("one", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("two", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 2, requeue: false))
            owner.get(expecting: "one", tag: 1)
            client.publish("three", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 3))
            owner.get(expecting: "three", tag: 2)
        }
    }

    @Test(arguments: [0, 1]) func manyAreNackedAtOnce(shard: Int) {
        converse(shards: 2) { broker in
            broker.connect().declare(QueueDeclare(queue: "q", arguments: Self.arguments))
            let client = broker.connect(shard: shard)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            var bytes: [UInt8] = []
            for key in ["q", "q", "q", "nobody", "q"] as [ShortString] {
                bytes += frame(BasicPublish(routingKey: key)) + contentFrames(Array("body".utf8))
            }
            client.send(bytes: bytes)
            client.expect(BasicAck(deliveryTag: 1))
            client.expect(BasicNack(deliveryTag: 3, multiple: true, requeue: false))
            client.expect(BasicAck(deliveryTag: 4))
            client.expect(BasicNack(deliveryTag: 5, requeue: false))
        }
    }

    /// A nack if any queue rejects; the others have the message.
    @Test(arguments: [0, 1], [0, 1]) func otherQueuesHaveWhatOneRejects(rejecting: Int, publisher: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: rejecting)
            owner.declare(QueueDeclare(queue: "full", arguments: Self.arguments))
            let other = broker.connect(shard: 1 - rejecting)
            other.declare(QueueDeclare(queue: "q"))
            for queue in ["full", "q"] as [ShortString] {
                owner.request(QueueBind(queue: queue, exchange: "amq.fanout"), QueueBindOk())
            }
            let client = broker.connect(shard: publisher)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("one", exchange: "amq.fanout", routingKey: "")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("two", exchange: "amq.fanout", routingKey: "")
            client.expect(BasicNack(deliveryTag: 2, requeue: false))
            client.request(QueuePurge(queue: "full"), QueuePurgeOk(messageCount: 1))
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
        }
    }

    @Test(arguments: [0, 1]) func withoutConfirmsNobodyIsTold(shard: Int) {
        converse(shards: 2) { broker in
            broker.connect().declare(QueueDeclare(queue: "q", arguments: Self.arguments))
            let client = broker.connect(shard: shard)
            for body in ["one", "two"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1)
            client.publish("three", routingKey: "q")
            // The route is remembered; from now on a rejection counts.
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("four", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 1, requeue: false))
        }
    }

    @Test func theJournalForgetsWhatIsRejected() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: Self.arguments)
            client.store("one")
            client.store("two")
            #expect(
                journal.takeRecords(0) == ["message 0:1 of [1]: one", "message 0:2 of [1]: two", "settled 0:2 of 1"])
            client.expectNothing()
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 1))
            client.expect(BasicNack(deliveryTag: 2, requeue: false))
        }
    }

    @Test func aRejectionForAChannelThatIsGoneIsDropped() {
        converse(shards: 2) { broker in
            broker.connect().declare(QueueDeclare(queue: "q", arguments: Self.arguments))
            let client = broker.connect(shard: 1)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            broker.holdsMail = true
            for body in ["one", "two"] { client.publish(body, routingKey: "q") }
            client.closeChannel()
            client.openChannel(1)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("nobody", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("nobody", routingKey: "nobody")
            broker.holdsMail = false
            broker.settle()
            client.expect(BasicAck(deliveryTag: 2))
        }
    }
}
