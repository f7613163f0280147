import AMQPWire
import Testing

@testable import Broker

/// x-max-priority (amqp-behaviour 1.4).
@Suite struct PriorityTests {
    private func broker(_ body: (ConversationClient, Conversation) -> Void) {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-priority": .int32(5)]))
            body(client, broker)
        }
    }

    @Test func higherPrioritiesComeFirstAndEqualOnesInTheirOrder() {
        broker { client, _ in
            for (number, priority) in [0, 3, 5, 3, 1, 0, 5].enumerated() {
                client.publish("\(priority)-\(number)", routingKey: "q", properties: .prioritised(UInt8(priority)))
            }
            client.publish("none", routingKey: "q")
            #expect(client.drain() == ["5-2", "5-6", "3-1", "3-3", "1-4", "0-0", "0-5", "none"])
        }
    }

    @Test func prioritiesAboveTheQueuesAreCapped() {
        broker { client, _ in
            client.publish("five", routingKey: "q", properties: .prioritised(5))
            client.publish("two hundred", routingKey: "q", properties: .prioritised(200))
            client.publish("four", routingKey: "q", properties: .prioritised(4))
            #expect(client.drain() == ["five", "two hundred", "four"])
        }
    }

    @Test func withoutTheArgumentPrioritiesMeanNothing() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for priority in [1, 9, 4] as [UInt8] {
                client.publish("\(priority)", routingKey: "q", properties: .prioritised(priority))
            }
            #expect(client.drain() == ["1", "9", "4"])
        }
    }

    @Test func whatComesBackKeepsItsPriorityAndPlace() {
        broker { client, _ in
            client.publish("low", routingKey: "q")
            for name in ["a", "b"] { client.publish(name, routingKey: "q", properties: .prioritised(2)) }
            client.get(expecting: "a", tag: 1, messageCount: 2)
            client.get(expecting: "b", tag: 2, messageCount: 1)
            client.publish("c", routingKey: "q", properties: .prioritised(2))
            client.send(BasicNack(deliveryTag: 2, multiple: true, requeue: true))
            #expect(client.drain() == ["a", "b", "c", "low"])
        }
    }

    @Test func lowPrioritiesExpireBehindHighOnes() {
        broker { client, broker in
            client.publish("low", routingKey: "q", properties: .expiring(100))
            client.publish("high", routingKey: "q", properties: .prioritised(3))
            broker.advance(milliseconds: 100)
            client.expectCounts(messages: 1)
            #expect(client.drain() == ["high"])
        }
    }

    /// RabbitMQ drops from the head, which is the highest priority.
    @Test func aFullQueueDropsItsHead() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", arguments: ["x-max-priority": .int32(5), "x-max-length": .int32(2)]))
            client.publish("low", routingKey: "q")
            client.publish("high", routingKey: "q", properties: .prioritised(3))
            client.publish("middle", routingKey: "q", properties: .prioritised(2))
            #expect(client.drain() == ["middle", "low"])
        }
    }

    @Test func aQuorumQueueHasThirtyTwoPriorities() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            for priority in [0, 31, 7, 40, 30] as [UInt8] {
                client.publish("\(priority)", routingKey: "q", properties: .prioritised(priority))
            }
            #expect(client.drain() == ["31", "40", "30", "7", "0"])
        }
    }
}
