import AMQPWire
import Testing

@testable import Broker

/// x-delayed-retry-type, -min and -max (amqp-behaviour 1.4).
@Suite struct DelayedRetryTests {
    private static func arguments(_ type: String, _ more: FieldTable = FieldTable()) -> FieldTable {
        let retry: FieldTable = [
            "x-queue-type": .string("quorum"), "x-delayed-retry-type": .string(type),
            "x-delayed-retry-min": .int32(1000), "x-delayed-retry-max": .int32(2500),
        ]
        return FieldTable(retry.entries + more.entries)
    }

    private func withQueue(
        _ type: String = "all", _ more: FieldTable = FieldTable(), shard: Int = 0,
        _ body: (_ broker: Conversation, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declareDeadLetterQueue()
            owner.declare(QueueDeclare(queue: "q", durable: true, arguments: Self.arguments(type, more)))
            body(broker, broker.connect(shard: shard))
        }
    }

    private func reject(_ client: ConversationClient, _ tag: UInt64) {
        client.send(BasicReject(deliveryTag: tag, requeue: true))
    }

    private func nack(_ client: ConversationClient, _ tag: UInt64) {
        client.send(BasicNack(deliveryTag: tag, requeue: true))
    }

    /// It waits for exactly so long.
    private func expectDelay(
        _ milliseconds: UInt64, _ broker: Conversation, _ client: ConversationClient,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.expectCounts(messages: 0, sourceLocation: sourceLocation)
        broker.advance(milliseconds: milliseconds - 1)
        client.expectCounts(messages: 0, sourceLocation: sourceLocation)
        broker.advance(milliseconds: 1)
        client.expectCounts(messages: 1, sourceLocation: sourceLocation)
    }

    @Test(arguments: [0, 1]) func aMessageThatFailsWaitsLongerEachTime(shard: Int) {
        withQueue("failed", shard: shard) { broker, client in
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            reject(client, 1)
            expectDelay(1000, broker, client)
            client.get(expecting: "x", tag: 2, redelivered: true)
            reject(client, 2)
            expectDelay(2000, broker, client)
            client.get(expecting: "x", tag: 3, redelivered: true)
            reject(client, 3)
            expectDelay(2500, broker, client)
            client.get(expecting: "x", tag: 4, redelivered: true)
            nack(client, 4)
            client.expectCounts(messages: 1)
        }
    }

    @Test func whatIsGivenBackWaitsForTheMinimum() {
        withQueue("returned") { broker, client in
            client.publish("x", routingKey: "q")
            for tag in 1...3 as ClosedRange<UInt64> {
                client.get(expecting: "x", tag: tag, redelivered: tag > 1)
                nack(client, tag)
                expectDelay(1000, broker, client)
            }
            client.get(expecting: "x", tag: 4, redelivered: true)
            reject(client, 4)
            client.expectCounts(messages: 1)
        }
    }

    @Test func whateverComesBackWaitsWithTypeAll() {
        withQueue { broker, client in
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            nack(client, 1)
            expectDelay(1000, broker, client)
            client.get(expecting: "x", tag: 2, redelivered: true)
            client.closeChannel()
            let next = broker.connect()
            expectDelay(1000, broker, next)
            next.get(expecting: "x", tag: 1, redelivered: true)
            reject(next, 1)
            expectDelay(2000, broker, next)
        }
    }

    @Test func nothingWaitsWithTypeDisabled() {
        withQueue("disabled") { _, client in
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            reject(client, 1)
            client.expectCounts(messages: 1)
        }
    }

    @Test(arguments: [0, 1]) func aConsumerGetsItWhenItIsDueAtItsPlace(shard: Int) {
        withQueue(shard: shard) { broker, client in
            for body in ["1", "2", "3", "4"] { client.publish(body, routingKey: "q") }
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("1", tag: 1)
            client.expectDeliver("2", tag: 2)
            reject(client, 1)
            client.expectDeliver("3", tag: 3)
            broker.advance(milliseconds: 1000)
            client.send(BasicAck(deliveryTag: 2))
            client.expectDeliver("1", tag: 4, redelivered: true)
            client.send(BasicAck(deliveryTag: 3))
            client.expectDeliver("4", tag: 5)
            reject(client, 5)
            broker.advance(milliseconds: 999)
            client.expectNothing()
            broker.advance(milliseconds: 1)
            client.expectDeliver("4", tag: 6, redelivered: true)
            client.send(BasicAck(deliveryTag: 6, multiple: true))
        }
    }

    @Test func whatWaitsDiesOfTheDeliveryLimitAtOnce() {
        withQueue("all", ["x-delivery-limit": .int32(1), "x-dead-letter-exchange": .string("amq.fanout")]) {
            broker, client in
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            reject(client, 1)
            expectDelay(1000, broker, client)
            client.get(expecting: "x", tag: 2, redelivered: true)
            reject(client, 2)
            client.expectCounts("dead", messages: 1)
        }
    }

    @Test(arguments: [true, false]) func aMessageExpiresWhileItWaits(isOwn: Bool) {
        var arguments: FieldTable = ["x-dead-letter-exchange": .string("amq.fanout")]
        if !isOwn { arguments["x-message-ttl"] = .int32(600) }
        withQueue("all", arguments) { broker, client in
            client.publish("x", routingKey: "q", properties: isOwn ? .expiring(600) : BasicProperties())
            client.get(expecting: "x", tag: 1)
            broker.advance(milliseconds: 100)
            reject(client, 1)
            broker.advance(milliseconds: 499)
            client.expectCounts("dead", messages: 0)
            broker.advance(milliseconds: 1)
            client.expectCounts("dead", messages: 1)
            let reason = client.drainContent("dead").first?.properties.headers?["x-last-death-reason"]
            #expect(reason == .string("expired"))
            broker.advance(milliseconds: 1000)
            client.expectCounts(messages: 0)
        }
    }

    @Test func aMessageExpiresAfterItHasWaited() {
        withQueue { broker, client in
            client.publish("x", routingKey: "q", properties: .expiring(1500))
            client.get(expecting: "x", tag: 1)
            reject(client, 1)
            expectDelay(1000, broker, client)
            broker.advance(milliseconds: 500)
            client.expectCounts(messages: 0)
        }
    }

    /// It was never ready before.
    @Test func whatAConsumerHadAtOnceExpiresAfterItHasWaited() {
        withQueue { broker, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("x", routingKey: "q", properties: .expiring(1500))
            client.expectDeliver("x", tag: 1)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            reject(client, 1)
            expectDelay(1000, broker, client)
            broker.advance(milliseconds: 500)
            client.expectCounts(messages: 0)
        }
    }

    @Test func eachWaitsForItsOwnTime() {
        withQueue { broker, client in
            for body in ["1", "2"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "1", tag: 1, messageCount: 1)
            client.get(expecting: "2", tag: 2)
            reject(client, 2)
            broker.advance(milliseconds: 400)
            reject(client, 1)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.advance(milliseconds: 600)
            client.expectDeliver("2", tag: 3, redelivered: true)
            broker.advance(milliseconds: 399)
            client.expectNothing()
            broker.advance(milliseconds: 1)
            client.expectDeliver("1", tag: 4, redelivered: true)
        }
    }

    @Test func whatWaitsCountsTowardsTheMaximumLength() {
        withQueue("all", ["x-max-length": .int32(2), "x-overflow": .string("reject-publish")]) { broker, client in
            client.request(ConfirmSelect(), ConfirmSelectOk())
            for tag in 1...2 as ClosedRange<UInt64> {
                client.publish("\(tag)", routingKey: "q")
                client.expect(BasicAck(deliveryTag: tag))
            }
            client.get(expecting: "1", tag: 1, messageCount: 1)
            reject(client, 1)
            client.expectCounts(messages: 1)
            client.publish("3", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 3, requeue: false))
            broker.advance(milliseconds: 1000)
            #expect(client.drain() == ["1", "2"])
        }
    }

    @Test func itsBytesCountTowardsTheMaximumLength() {
        withQueue("all", ["x-max-length-bytes": .int32(8)]) { broker, client in
            client.publish("first", routingKey: "q")
            client.get(expecting: "first", tag: 1)
            reject(client, 1)
            client.publish("no", routingKey: "q")
            client.publish("second", routingKey: "q")
            client.expectCounts(messages: 0)
            broker.advance(milliseconds: 1000)
            client.publish("no", routingKey: "q")
            #expect(client.drain() == ["first", "no"])
        }
    }

    @Test func itsBytesCountOnceForALimitThatComesWithAPolicy() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true, arguments: Self.arguments("all")))
            client.publish("four", routingKey: "q")
            client.get(expecting: "four", tag: 1)
            reject(client, 1)
            let policy = Policy(
                name: "p", pattern: "q", target: .all, priority: 0, definition: ["max-length-bytes": .int64(8)])
            try broker.controlPlane.setPolicy(policy, virtualHost: "/")
            client.publish("more", routingKey: "q")
            client.expectCounts(messages: 1)
            client.publish("much", routingKey: "q")
            broker.advance(milliseconds: 1000)
            #expect(client.drain() == ["four", "much"])
        }
    }

    @Test func itIsPurgedAndDeletedWithTheRest() {
        withQueue { _, client in
            for body in ["1", "2"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "1", tag: 1, messageCount: 1)
            reject(client, 1)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
            client.publish("3", routingKey: "q")
            client.get(expecting: "3", tag: 2)
            reject(client, 2)
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 1))
        }
    }

    @Test func aPolicySaysWhatWaits() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            let definition: FieldTable = [
                "delayed-retry-type": .string("failed"), "delayed-retry-min": .int64(1000),
                "delayed-retry-max": .int64(5000),
            ]
            try broker.controlPlane.setPolicy(
                Policy(name: "p", pattern: "q", target: .all, priority: 0, definition: definition), virtualHost: "/")
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            reject(client, 1)
            expectDelay(1000, broker, client)
        }
    }

    @Test(arguments: [true, false]) func afterARestartItIsReady(isInOrder: Bool) {
        let node = KilledBroker()
        node.live { broker in
            let client = broker.durableQueue(arguments: Self.arguments("all"), confirms: false)
            client.store("x")
            broker.syncJournal()
            client.send(BasicGet(queue: "q"))
            broker.syncJournal()
            _ = client.takeAll()
            nack(client, 1)
            client.expectCounts(messages: 0)
            broker.syncJournal()
            if isInOrder { for shard in broker.shards { shard.journalDelivered() } }
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
            #expect(String(decoding: content.body, as: UTF8.self) == "x")
        }
    }

    @Test func theDelayIsBounded() {
        let retry = DelayedRetry(kind: .all, minimumMilliseconds: 1 << 62, maximumMilliseconds: 1 << 63)
        #expect(retry.delayMilliseconds(isFailed: true, deliveryCount: 2) == 1 << 63)
        #expect(retry.delayMilliseconds(isFailed: true, deliveryCount: 1023) == 1 << 63)
        #expect(retry.delayMilliseconds(isFailed: false, deliveryCount: 0) == 1 << 62)
    }
}
