import AMQPWire
import Broker
import Testing

/// What the model has found in the broker, each in a few steps.
@Suite struct FoundByModelTests {
    @Test func aQueueThatNobodyEverUsedExpires() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-expires": .int32(20)]))
            broker.advance(milliseconds: 19)
            #expect(broker.shards[0].inspection.queueCount == 1)
            broker.advance(milliseconds: 1)
            #expect(broker.shards[0].inspection.queueCount == 0)
        }
    }

    @Test func aQueueDoesNotExpireWithItsFirstMessage() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", arguments: ["x-expires": .int32(20), "x-message-ttl": .int32(5)]))
            client.publish("body", routingKey: "q")
            broker.advance(milliseconds: 5)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 0))
        }
    }

    @Test func aLowPriorityIsServedAfterAHighOneIsGone() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-priority": .int32(5)]))
            var urgent = BasicProperties()
            urgent.priority = 3
            client.publish("urgent", routingKey: "q", properties: urgent)
            client.get(expecting: "urgent", tag: 1)
            client.publish("usual", routingKey: "q")
            client.get(expecting: "usual", tag: 2)
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            client.get(expecting: "usual", tag: 3, redelivered: true)
        }
    }
}
