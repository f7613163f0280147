import AMQPWire
import Testing

/// Consuming, row by row (amqp-behaviour 1.5). The queue lives on shard 0, the client there or on another shard; what a
/// row has more to say of is in suites of its own.
@Suite struct ConsumingRowTests {
    private func withQueue(
        shard: Int, bodies: [String] = [],
        _ body: (_ broker: Conversation, _ owner: ConversationClient, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            for body in bodies { owner.publish(body, routingKey: "q") }
            body(broker, owner, broker.connect(shard: shard))
        }
    }

    /// A tag is made up; no-local is ignored; consume-ok comes before the first delivery; a tag that is used ends the
    /// connection.
    @Test(arguments: [0, 1]) func basicConsume(shard: Int) {
        withQueue(shard: shard, bodies: ["one"]) { _, _, client in
            client.send(BasicConsume(queue: "q", noLocal: true))
            let tag = client.expect(BasicConsumeOk.self)?.consumerTag ?? ""
            #expect(tag.hasPrefix("amq.ctag-"))
            client.expectDeliver("one", tag: 1, consumer: tag)
            client.publish("own", routingKey: "q")
            client.expectDeliver("own", tag: 2, consumer: tag)
            client.openChannel(2)
            client.send(BasicConsume(queue: "q", consumerTag: tag), channel: 2)
            client.expect(BasicConsumeOk(consumerTag: tag), channel: 2)
            client.send(BasicConsume(queue: "q", consumerTag: tag))
            client.expectClose(530, "NOT_ALLOWED - attempt to reuse consumer tag '\(tag)'", of: BasicConsume.self)
        }
    }

    @Test(arguments: [0, 1]) func exclusiveConsumer(shard: Int) {
        withQueue(shard: shard) { _, owner, client in
            let text = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"
            client.consume(BasicConsume(queue: "q", consumerTag: "c", exclusive: true))
            for exclusive in [false, true] {
                owner.send(BasicConsume(queue: "q", consumerTag: "d", exclusive: exclusive))
                owner.expectChannelClose(403, text, of: BasicConsume.self)
            }
            client.closeChannel()
            owner.consume(BasicConsume(queue: "q", consumerTag: "d"))
            client.openChannel(1)
            client.send(BasicConsume(queue: "q", consumerTag: "c", exclusive: true))
            client.expectChannelClose(403, text, of: BasicConsume.self)
        }
    }

    /// More of it: `ConsumerPriorityTests`.
    @Test(arguments: [0, 1]) func consumerPriority(shard: Int) {
        withQueue(shard: shard) { _, owner, client in
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "low"))
            client.consume(BasicConsume(queue: "q", consumerTag: "high", arguments: ["x-priority": .int8(1)]))
            for body in ["one", "two"] { owner.publish(body, routingKey: "q") }
            client.expectDeliver("one", tag: 1, consumer: "high")
            client.expectDeliver("two", tag: 2, consumer: "low")
        }
    }

    @Test(arguments: [0, 1]) func consumerCancelNotify(shard: Int) {
        withQueue(shard: shard) { broker, owner, client in
            let old = broker.connect(shard: shard, capabilities: [:])
            for client in [client, old] { client.consume(BasicConsume(queue: "q", consumerTag: "c")) }
            owner.request(QueueDelete(queue: "q"), QueueDeleteOk())
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            old.expectNothing()
        }
    }

    /// More of it: `PrefetchTests`.
    @Test(arguments: [0, 1]) func basicQos(shard: Int) {
        withQueue(shard: shard, bodies: ["1", "2", "3", "4", "5"]) { _, _, client in
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            // Both limits may coexist.
            client.request(BasicQos(prefetchCount: 3, global: true), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...2 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.consume(BasicConsume(queue: "q", consumerTag: "d"))
            client.expectDeliver("3", tag: 3, consumer: "d")
            client.expectNothing()
            client.request(BasicQos(prefetchCount: 0, global: true), BasicQosOk())
            client.expectDeliver("4", tag: 4, consumer: "d")
            client.expectNothing()
            client.send(BasicQos(prefetchSize: 1))
            client.expectClose(540, "NOT_IMPLEMENTED - prefetch_size!=0 (1)", of: BasicQos.self)
        }
    }

    /// Tags count from 1 on each channel; 0 with `multiple` is everything.
    @Test(arguments: [0, 1]) func ackNackReject(shard: Int) {
        withQueue(shard: shard, bodies: ["1", "2", "3", "4", "5"]) { _, owner, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...5 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.send(BasicReject(deliveryTag: 4, requeue: false))
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            client.send(BasicNack(deliveryTag: 3, requeue: true))
            client.expectDeliver("3", tag: 6, redelivered: true)
            client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: false))
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 6))
            client.expectChannelClose(406, "PRECONDITION_FAILED - unknown delivery tag 6", of: BasicAck.self)
            owner.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// More of it: `RequeueTests`.
    @Test(arguments: [0, 1]) func requeuePosition(shard: Int) {
        withQueue(shard: shard, bodies: ["1", "2", "3"]) { _, _, client in
            client.get(expecting: "1", tag: 1, messageCount: 2)
            client.get(expecting: "2", tag: 2, messageCount: 1)
            for tag in [2, 1] as [UInt64] { client.send(BasicReject(deliveryTag: tag, requeue: true)) }
            client.get(expecting: "1", tag: 3, messageCount: 2, redelivered: true)
            client.get(expecting: "2", tag: 4, messageCount: 1, redelivered: true)
            client.get(expecting: "3", tag: 5)
        }
    }

    @Test(arguments: [0, 1]) func basicRecover(shard: Int) {
        withQueue(shard: shard, bodies: ["1", "2"]) { _, _, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...2 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.request(BasicRecover(requeue: true), BasicRecoverOk())
            for number in 1...2 { client.expectDeliver("\(number)", tag: UInt64(number + 2), redelivered: true) }
            client.send(BasicRecoverAsync(requeue: true))
            for number in 1...2 { client.expectDeliver("\(number)", tag: UInt64(number + 4), redelivered: true) }
            client.send(BasicRecover(requeue: false))
            client.expectClose(540, "NOT_IMPLEMENTED - requeue=false", of: BasicRecover.self)
        }
    }

    @Test(arguments: [0, 1]) func basicGet(shard: Int) {
        withQueue(shard: shard, bodies: ["1", "2"]) { _, _, client in
            client.get(expecting: "1", tag: 1, messageCount: 1)
            client.get(expecting: "2", tag: 2, noAck: true)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            client.send(BasicAck(deliveryTag: 2))
            client.expectChannelClose(406, "PRECONDITION_FAILED - unknown delivery tag 2", of: BasicAck.self)
            client.get(expecting: "1", tag: 1, redelivered: true)
        }
    }

    @Test func channelFlow() {
        converse { broker in
            let client = broker.connect()
            client.request(ChannelFlow(active: true), ChannelFlowOk(active: true))
            client.send(ChannelFlow(active: false))
            client.expectClose(540, "NOT_IMPLEMENTED - active=false", of: ChannelFlow.self)
        }
    }

    @Test func accessRequest() {
        converse { broker in
            let client = broker.connect()
            client.request(
                AccessRequest(realm: "/data", exclusive: true, passive: true, active: true, write: true, read: true),
                AccessRequestOk(ticket: 1))
        }
    }

    /// No delivery comes behind cancel-ok.
    @Test(arguments: [0, 1]) func basicCancelOfAnUnknownTag(shard: Int) {
        withQueue(shard: shard) { _, owner, client in
            client.request(BasicCancel(consumerTag: "nobody"), BasicCancelOk(consumerTag: "nobody"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for _ in 1...2 { client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c")) }
            owner.publish("one", routingKey: "q")
            client.expectNothing()
        }
    }
}
