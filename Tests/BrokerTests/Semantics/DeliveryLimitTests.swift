import AMQPWire
import Testing

@testable import Broker

/// x-delivery-limit, x-delivery-count and x-acquired-count (amqp-behaviour 1.4).
@Suite struct DeliveryLimitTests {
    private func fail(_ client: ConversationClient, tag: UInt64) {
        client.send(BasicReject(deliveryTag: tag, requeue: true))
    }

    @Test(arguments: [0, 1]) func aMessageThatFailsTooOftenIsDeadLettered(shard: Int) throws {
        try converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declareDeadLetterQueue()
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

    private func withQuorumQueue(
        limit: Int32, shard: Int = 0, _ body: (_ broker: Conversation, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            broker.connect().declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: ["x-queue-type": .string("quorum"), "x-delivery-limit": .int32(limit)]))
            let client = broker.connect(shard: shard)
            client.publish("x", routingKey: "q")
            body(broker, client)
        }
    }

    private func expectCounts(
        _ client: ConversationClient, tag: UInt64, deliveries: Int64?, acquired: Int64?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let headers = client.get(
            expecting: "x", tag: tag, redelivered: tag > 1, sourceLocation: sourceLocation
        ).headers
        #expect(headers?["x-delivery-count"] == deliveries.map { .int64($0) }, sourceLocation: sourceLocation)
        #expect(headers?["x-acquired-count"] == acquired.map { .int64($0) }, sourceLocation: sourceLocation)
    }

    /// RabbitMQ 4.3: what is given back without having failed may come back for ever.
    @Test(arguments: [0, 1]) func aQuorumQueueCountsFailuresOnly(shard: Int) {
        withQuorumQueue(limit: 1, shard: shard) { _, client in
            expectCounts(client, tag: 1, deliveries: nil, acquired: nil)
            client.send(BasicNack(deliveryTag: 1, requeue: true))
            expectCounts(client, tag: 2, deliveries: nil, acquired: 1)
            client.request(BasicRecover(requeue: true), BasicRecoverOk())
            expectCounts(client, tag: 3, deliveries: nil, acquired: 2)
            fail(client, tag: 3)
            expectCounts(client, tag: 4, deliveries: 1, acquired: 3)
            client.send(BasicNack(deliveryTag: 4, requeue: true))
            expectCounts(client, tag: 5, deliveries: 1, acquired: 4)
            fail(client, tag: 5)
            client.expectCounts(messages: 0)
        }
    }

    @Test(arguments: [0, 1]) func theEndOfAChannelIsAFailure(shard: Int) {
        withQuorumQueue(limit: 1, shard: shard) { broker, client in
            client.get(expecting: "x", tag: 1)
            client.closeChannel()
            let next = broker.connect(shard: shard)
            let headers = next.get(expecting: "x", tag: 1, redelivered: true).headers
            #expect(headers?["x-delivery-count"] == .int64(1) && headers?["x-acquired-count"] == .int64(1))
            next.closeChannel()
            broker.connect().expectCounts(messages: 0)
        }
    }

    @Test func aConsumerTimeoutIsNoFailure() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: [
                        "x-queue-type": .string("quorum"), "x-delivery-limit": .int32(0),
                        "x-consumer-timeout": .int32(10_000),
                    ]))
            client.publish("x", routingKey: "q")
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("x", tag: 1)
            broker.advance(milliseconds: 10_000)
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            expectCounts(client, tag: 2, deliveries: nil, acquired: 1)
        }
    }

    @Test func withoutALimitAQuorumQueueCountsAllTheSame() {
        withQuorumQueue(limit: -1) { _, client in
            for tag in 1...30 as ClosedRange<UInt64> {
                let count = tag > 1 ? Int64(tag) - 1 : nil
                expectCounts(client, tag: tag, deliveries: count, acquired: count)
                fail(client, tag: tag)
            }
        }
    }

    @Test func aClassicQueueWithALimitCountsWhateverComesBack() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-delivery-limit": .int32(1)]))
            client.publish("x", routingKey: "q")
            expectCounts(client, tag: 1, deliveries: nil, acquired: nil)
            client.send(BasicNack(deliveryTag: 1, requeue: true))
            expectCounts(client, tag: 2, deliveries: 1, acquired: 1)
            client.request(BasicRecover(requeue: true), BasicRecoverOk())
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
