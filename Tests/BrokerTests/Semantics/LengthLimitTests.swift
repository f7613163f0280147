import AMQPWire
import Testing

@testable import Broker

/// x-max-length, x-max-length-bytes and x-overflow (amqp-behaviour 1.4).
@Suite struct LengthLimitTests {
    private func fill(_ client: ConversationClient, _ numbers: ClosedRange<Int>) {
        for number in numbers { client.publish("\(number)", routingKey: "q") }
    }

    @Test(arguments: [0, 1]) func theOldestMessagesAreDropped(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .int32(3)]))
            let client = broker.connect(shard: shard)
            fill(client, 1...10)
            client.expectCounts(messages: 3)
            #expect(client.drain() == ["8", "9", "10"])
        }
    }

    @Test func unackedMessagesDoNotCount() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .int32(2)]))
            fill(client, 1...2)
            client.get(expecting: "1", tag: 1, messageCount: 1)
            fill(client, 3...3)
            client.expectCounts(messages: 2)
            // What comes back goes to its place, which is the first to be dropped.
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            #expect(client.drain() == ["2", "3"])
        }
    }

    /// As it would be in two reads: what the ack lets go makes room for what is published behind it.
    @Test(arguments: ["drop-head", "reject-publish"])
    func anAckInFrontOfAPublishMakesRoom(overflow: String) {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q", arguments: ["x-max-length": .int32(1), "x-overflow": .string(overflow)]))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("2", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 2))
            client.send(
                bytes: frame(BasicAck(deliveryTag: 1)) + frame(BasicPublish(routingKey: "q"))
                    + contentFrames(Array("3".utf8)))
            client.expectDeliver("2", tag: 2)
            client.expect(BasicAck(deliveryTag: 3))
            client.send(BasicAck(deliveryTag: 2))
            client.expectDeliver("3", tag: 3)
            client.send(BasicAck(deliveryTag: 3))
        }
    }

    /// What is due to expire is not delivered to make room.
    @Test func whatHasExpiredDoesNotGoToAConsumer() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q", arguments: ["x-max-length": .int32(1), "x-message-ttl": .int32(0)]))
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            client.send(
                bytes: frame(BasicPublish(routingKey: "q")) + contentFrames(Array("2".utf8))
                    + frame(BasicAck(deliveryTag: 1)) + frame(BasicPublish(routingKey: "q"))
                    + contentFrames(Array("3".utf8)))
            client.expectNothing()
        }
    }

    @Test func bytesOfBodiesCount() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length-bytes": .int32(10)]))
            client.publish("aaaa", routingKey: "q")
            client.publish("bbbb", routingKey: "q")
            client.publish("cc", routingKey: "q")
            client.expectCounts(messages: 3)
            client.publish("d", routingKey: "q")
            #expect(client.drain() == ["bbbb", "cc", "d"])
            client.publish("much too long", routingKey: "q")
            client.expectCounts(messages: 0)
            client.publish("0123456789", routingKey: "q")
            client.expectCounts(messages: 1)
        }
    }

    @Test func droppedMessagesAreDeadLetteredWithReasonMaxlen() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-max-length": .int32(1), "x-dead-letter-exchange": .string("amq.fanout")]))
            fill(client, 1...3)
            let dead = client.drainContent("dead")
            #expect(dead.map(\.body) == ["1", "2"])
            #expect(dead.allSatisfy { $0.properties.headers?["x-last-death-reason"] == .string("maxlen") })
            #expect(client.drain() == ["3"])
        }
    }

    @Test(arguments: [0, 1]) func aFullQueueRejectsAndThePublisherIsTold(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(
                QueueDeclare(
                    queue: "q", arguments: ["x-max-length": .int32(2), "x-overflow": .string("reject-publish")]))
            let client = broker.connect(shard: shard)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            for number in 1...2 {
                client.publish("\(number)", routingKey: "q")
                client.expect(BasicAck(deliveryTag: UInt64(number)))
            }
            client.publish("3", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 3, requeue: false))
            client.get(expecting: "1", tag: 1, messageCount: 1, noAck: true)
            client.publish("4", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 4))
            #expect(client.drain() == ["2", "4"])
        }
    }

    @Test func rejectPublishDLXDeadLettersWhatItRejects() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-max-length": .int32(1), "x-overflow": .string("reject-publish-dlx"),
                        "x-dead-letter-exchange": .string("amq.fanout"),
                    ]))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("1", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("2", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 2, requeue: false))
            #expect(client.drain("dead") == ["2"])
            #expect(client.drain() == ["1"])
        }
    }

    /// The dropping of one queue must not call that of the next: a long chain would overflow the stack.
    @Test func aLongChainOfFullQueuesIsHarmless() {
        converse { broker in
            let client = broker.connect()
            let length = 3000
            for number in 0..<length {
                client.declare(
                    QueueDeclare(
                        queue: ShortString(truncating: "q\(number)"),
                        arguments: [
                            "x-max-length": .int32(1), "x-dead-letter-exchange": .string(""),
                            "x-dead-letter-routing-key": .string("q\(number + 1)"),
                        ]))
            }
            for number in 0..<length {
                client.publish("\(number)", routingKey: ShortString(truncating: "q\(number)"))
            }
            client.publish("new", routingKey: "q0")
            #expect(client.drain("q0") == ["new"])
            #expect(client.drain("q1") == ["0"])
            #expect(client.drain(ShortString(truncating: "q\(length - 1)")) == ["\(length - 2)"])
        }
    }

    /// Nor must a rejection call the next one.
    @Test func aLongChainOfRejectingQueuesIsHarmless() {
        converse { broker in
            let client = broker.connect()
            let length = 1000
            for number in 0..<length {
                client.declare(
                    QueueDeclare(
                        queue: ShortString(truncating: "q\(number)"),
                        arguments: [
                            "x-max-length": .int32(0), "x-overflow": .string("reject-publish-dlx"),
                            "x-dead-letter-exchange": .string(""),
                            "x-dead-letter-routing-key": .string("q\(number + 1)"),
                        ]))
            }
            client.declare(QueueDeclare(queue: ShortString(truncating: "q\(length)")))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("x", routingKey: "q0")
            client.expect(BasicNack(deliveryTag: 1, requeue: false))
            #expect(client.drain(ShortString(truncating: "q\(length)")) == ["x"])
        }
    }
}
