import AMQPWire
import Broker
import Testing

/// What a channel sent behind a method whose answer comes from another shard, before connection.close: it counts.
@Suite struct DeferredFrameTests {
    private func close() -> [UInt8] { frame(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0) }

    @Test func ackAndPublishBehindAnUnansweredMethodCountWhenTheConnectionCloses() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "q"))
            owner.publish("one", routingKey: "q")
            owner.publish("two", routingKey: "q")
            let worker = broker.connect(shard: 0)
            worker.consume(BasicConsume(queue: "q", consumerTag: "c"))
            worker.expectDeliver("one", tag: 1)
            worker.expectDeliver("two", tag: 2)
            worker.send(
                bytes: frame(BasicCancel(consumerTag: "c")) + frame(BasicAck(deliveryTag: 1))
                    + frame(BasicPublish(routingKey: "q")) + contentFrames(Array("three".utf8)) + close())
            worker.expect(BasicCancelOk(consumerTag: "c"))
            worker.expect(ConnectionCloseOk(), channel: 0)
            worker.expectClosedSocket()
            owner.get(expecting: "two", tag: 1, messageCount: 1, redelivered: true, noAck: true)
            owner.get(expecting: "three", tag: 2, noAck: true)
            owner.send(BasicGet(queue: "q", noAck: true))
            owner.expect(BasicGetEmpty())
        }
    }

    @Test func closeWaitsForAWholeChainOfUnansweredMethods() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: 0)
            client.openChannel(2)
            client.send(
                bytes: frame(QueuePurge(queue: "q")) + frame(QueuePurge(queue: "q"), channel: 2)
                    + frame(QueuePurge(queue: "q")) + frame(BasicPublish(routingKey: "q"))
                    + contentFrames(Array("one".utf8))
                    + frame(ChannelClose(replyCode: 200, replyText: "OK"), channel: 2)
                    + close())
            client.expect(QueuePurgeOk())
            client.expect(QueuePurgeOk(), channel: 2)
            client.expect(ChannelCloseOk(), channel: 2)
            client.expect(QueuePurgeOk())
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
            owner.request(QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 1))
        }
    }

    @Test func mistakeBehindAnUnansweredMethodDoesNotHoldTheCloseUp() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: 0)
            client.send(bytes: frame(QueuePurge(queue: "q")) + frame(BasicAck(deliveryTag: 7)) + close())
            client.expect(QueuePurgeOk())
            _ = client.expect(ChannelClose.self)
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        }
    }

    @Test func socketMayEndWhileTheCloseWaits() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: 0)
            broker.holdsMail = true
            client.send(bytes: frame(QueuePurge(queue: "q")) + frame(QueuePurge(queue: "q")) + close())
            client.endSocket()
            broker.holdsMail = false
            broker.settle()
            client.expectNothing()
        }
    }
}
