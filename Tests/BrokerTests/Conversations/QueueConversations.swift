import AMQPWire
import Testing

@Test("queue", arguments: QueueConversations.all)
func queueClass(_ conversation: MethodConversation) { conversation.run() }

enum QueueConversations {
    static let all =
        declaring + refusedDeclarations + binding + unbinding + purging + deleting + [
            .refusedOnChannel(QueueDeclareOk()), .refusedOnChannel(QueueBindOk()), .refusedOnChannel(QueueUnbindOk()),
            .refusedOnChannel(QueuePurgeOk()), .refusedOnChannel(QueueDeleteOk()),
        ]

    private static let declaring: [MethodConversation] = [
        MethodConversation("queue.declare", "creates a queue, and counts its messages and consumers") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.publish("one", routingKey: "q")
            client.publish("two", routingKey: "q")
            client.request(
                QueueDeclare(queue: "q", durable: true), QueueDeclareOk(queue: "q", messageCount: 2, consumerCount: 0))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("one", tag: 1)
            client.expectDeliver("two", tag: 2)
            client.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
        },
        MethodConversation("queue.declare", "without a name makes one up") { broker in
            let client = broker.connect()
            client.send(QueueDeclare())
            let first = client.expect(QueueDeclareOk.self)?.queue.description ?? ""
            client.send(QueueDeclare())
            let second = client.expect(QueueDeclareOk.self)?.queue.description ?? ""
            #expect(first.hasPrefix("amq.gen-") && first.utf8.count == 30)
            #expect(first != second)
            client.send(QueueDeclare(queue: ShortString(truncating: first)))
            client.expect(QueueDeclareOk(queue: ShortString(truncating: first)))
            client.send(QueueDeclare(arguments: ["x-name-prefix": .string("mine.")]))
            let third = client.expect(QueueDeclareOk.self)?.queue.description ?? ""
            #expect(third.hasPrefix("mine.") && third.utf8.count == 27)
        },
        MethodConversation("queue.declare", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "q", noWait: true))
            client.send(QueueDeclare(queue: "q", noWait: true))
            client.expectNothing()
            client.declare(QueueDeclare(queue: "q", passive: true))
        },
        MethodConversation("queue.declare", "takes an exclusive queue as not durable, as RabbitMQ does") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true, exclusive: true))
            client.declare(QueueDeclare(queue: "q", durable: false, exclusive: true))
        },
        MethodConversation("queue.declare", "drops line breaks from the name") { broker in
            let client = broker.connect()
            client.request(QueueDeclare(queue: "a\r\nb"), QueueDeclareOk(queue: "ab"))
            client.request(QueueDeclare(queue: "a\nb", passive: true), QueueDeclareOk(queue: "ab"))
            client.request(QueueDelete(queue: "a\rb"), QueueDeleteOk())
        },
        MethodConversation("queue.declare", "compares arguments by value, not by width") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .int32(5)]))
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .int64(5)]))
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .uint8(5), "x-unknown": .bool(true)]))
            client.declare(
                QueueDeclare(
                    queue: "q", arguments: ["x-max-length": .int16(5), "x-queue-type": .string("classic")]))
        },
    ]

    private static let refusedDeclarations: [MethodConversation] = [
        failure(
            "passively of what does not exist is refused", QueueDeclare(queue: "nothing", passive: true), 404,
            "NOT_FOUND - no queue 'nothing' in vhost '/'"),
        failure(
            "passively without a name is refused", QueueDeclare(passive: true), 404,
            "NOT_FOUND - no queue '' in vhost '/'"),
        failure(
            "of a reserved name is refused", QueueDeclare(queue: "amq.mine"), 403,
            "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"),
        failure(
            "with another durability is refused", QueueDeclare(queue: "q", durable: true), 406,
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current "
                + "is 'false'"),
        failure(
            "with another auto-delete is refused", QueueDeclare(queue: "q", autoDelete: true), 406,
            "PRECONDITION_FAILED - inequivalent arg 'auto_delete' for queue 'q' in vhost '/': received 'true' but "
                + "current is 'false'"),
        failure(
            "with an argument more is refused", QueueDeclare(queue: "q", arguments: ["x-max-length": .int32(1)]), 406,
            "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '1' "
                + "of type 'signedint' but current is none"),
        failure(
            "with exclusive of what is not is refused", QueueDeclare(queue: "q", exclusive: true), 405,
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be "
                + "originally declared on another connection or the exclusive property value does not match that of "
                + "the original declaration."),
        failure(
            "with a dead-letter exchange that is no name is refused",
            QueueDeclare(queue: "new", arguments: ["x-dead-letter-exchange": .int32(1)]), 406,
            "PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'new' in vhost "
                + "'/'"),
        failure(
            "with a dead-letter routing key alone is refused",
            QueueDeclare(queue: "new", arguments: ["x-dead-letter-routing-key": .string("k")]), 406,
            "PRECONDITION_FAILED - invalid arg 'x-dead-letter-routing-key' for queue 'new' in vhost '/': "
                + "routing_key_but_no_dlx_defined"),
        MethodConversation("queue.declare", "of another connection's exclusive queue is refused") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            for declare in [QueueDeclare(queue: "mine", exclusive: true), QueueDeclare(queue: "mine", passive: true)] {
                other.send(declare)
                other.expectChannelClose(405, locked("mine"), of: QueueDeclare.self)
            }
        },
        MethodConversation("queue.declare", "with another argument is refused") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("a")]))
            client.send(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("b")]))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - inequivalent arg 'x-dead-letter-exchange' for queue 'q' in vhost '/': received "
                    + "'b' but current is 'a'", of: QueueDeclare.self)
        },
    ]

    static func locked(_ name: String) -> String {
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '\(name)' in vhost '/'. It could be "
            + "originally declared on another connection or the exclusive property value does not match that of the "
            + "original declaration."
    }

    private static func failure(
        _ behaviour: String, _ method: QueueDeclare, _ code: UInt16, _ text: String
    ) -> MethodConversation {
        MethodConversation("queue.declare", behaviour) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(method)
            client.expectChannelClose(code, text, of: QueueDeclare.self)
            client.declare(QueueDeclare(queue: "q"))
        }
    }

    private static let binding: [MethodConversation] = [
        MethodConversation("queue.bind", "routes what matches, once") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let bind = QueueBind(queue: "q", exchange: "amq.topic", routingKey: "*.b")
            client.request(bind, QueueBindOk())
            client.request(bind, QueueBindOk())
            client.publish("yes", exchange: "amq.topic", routingKey: "a.b")
            client.publish("no", exchange: "amq.topic", routingKey: "a.c")
            client.get(expecting: "yes", tag: 1, exchange: "amq.topic", routingKey: "a.b", noAck: true)
        },
        MethodConversation("queue.bind", "without names takes the last queue declared as both") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueBind(exchange: "amq.direct", noWait: true))
            client.publish("yes", exchange: "amq.direct", routingKey: "q")
            client.get(expecting: "yes", tag: 1, exchange: "amq.direct", noAck: true)
        },
        bindFailure(
            "without any queue is refused", QueueBind(exchange: "amq.direct"), 404,
            "NOT_FOUND - no previously declared queue"),
        bindFailure(
            "of no queue is refused", QueueBind(queue: "nothing", exchange: "amq.direct"), 404,
            "NOT_FOUND - no queue 'nothing' in vhost '/'"),
        bindFailure(
            "to no exchange is refused", QueueBind(queue: "nothing", exchange: "nowhere"), 404,
            "NOT_FOUND - no exchange 'nowhere' in vhost '/'"),
        bindFailure(
            "to the default exchange is refused", QueueBind(queue: "nothing", exchange: ""), 403,
            "ACCESS_REFUSED - operation not permitted on the default exchange"),
        MethodConversation("queue.bind", "of another connection's exclusive queue is refused") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            other.send(QueueBind(queue: "mine", exchange: "amq.direct"))
            other.expectChannelClose(405, locked("mine"), of: QueueBind.self)
        },
    ]

    private static func bindFailure(
        _ behaviour: String, _ method: QueueBind, _ code: UInt16, _ text: String
    ) -> MethodConversation {
        MethodConversation("queue.bind", behaviour) { broker in
            let client = broker.connect()
            client.send(method)
            client.expectChannelClose(code, text, of: QueueBind.self)
        }
    }

    private static let unbinding: [MethodConversation] = [
        MethodConversation("queue.unbind", "ends a binding, and does not mind that there is none") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "amq.fanout"), QueueBindOk())
            client.request(QueueUnbind(queue: "q", exchange: "amq.fanout"), QueueUnbindOk())
            client.request(QueueUnbind(queue: "q", exchange: "amq.fanout"), QueueUnbindOk())
            client.request(QueueUnbind(queue: "nothing", exchange: "amq.fanout"), QueueUnbindOk())
            client.request(QueueUnbind(queue: "q", exchange: "nowhere"), QueueUnbindOk())
            client.publish("no", exchange: "amq.fanout", routingKey: "")
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        MethodConversation("queue.unbind", "from the default exchange is refused") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueUnbind(queue: "q", exchange: ""))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - operation not permitted on the default exchange", of: QueueUnbind.self)
        },
        MethodConversation("queue.unbind", "without any queue is refused") { broker in
            let client = broker.connect()
            client.send(QueueUnbind(exchange: "amq.direct"))
            client.expectChannelClose(404, "NOT_FOUND - no previously declared queue", of: QueueUnbind.self)
        },
    ]

    private static let purging: [MethodConversation] = [
        MethodConversation("queue.purge", "drops what is ready, not what is unacked") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "one", tag: 1, messageCount: 2)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
            client.send(QueuePurge(queue: "q", noWait: true))
            client.expectNothing()
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.request(QueuePurge(), QueuePurgeOk(messageCount: 1))
        },
        MethodConversation("queue.purge", "of no queue is refused") { broker in
            let client = broker.connect()
            client.send(QueuePurge(queue: "nothing"))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'nothing' in vhost '/'", of: QueuePurge.self)
            client.send(QueuePurge())
            client.expectChannelClose(404, "NOT_FOUND - no previously declared queue", of: QueuePurge.self)
        },
        MethodConversation("queue.purge", "of another connection's exclusive queue is refused") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            other.send(QueuePurge(queue: "mine"))
            other.expectChannelClose(405, locked("mine"), of: QueuePurge.self)
        },
    ]

    private static let deleting: [MethodConversation] = [
        MethodConversation("queue.delete", "counts what was ready, and does not mind that there is none") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 1))
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 0))
            client.send(QueueDelete(queue: "q", noWait: true))
            client.expectNothing()
        },
        MethodConversation("queue.delete", "with if-empty keeps what has messages") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("one", routingKey: "q")
            client.send(QueueDelete(queue: "q", ifEmpty: true))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty", of: QueueDelete.self)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            client.request(QueueDelete(queue: "q", ifEmpty: true), QueueDeleteOk())
        },
        MethodConversation("queue.delete", "with if-unused keeps what has consumers") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let consumer = broker.connect()
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.send(QueueDelete(queue: "q", ifUnused: true))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - queue 'q' in vhost '/' in use", of: QueueDelete.self)
            consumer.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.request(QueueDelete(queue: "q", ifUnused: true), QueueDeleteOk())
        },
        MethodConversation("queue.delete", "without any queue is refused") { broker in
            let client = broker.connect()
            client.send(QueueDelete())
            client.expectChannelClose(404, "NOT_FOUND - no previously declared queue", of: QueueDelete.self)
        },
        MethodConversation("queue.delete", "of another connection's exclusive queue is refused") { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect()
            other.send(QueueDelete(queue: "mine"))
            other.expectChannelClose(405, locked("mine"), of: QueueDelete.self)
        },
    ]
}
