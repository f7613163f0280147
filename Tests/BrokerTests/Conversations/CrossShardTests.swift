import AMQPWire
import Broker
import Testing

/// Queues that live on another shard than the client: the same answers in the same order, whatever is on its way.
@Suite struct CrossShardTests {
    private func withQueueElsewhere(
        _ body: (_ broker: Conversation, _ owner: ConversationClient, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            body(broker, owner, broker.connect(shard: 1))
        }
    }

    @Test(arguments: [0, 1, 2]) func everyAnswerIsTheSameFromEveryShard(shard: Int) {
        converse(shards: 3) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", durable: true))
            let client = broker.connect(shard: shard)
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            client.request(
                QueueDeclare(queue: "q", durable: true), QueueDeclareOk(queue: "q", messageCount: 3, consumerCount: 0))
            client.get(expecting: "one", tag: 1, messageCount: 2)
            client.send(BasicAck(deliveryTag: 1))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("two", tag: 2)
            client.expectDeliver("three", tag: 3)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            client.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.send(BasicNack(deliveryTag: 3, multiple: true, requeue: true))
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
            client.send(BasicConsume(queue: "q", consumerTag: "e", exclusive: true))
            client.expect(BasicConsumeOk(consumerTag: "e"))
            client.send(BasicConsume(queue: "q", consumerTag: "f"))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use", of: BasicConsume.self)
            client.publish("four", routingKey: "q")
            client.send(QueueDelete(queue: "q", ifEmpty: true))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty", of: QueueDelete.self)
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 1))
            client.close()
        }
    }

    /// While a channel waits for an answer its frames wait too; other channels go on.
    @Test func framesBehindAPendingOperationKeepTheirOrder() {
        withQueueElsewhere { broker, owner, client in
            client.openChannel(2)
            owner.publish("one", routingKey: "q")
            broker.holdsMail = true
            client.send(BasicGet(queue: "q", noAck: true))
            client.publish("two", routingKey: "nobody", mandatory: true)
            client.send(QueueDeclare(queue: "here"))
            client.send(BasicGet(queue: "q", noAck: true))
            client.publish("three", routingKey: "q")
            client.send(BasicGet(queue: "q", noAck: true))
            client.send(QueuePurge(queue: "here"))
            client.expectNothing()
            client.declare(QueueDeclare(queue: "other"), channel: 2)
            broker.holdsMail = false
            broker.settle()
            client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: Array("one".utf8))
            client.expectReturn("two", routingKey: "nobody")
            client.expect(QueueDeclareOk(queue: "here"))
            client.expect(BasicGetEmpty())
            client.expectContent(BasicGetOk(deliveryTag: 2, routingKey: "q"), body: Array("three".utf8))
            client.expect(QueuePurgeOk())
        }
    }

    @Test func whatWaitsIsBounded() {
        withQueueElsewhere { broker, _, client in
            broker.holdsMail = true
            client.send(BasicGet(queue: "q"))
            let body = String(repeating: "x", count: 100_000)
            for _ in 1...20 { client.publish(body, routingKey: "q") }
            #expect(broker.shards[1].isReadingPaused(client.address))
            broker.holdsMail = false
            broker.settle()
            #expect(!broker.shards[1].isReadingPaused(client.address))
            client.expect(BasicGetEmpty())
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 20))
        }
    }

    // MARK: A queue that is deleted while a request to it is under way

    private func whileDeleted(
        _ method: some WireMethod, _ check: (_ broker: Conversation, _ client: ConversationClient) -> Void
    ) {
        withQueueElsewhere { broker, owner, client in
            broker.holdsMail = true
            client.send(method)
            owner.request(QueueDelete(queue: "q"), QueueDeleteOk())
            broker.holdsMail = false
            broker.settle()
            check(broker, client)
        }
    }

    @Test func aRequestToADeletedQueueFindsNone() {
        let text = "NOT_FOUND - no queue 'q' in vhost '/'"
        whileDeleted(BasicGet(queue: "q")) { $1.expectChannelClose(404, text, of: BasicGet.self) }
        whileDeleted(BasicConsume(queue: "q", consumerTag: "c")) { _, client in
            client.expectChannelClose(404, text, of: BasicConsume.self)
        }
        whileDeleted(QueuePurge(queue: "q")) { $1.expectChannelClose(404, text, of: QueuePurge.self) }
        whileDeleted(QueueDeclare(queue: "q", passive: true)) {
            $1.expectChannelClose(404, text, of: QueueDeclare.self)
        }
        whileDeleted(QueueDelete(queue: "q")) { $1.expect(QueueDeleteOk()) }
    }

    @Test func aDeclareOfADeletedQueueCreatesItAgain() {
        whileDeleted(QueueDeclare(queue: "q")) { broker, client in
            client.expect(QueueDeclareOk(queue: "q"))
            client.publish("one", routingKey: "q")
            let other = broker.connect()
            other.get(expecting: "one", tag: 1, noAck: true)
        }
    }

    @Test func aMessageForADeletedQueueIsDropped() {
        withQueueElsewhere { broker, owner, client in
            broker.holdsMail = true
            client.publish("lost", routingKey: "q")
            owner.request(QueueDelete(queue: "q"), QueueDeleteOk())
            owner.declare(QueueDeclare(queue: "q"))
            broker.holdsMail = false
            broker.settle()
            owner.request(BasicGet(queue: "q"), BasicGetEmpty())
            #expect(broker.shards[1].inspection.messageCount == 0)
        }
    }

    // MARK: A connection that ends while something for it is under way

    /// The consumer and the end of its connection arrive together, the cancel only after the answer.
    @Test func aConsumerWhoseConnectionEndsMeanwhileIsCancelled() {
        withQueueElsewhere { broker, owner, client in
            broker.holdsMail = true
            client.send(BasicConsume(queue: "q", consumerTag: "c"))
            client.endSocket()
            broker.deliverMail(to: 0)
            // The consumer is there, so what it needs must be.
            #expect(broker.shards[0].inspection.remoteWindowCount == 1)
            owner.publish("one", routingKey: "q")
            broker.deliverMail(to: 1)
            broker.deliverMail(to: 0)
            #expect(broker.shards[0].inspection.remoteWindowCount == 0)
            owner.get(expecting: "one", tag: 1, redelivered: true)
        }
    }

    @Test func whatIsGotForAConnectionThatEndsMeanwhileGoesBack() {
        withQueueElsewhere { broker, owner, client in
            owner.publish("one", routingKey: "q")
            owner.publish("two", routingKey: "q")
            broker.holdsMail = true
            client.send(BasicGet(queue: "q"))
            broker.deliverMail(to: 0)
            client.endSocket()
            broker.holdsMail = false
            broker.settle()
            owner.get(expecting: "one", tag: 1, messageCount: 1, redelivered: true)
        }
    }

    @Test(arguments: [false, true]) func whatIsDeliveredToAChannelThatClosesMeanwhileGoesBack(noAck: Bool) {
        withQueueElsewhere { broker, owner, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: noAck))
            broker.holdsMail = true
            owner.publish("one", routingKey: "q")
            owner.publish("two", routingKey: "q")
            client.send(ChannelClose())
            client.expectNothing()
            broker.holdsMail = false
            broker.settle()
            client.expect(ChannelCloseOk())
            owner.get(expecting: "one", tag: 1, messageCount: 1, redelivered: true)
            owner.get(expecting: "two", tag: 2, redelivered: true)
        }
    }

    /// What is acked while the queue's shard has not heard of it is acked all the same.
    @Test func closeOkComesWhenEverythingIsBack() {
        withQueueElsewhere { broker, owner, client in
            for body in ["one", "two"] { owner.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 1)
            client.get(expecting: "two", tag: 2)
            broker.holdsMail = true
            client.send(BasicAck(deliveryTag: 1))
            client.send(ConnectionClose(replyCode: 200), channel: 0)
            client.expectNothing()
            broker.deliverMail(to: 0)
            client.expectNothing()
            owner.get(expecting: "two", tag: 1, redelivered: true)
            broker.deliverMail(to: 1)
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        }
    }

    /// connection.close waits its turn behind what its channels were told before.
    @Test func whatWasSentBeforeConnectionCloseIsDone() {
        withQueueElsewhere { broker, owner, client in
            client.openChannel(2)
            owner.publish("purged", routingKey: "q")
            broker.holdsMail = true
            client.send(QueuePurge(queue: "q", noWait: true))
            client.publish("kept", routingKey: "q")
            client.send(QueueDeclare(queue: "new", noWait: true))
            client.send(ConnectionClose(replyCode: 200), channel: 0)
            client.send(QueueDeclare(queue: "too late"), channel: 2)
            client.expectNothing()
            client.expectOpenSocket()
            broker.holdsMail = false
            broker.settle()
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
            owner.get(expecting: "kept", tag: 1, noAck: true)
            owner.declare(QueueDeclare(queue: "new", passive: true))
            owner.send(QueueDeclare(queue: "too late", passive: true))
            owner.expectChannelClose(404, "NOT_FOUND - no queue 'too late' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func aConsumerOfWhichNobodyHasHeardIsGoneWithCloseOk() {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", autoDelete: true))
            let client = broker.connect(shard: 1)
            broker.holdsMail = true
            client.send(BasicConsume(queue: "q", consumerTag: "c", noWait: true))
            client.send(ConnectionClose(replyCode: 200), channel: 0)
            for _ in 1...2 {
                client.expectOpenSocket()
                broker.deliverMail(to: 0)
                client.expectNothing()
                broker.deliverMail(to: 1)
            }
            client.expect(ConnectionCloseOk(), channel: 0)
            owner.send(QueueDeclare(queue: "q", passive: true))
            owner.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    /// Consumers that are cancelled get nothing after cancel-ok, and lose nothing before it.
    @Test func nothingIsDeliveredAfterCancelOk() {
        withQueueElsewhere { broker, owner, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.holdsMail = true
            owner.publish("one", routingKey: "q")
            client.send(BasicCancel(consumerTag: "c"))
            broker.deliverMail(to: 0)
            owner.publish("two", routingKey: "q")
            broker.deliverMail(to: 1)
            client.expectDeliver("one", tag: 1)
            client.expect(BasicCancelOk(consumerTag: "c"))
            client.expectNothing()
            owner.get(expecting: "two", tag: 1)
        }
    }

    /// Publishers to another shard's queues wait when too much is on its way, and go on when it has arrived.
    @Test func messagesInTransitAreBounded() {
        withQueueElsewhere { broker, owner, client in
            broker.holdsMail = true
            let body = String(repeating: "x", count: 1_000_000)
            for _ in 1...12 { client.publish(body, routingKey: "q") }
            #expect(broker.shards[1].isReadingPaused(client.address))
            broker.holdsMail = false
            broker.settle()
            #expect(!broker.shards[1].isReadingPaused(client.address))
            owner.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 12))
        }
    }
}
