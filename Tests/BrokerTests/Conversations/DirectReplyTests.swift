import AMQPWire
import Broker
import Testing

/// Direct reply-to: `amq.rabbitmq.reply-to`. The client that asks is on one shard, the one that answers there or on
/// another.
@Suite struct DirectReplyTests {
    private static let pseudoQueue: ShortString = "amq.rabbitmq.reply-to"

    private func consumer(_ broker: Conversation, shard: Int = 0) -> ConversationClient {
        let client = broker.connect(shard: shard)
        client.consume(BasicConsume(queue: Self.pseudoQueue, consumerTag: "replies", noAck: true))
        return client
    }

    private func ask(_ client: ConversationClient, routingKey: ShortString = "q") {
        var properties = BasicProperties()
        properties.contentType = "text/plain"
        properties.correlationID = "42"
        properties.replyTo = Self.pseudoQueue
        properties.messageID = "m"
        client.publish("question", routingKey: routingKey, properties: properties)
    }

    /// Where the answer goes to, as the one who answers reads it.
    private func takeQuestion(_ server: ConversationClient, tag: UInt64 = 1) -> ShortString {
        let properties = server.get(expecting: "question", tag: tag, noAck: true)
        #expect(properties.contentType == "text/plain")
        #expect(properties.correlationID == "42")
        #expect(properties.messageID == "m")
        let name = properties.replyTo ?? ""
        #expect(name.hasPrefix("amq.rabbitmq.reply-to.") && name.count > 40)
        return name
    }

    @Test(arguments: [0, 1], [0, 1]) func anAnswerFindsItsQuestioner(asking: Int, answering: Int) {
        converse(shards: 2) { broker in
            let server = broker.connect(shard: answering)
            server.declare(QueueDeclare(queue: "q"))
            let client = consumer(broker, shard: asking)
            let other = consumer(broker, shard: asking)
            for number in 1...2 as ClosedRange<UInt64> {
                ask(client)
                let replyTo = takeQuestion(server, tag: number)
                var properties = BasicProperties()
                properties.correlationID = "42"
                server.publish("answer", routingKey: replyTo, mandatory: true, properties: properties)
                let received = client.expectDeliver(
                    "answer", tag: number, consumer: "replies", routingKey: replyTo)
                #expect(received == properties)
            }
            other.expectNothing()
        }
    }

    @Test(arguments: [0, 1]) func aMandatoryAnswerToNobodyIsReturned(answering: Int) {
        converse(shards: 2) { broker in
            let server = broker.connect(shard: answering)
            server.declare(QueueDeclare(queue: "q"))
            let client = consumer(broker)
            ask(client)
            let replyTo = takeQuestion(server)
            client.request(BasicCancel(consumerTag: "replies"), BasicCancelOk(consumerTag: "replies"))
            server.publish("answer", routingKey: replyTo, mandatory: true)
            server.expectReturn("answer", routingKey: replyTo)
            server.publish("answer", routingKey: replyTo)
            // Again, under another name.
            client.consume(BasicConsume(queue: Self.pseudoQueue, consumerTag: "again", noAck: true))
            ask(client)
            #expect(takeQuestion(server, tag: 2) != replyTo)
            client.endSocket()
        }
    }

    /// Declaring such a queue says whether somebody waits for an answer, however it is declared.
    @Test(arguments: [0, 1], [false, true]) func aDeclareTellsWhetherSomebodyWaits(answering: Int, passive: Bool) {
        converse(shards: 2) { broker in
            let server = broker.connect(shard: answering)
            server.declare(QueueDeclare(queue: "q"))
            let client = consumer(broker)
            ask(client)
            let replyTo = takeQuestion(server)
            for name in [Self.pseudoQueue, replyTo] {
                server.request(
                    QueueDeclare(queue: name, passive: passive, durable: !passive),
                    QueueDeclareOk(queue: name, messageCount: 0, consumerCount: 1))
            }
            client.closeChannel()
            for name in [replyTo, "amq.rabbitmq.reply-to.nobody", "amq.rabbitmq.reply-tonobody"] {
                server.send(QueueDeclare(queue: name, passive: passive))
                server.expectChannelClose(
                    404, "NOT_FOUND - no queue '\(name)' in vhost '/'", of: QueueDeclare.self)
            }
        }
    }

    @Test(arguments: [0, 1]) func itIsNoQueueToAnybodyElse(shard: Int) {
        converse(shards: 2) { broker in
            let server = broker.connect(shard: shard)
            server.declare(QueueDeclare(queue: "q"))
            let client = consumer(broker)
            ask(client)
            let replyTo = takeQuestion(server)
            let text = "NOT_FOUND - no queue '\(replyTo)' in vhost '/'"
            server.send(BasicConsume(queue: replyTo, consumerTag: "c", noAck: true))
            server.expectChannelClose(404, text, of: BasicConsume.self)
            server.send(BasicGet(queue: replyTo))
            server.expectChannelClose(404, text, of: BasicGet.self)
            server.send(QueuePurge(queue: replyTo))
            server.expectChannelClose(404, text, of: QueuePurge.self)
            server.request(QueueDelete(queue: replyTo), QueueDeleteOk())
            for name in [Self.pseudoQueue, replyTo] {
                server.send(QueueBind(queue: name, exchange: "amq.fanout"))
                server.expectChannelClose(
                    404, "NOT_FOUND - no queue '\(name)' in vhost '/'", of: QueueBind.self)
            }
            #expect(broker.controlPlane.queueNames(virtualHost: 0) == ["q"])
            server.publish("answer", routingKey: replyTo, mandatory: true)
            client.expectDeliver("answer", tag: 1, consumer: "replies", routingKey: replyTo)
        }
    }

    // MARK: Errors

    @Test func aReplyConsumerCannotAcknowledge() {
        converse { broker in
            let client = broker.connect()
            client.send(BasicConsume(queue: Self.pseudoQueue, consumerTag: "c"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - reply consumer cannot acknowledge", of: BasicConsume.self)
        }
    }

    @Test func aChannelHasOneReplyConsumer() {
        converse { broker in
            let client = consumer(broker)
            client.send(BasicConsume(queue: Self.pseudoQueue, consumerTag: "c", noAck: true))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - reply consumer already set", of: BasicConsume.self)
            client.consume(BasicConsume(queue: Self.pseudoQueue, consumerTag: "replies", noAck: true))
            client.send(BasicConsume(queue: Self.pseudoQueue, consumerTag: "replies", noAck: true))
            client.expectClose(530, "NOT_ALLOWED - attempt to reuse consumer tag 'replies'", of: BasicConsume.self)
        }
    }

    @Test func aQuestionNeedsAConsumerOnItsChannel() {
        converse { broker in
            let client = consumer(broker)
            client.declare(QueueDeclare(queue: "q"))
            client.openChannel(2)
            var properties = BasicProperties()
            properties.replyTo = Self.pseudoQueue
            client.publish("question", routingKey: "q", properties: properties, channel: 2)
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - fast reply consumer does not exist", of: BasicPublish.self, channel: 2)
            properties.replyTo = "amq.rabbitmq.reply-to2"
            client.publish("other", routingKey: "q", properties: properties, channel: 2)
            #expect(client.get(expecting: "other", tag: 1, channel: 2) == properties)
        }
    }

    @Test func theTagIsMadeUpWhereThereIsNone() {
        converse { broker in
            let client = broker.connect()
            client.send(BasicConsume(queue: Self.pseudoQueue, noAck: true))
            let tag = client.expect(BasicConsumeOk.self)?.consumerTag ?? ""
            #expect(tag.hasPrefix("amq.ctag-"))
            client.request(BasicCancel(consumerTag: tag), BasicCancelOk(consumerTag: tag))
            client.send(BasicConsume(queue: Self.pseudoQueue, consumerTag: "c", noAck: true, noWait: true))
            client.expectNothing()
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
        }
    }
}
