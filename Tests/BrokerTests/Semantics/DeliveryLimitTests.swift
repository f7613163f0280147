import AMQPWire
import Testing

@testable import Broker

/// x-delivery-limit and x-delivery-count (amqp-behaviour 1.4).
@Suite struct DeliveryLimitTests {
    private func fail(_ client: ConversationClient, tag: UInt64) {
        client.send(BasicReject(deliveryTag: tag, requeue: true))
    }

    @Test(arguments: [0, 1]) func aMessageThatFailsTooOftenIsDeadLettered(shard: Int) throws {
        try converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "dead"))
            owner.request(QueueBind(queue: "dead", exchange: "amq.fanout"), QueueBindOk())
            owner.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-delivery-limit": .int32(2), "x-dead-letter-exchange": .string("amq.fanout")]))
            let client = broker.connect(shard: shard)
            client.publish("poison", routingKey: "q")
            client.publish("good", routingKey: "q")
            let first = client.get(expecting: "poison", tag: 1, messageCount: 1)
            #expect(first.headers?["x-delivery-count"] == nil)
            fail(client, tag: 1)
            let second = client.get(expecting: "poison", tag: 2, messageCount: 1, redelivered: true)
            #expect(second.headers?["x-delivery-count"] == .int64(1))
            fail(client, tag: 2)
            let third = client.get(expecting: "poison", tag: 3, messageCount: 1, redelivered: true)
            #expect(third.headers?["x-delivery-count"] == .int64(2))
            fail(client, tag: 3)
            #expect(client.drain() == ["good"])
            let (_, properties) = try #require(client.drainContent("dead").first)
            #expect(properties.headers?["x-last-death-reason"] == .string("delivery_limit"))
            #expect(properties.headers?["x-delivery-count"] == nil)
        }
    }

    @Test func withoutALimitNothingIsCounted() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("x", routingKey: "q")
            for tag in 1...30 as ClosedRange<UInt64> {
                let properties = client.get(expecting: "x", tag: tag, redelivered: tag > 1)
                #expect(properties.headers == nil)
                fail(client, tag: tag)
            }
        }
    }

    @Test func aQuorumQueueGivesUpAfterTwenty() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            client.publish("x", routingKey: "q")
            for tag in 1...21 as ClosedRange<UInt64> {
                client.get(expecting: "x", tag: tag, redelivered: tag > 1)
                fail(client, tag: tag)
            }
            client.expectCounts(messages: 0)
        }
    }

    @Test func theCountSurvivesARestart() {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: ["x-delivery-limit": .int32(5)], confirms: false)
            client.store("x")
            broker.syncJournal()
            client.send(BasicGet(queue: "q"))
            broker.syncJournal()
            _ = client.takeAll()
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.get(expecting: "x", tag: 2, redelivered: true)
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            broker.syncJournal()
        }
        node.live { broker in
            let client = broker.connect()
            client.send(BasicGet(queue: "q"))
            broker.syncJournal()
            guard case .method(.basicGetOk(let got), _, let content?)? = client.takeAll().first else {
                Issue.record("the message is not there")
                return
            }
            #expect(got.redelivered)
            #expect(content.properties.headers?["x-delivery-count"] == .int64(2))
        }
    }
}
