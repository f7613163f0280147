import AMQPWire
import Testing

@Test("basic", arguments: BasicConversations.all)
func basicClass(_ conversation: MethodConversation) { conversation.run() }

enum BasicConversations {
    static let all =
        qos + consuming + publishing + getting + settling + recovering + [
            .refusedOnChannel(BasicQosOk()), .refusedOnChannel(BasicConsumeOk()), .refusedOnChannel(BasicCancelOk()),
            .refusedOnChannel(BasicReturn()), .refusedOnChannel(BasicDeliver()), .refusedOnChannel(BasicGetOk()),
            .refusedOnChannel(BasicGetEmpty()), .refusedOnChannel(BasicRecoverOk()),
        ]

    private static let qos: [MethodConversation] = [
        MethodConversation("basic.qos", "limits consumers that start later") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("one", tag: 1)
            client.expectDeliver("two", tag: 2)
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 1))
            client.expectDeliver("three", tag: 3)
        },
        MethodConversation("basic.qos", "with a prefetch size is not implemented") { broker in
            let client = broker.connect()
            client.send(BasicQos(prefetchSize: 7))
            client.expectClose(540, "NOT_IMPLEMENTED - prefetch_size!=0 (7)", of: BasicQos.self)
        },
    ]

    private static let consuming: [MethodConversation] = [
        MethodConversation("basic.consume", "without a tag makes one up") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(BasicConsume())
            let tag = client.expect(BasicConsumeOk.self)?.consumerTag ?? ""
            #expect(tag.hasPrefix("amq.ctag-") && tag.count == 31)
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1, consumer: tag)
        },
        MethodConversation("basic.consume", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(BasicConsume(queue: "q", consumerTag: "c", noAck: true, noWait: true))
            client.expectNothing()
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1)
        },
        MethodConversation("basic.consume", "with a tag that is used ends the connection") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.send(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectClose(530, "NOT_ALLOWED - attempt to reuse consumer tag 'c'", of: BasicConsume.self)
        },
        MethodConversation("basic.consume", "from no queue is refused") { broker in
            let client = broker.connect()
            client.send(BasicConsume(queue: "nothing"))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'nothing' in vhost '/'", of: BasicConsume.self)
            client.send(BasicConsume())
            client.expectChannelClose(404, "NOT_FOUND - no previously declared queue", of: BasicConsume.self)
        },
        MethodConversation("basic.consume", "beside an exclusive consumer and the reverse is refused") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c", exclusive: true))
            let other = broker.connect()
            let text = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"
            other.send(BasicConsume(queue: "q", consumerTag: "d"))
            other.expectChannelClose(403, text, of: BasicConsume.self)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            other.consume(BasicConsume(queue: "q", consumerTag: "d"))
            client.send(BasicConsume(queue: "q", consumerTag: "c", exclusive: true))
            client.expectChannelClose(403, text, of: BasicConsume.self)
        },
        MethodConversation("basic.consume", "from another connection's exclusive queue is refused") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            other.send(BasicConsume(queue: "mine"))
            other.expectChannelClose(405, QueueConversations.locked("mine"), of: BasicConsume.self)
        },
        MethodConversation("basic.cancel", "ends deliveries, and does not mind an unknown tag") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.publish("one", routingKey: "q")
            client.expectNothing()
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.send(BasicCancel(consumerTag: "c", noWait: true))
            client.expectNothing()
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("one", tag: 1)
        },
        MethodConversation("basic.cancel", "tells a consumer that its queue is gone") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.send(QueueDelete(queue: "q"))
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.expect(QueueDeleteOk())
        },
        MethodConversation("basic.cancel", "on a channel that is not open is refused") { broker in
            let client = broker.connect()
            client.send(BasicCancel(consumerTag: "c"), channel: 2)
            client.expectClose(504, "CHANNEL_ERROR - expected 'channel.open'", of: BasicCancel.self)
        },
        MethodConversation("basic.deliver", "carries the message as it was published") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            var properties = BasicProperties()
            properties.contentType = "text/plain"
            properties.headers = ["a": .array([.bool(true), .void, .table(["b": .double(1.5)])])]
            properties.deliveryMode = 2
            properties.timestamp = 1_700_000_000
            properties.clusterID = "c"
            client.publish("body", routingKey: "q", properties: properties)
            #expect(client.expectDeliver("body", tag: 1) == properties)
            client.publish("", routingKey: "q")
            #expect(client.expectDeliver("", tag: 2) == BasicProperties())
        },
    ]

    private static let publishing: [MethodConversation] = [
        MethodConversation("basic.publish", "to an exchange that is not there is refused") { broker in
            let client = broker.connect()
            client.publish("body", exchange: "nowhere", routingKey: "")
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", of: BasicPublish.self)
        },
        MethodConversation("basic.publish", "to an internal exchange is refused") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "fanout", internal: true), ExchangeDeclareOk())
            client.publish("body", exchange: "x", routingKey: "")
            client.expectChannelClose(
                403, "ACCESS_REFUSED - cannot publish to internal exchange 'x' in vhost '/'", of: BasicPublish.self)
        },
        MethodConversation("basic.publish", "with immediate is not implemented") { broker in
            let client = broker.connect()
            client.send(BasicPublish(routingKey: "q", immediate: true))
            client.sendContent(Array("body".utf8))
            client.expectClose(540, "NOT_IMPLEMENTED - immediate=true", of: BasicPublish.self)
        },
        MethodConversation("basic.publish", "in another user's name is refused") { broker in
            let client = broker.connect()
            var properties = BasicProperties()
            properties.userID = "guest"
            client.publish("body", routingKey: "q", properties: properties)
            client.expectNothing()
            properties.userID = "root"
            client.publish("body", routingKey: "q", properties: properties)
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - user_id property set to 'root' but authenticated user was 'guest'",
                of: BasicPublish.self)
        },
        MethodConversation("basic.return", "gives back what is mandatory and goes nowhere") { broker in
            let client = broker.connect()
            client.publish("dropped", routingKey: "nobody")
            client.publish("body", exchange: "amq.fanout", routingKey: "key", mandatory: true)
            client.expectReturn("body", exchange: "amq.fanout", routingKey: "key")
        },
        MethodConversation("basic.nack", "tells that a queue rejects what was published") { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-max-length": .int8(0), "x-overflow": .string("reject-publish")]))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("one", routingKey: "q")
            client.expect(BasicNack(deliveryTag: 1, requeue: false))
        },
        MethodConversation("basic.ack", "confirms what was published") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("one", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("two", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 2))
        },
    ]

    private static let getting: [MethodConversation] = [
        MethodConversation("basic.get", "takes the oldest, and counts what is left") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 2)
            client.get("", expecting: "two", tag: 2, messageCount: 1, routingKey: "q", noAck: true)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.get(expecting: "one", tag: 3, messageCount: 1, redelivered: true)
        },
        MethodConversation("basic.get-empty", "says that nothing is ready") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        MethodConversation("basic.get", "from no queue is refused") { broker in
            let client = broker.connect()
            client.send(BasicGet(queue: "nothing"))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'nothing' in vhost '/'", of: BasicGet.self)
            client.send(BasicGet())
            client.expectChannelClose(404, "NOT_FOUND - no previously declared queue", of: BasicGet.self)
        },
        MethodConversation("basic.get-ok", "is for the owner of an exclusive queue only") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            other.publish("body", routingKey: "mine")
            other.send(BasicGet(queue: "mine"))
            other.expectChannelClose(405, QueueConversations.locked("mine"), of: BasicGet.self)
            owner.get("mine", expecting: "body", tag: 1)
        },
    ]

    private static let settling: [MethodConversation] = [
        MethodConversation("basic.ack", "settles one, many or all") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...5 {
                client.publish("\(number)", routingKey: "q")
                client.expectDeliver("\(number)", tag: UInt64(number))
            }
            client.send(BasicAck(deliveryTag: 2))
            client.send(BasicAck(deliveryTag: 3, multiple: true))
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            client.expectNothing()
            client.closeChannel()
            client.openChannel(1)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        unknownTag(BasicAck(deliveryTag: 82), 82), unknownTag(BasicAck(deliveryTag: 0), 0),
        unknownTag(BasicAck(deliveryTag: 2, multiple: true), 2),
        unknownTag(BasicAck(deliveryTag: .max, multiple: true), .max),
        unknownTag(BasicReject(deliveryTag: 1 << 63 | 1), 1 << 63 | 1),
        unknownTag(BasicNack(deliveryTag: 3, multiple: true, requeue: true), 3),
        MethodConversation("basic.ack", "of what is settled already is refused") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicAck(deliveryTag: 1))
            client.expectChannelClose(406, "PRECONDITION_FAILED - unknown delivery tag 1", of: BasicAck.self)
        },
        MethodConversation("basic.reject", "requeues or drops") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.get(expecting: "one", tag: 2, redelivered: true)
            client.send(BasicReject(deliveryTag: 2, requeue: false))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        MethodConversation("basic.nack", "requeues or drops many") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 2)
            client.get(expecting: "two", tag: 2, messageCount: 1)
            client.get(expecting: "three", tag: 3)
            client.send(BasicNack(deliveryTag: 2, multiple: true, requeue: true))
            client.get(expecting: "one", tag: 4, messageCount: 1, redelivered: true)
            client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: false))
            client.get(expecting: "two", tag: 5, redelivered: true)
        },
    ]

    private static func unknownTag<Settling: WireMethod>(_ method: Settling, _ tag: UInt64) -> MethodConversation {
        MethodConversation(Settling.name, "of the unknown tag \(tag) is refused") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.send(method)
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - unknown delivery tag \(tag)", of: Settling.self)
            client.get(expecting: "one", tag: 1, redelivered: true)
        }
    }

    private static let recovering: [MethodConversation] = [
        MethodConversation("basic.recover", "requeues everything unacked") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 1)
            client.get(expecting: "two", tag: 2)
            client.request(BasicRecover(requeue: true), BasicRecoverOk())
            client.get(expecting: "one", tag: 3, messageCount: 1, redelivered: true)
        },
        MethodConversation("basic.recover", "without requeue is not implemented") { broker in
            let client = broker.connect()
            client.send(BasicRecover(requeue: false))
            client.expectClose(540, "NOT_IMPLEMENTED - requeue=false", of: BasicRecover.self)
        },
        MethodConversation("basic.recover-async", "is not answered") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.send(BasicRecoverAsync(requeue: true))
            client.expectNothing()
            client.get(expecting: "one", tag: 2, redelivered: true)
        },
        MethodConversation("basic.recover-async", "without requeue is not implemented") { broker in
            let client = broker.connect()
            client.send(BasicRecoverAsync(requeue: false))
            client.expectClose(540, "NOT_IMPLEMENTED - requeue=false", of: BasicRecoverAsync.self)
        },
    ]
}
