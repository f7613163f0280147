import AMQPWire
import Testing

@testable import Broker

/// x-message-deduplication on queues (amqp-behaviour 1.3: the plugin's queue argument).
@Suite struct DeduplicationTests {
    private func publish(_ client: ConversationClient, _ body: String, key: FieldValue?, isPersistent: Bool = false) {
        var properties = BasicProperties()
        if let key { properties.headers = ["x-deduplication-header": key] }
        if isPersistent { properties.deliveryMode = 2 }
        client.publish(body, routingKey: "q", properties: properties)
    }

    private let arguments: FieldTable = ["x-message-deduplication": .bool(true)]

    @Test func aMessageOfWhichOneWaitsIsNotQueuedAgain() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: arguments))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            publish(client, "1", key: .string("a"))
            client.expect(BasicAck(deliveryTag: 1))
            publish(client, "2", key: .string("a"))
            client.expect(BasicAck(deliveryTag: 2))
            publish(client, "3", key: .string("b"))
            client.expect(BasicAck(deliveryTag: 3))
            for number in 4...5 {
                publish(client, "\(number)", key: nil)
                client.expect(BasicAck(deliveryTag: UInt64(number)))
            }
            #expect(client.drain() == ["1", "3", "4", "5"])
        }
    }

    @Test func itMayComeAgainOnceItIsSettled() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: arguments))
            publish(client, "1", key: .int32(7))
            client.get(expecting: "1", tag: 1)
            publish(client, "2", key: .int32(7))
            client.expectCounts(messages: 0)
            client.send(BasicAck(deliveryTag: 1))
            publish(client, "3", key: .int32(7))
            #expect(client.drain() == ["3"])
            publish(client, "4", key: .int32(7))
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            publish(client, "5", key: .int32(7))
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            client.expectDeliver("5", tag: 3)
            publish(client, "6", key: .int32(7))
            client.expectDeliver("6", tag: 4)
        }
    }

    @Test func itIsStillKnownAfterARestart() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: arguments, confirms: false)
            publish(client, "1", key: .string("a"), isPersistent: true)
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            publish(client, "2", key: .string("a"), isPersistent: true)
            publish(client, "3", key: .string("b"), isPersistent: true)
            #expect(client.drain() == ["1", "3"])
        }
    }
}
