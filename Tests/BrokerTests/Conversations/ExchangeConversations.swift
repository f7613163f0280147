import AMQPWire
import Testing

@Test("exchange", arguments: ExchangeConversations.all)
func exchangeClass(_ conversation: MethodConversation) { conversation.run() }

enum ExchangeConversations {
    static let all =
        declaring + deleting + binding + unbinding + [
            .refusedOnChannel(ExchangeDeclareOk()), .refusedOnChannel(ExchangeDeleteOk()),
            .refusedOnChannel(ExchangeBindOk()), .refusedOnChannel(ExchangeUnbindOk()),
        ]

    private static let declaring: [MethodConversation] = [
        MethodConversation("exchange.declare", "knows its types, also for the second time") { broker in
            let client = broker.connect()
            let types: [ShortString] = [
                "direct", "fanout", "topic", "headers", "x-consistent-hash", "x-modulus-hash", "x-random",
                "x-local-random", "x-recent-history", "x-message-deduplication", "x-delayed-message",
            ]
            for type in types {
                let arguments: FieldTable = ["x-cache-size": .int32(1), "x-delayed-type": .string("topic")]
                let declare = ExchangeDeclare(exchange: type, type: type, arguments: arguments)
                client.request(declare, ExchangeDeclareOk())
                client.request(declare, ExchangeDeclareOk())
                client.request(ExchangeDeclare(exchange: type, passive: true), ExchangeDeclareOk())
                client.request(ExchangeDelete(exchange: type), ExchangeDeleteOk())
            }
        },
        MethodConversation("exchange.declare", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.send(ExchangeDeclare(exchange: "x", type: "fanout", noWait: true))
            client.expectNothing()
            client.request(ExchangeDeclare(exchange: "x", passive: true), ExchangeDeclareOk())
        },
        MethodConversation("exchange.declare", "finds what is predeclared") { broker in
            let client = broker.connect()
            let names: [ShortString] = [
                "amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match", "amq.rabbitmq.trace",
            ]
            for name in names { client.request(ExchangeDeclare(exchange: name, passive: true), ExchangeDeclareOk()) }
            client.request(
                ExchangeDeclare(exchange: "amq.direct", type: "direct", durable: true), ExchangeDeclareOk())
        },
        failure(
            "of an unknown type is refused", ExchangeDeclare(exchange: "x", type: "x-jumbled"), 406,
            "PRECONDITION_FAILED - unknown exchange type 'x-jumbled'"),
        failure(
            "passively of what does not exist is refused", ExchangeDeclare(exchange: "x", passive: true), 404,
            "NOT_FOUND - no exchange 'x' in vhost '/'"),
        failure(
            "of the default exchange is refused", ExchangeDeclare(exchange: "", type: "direct", durable: true), 403,
            "ACCESS_REFUSED - operation not permitted on the default exchange"),
        failure(
            "passively of the default exchange is refused", ExchangeDeclare(exchange: "", passive: true), 403,
            "ACCESS_REFUSED - operation not permitted on the default exchange"),
        failure(
            "of a reserved name is refused", ExchangeDeclare(exchange: "amq.mine", type: "direct"), 403,
            "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'"),
        failure(
            "with an alternate exchange that is no name is refused",
            ExchangeDeclare(exchange: "x", type: "direct", arguments: ["alternate-exchange": .int32(1)]), 406,
            "PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'"),
        inequivalent(
            ExchangeDeclare(exchange: "x", type: "direct"), "'type'", received: "'direct'", current: "'fanout'"),
        inequivalent(
            ExchangeDeclare(exchange: "x", type: "fanout", durable: true), "'durable'", received: "'true'",
            current: "'false'"),
        inequivalent(
            ExchangeDeclare(exchange: "x", type: "fanout", autoDelete: true), "'auto_delete'", received: "'true'",
            current: "'false'"),
        inequivalent(
            ExchangeDeclare(exchange: "x", type: "fanout", internal: true), "'internal'", received: "'true'",
            current: "'false'"),
        inequivalent(
            ExchangeDeclare(exchange: "x", type: "fanout", arguments: ["alternate-exchange": .string("a")]),
            "'alternate-exchange'", received: "the value 'a' of type 'longstr'", current: "none"),
        MethodConversation("exchange.declare", "drops line breaks from the name") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "a\r\nb", type: "fanout"), ExchangeDeclareOk())
            client.request(ExchangeDeclare(exchange: "ab", passive: true), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q\n", exchange: "a\nb"), QueueBindOk())
            client.request(ExchangeDelete(exchange: "a\nb", ifUnused: false), ExchangeDeleteOk())
        },
    ]

    private static func failure(
        _ behaviour: String, _ method: ExchangeDeclare, _ code: UInt16, _ text: String
    ) -> MethodConversation {
        MethodConversation("exchange.declare", behaviour) { broker in
            let client = broker.connect()
            client.send(method)
            client.expectChannelClose(code, text, of: ExchangeDeclare.self)
        }
    }

    private static func inequivalent(
        _ method: ExchangeDeclare, _ key: String, received: String, current: String
    ) -> MethodConversation {
        MethodConversation("exchange.declare", "with another \(key) is refused") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "fanout"), ExchangeDeclareOk())
            client.send(method)
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - inequivalent arg \(key) for exchange 'x' in vhost '/': received \(received) "
                    + "but current is \(current)", of: ExchangeDeclare.self)
        }
    }

    private static let deleting: [MethodConversation] = [
        MethodConversation("exchange.delete", "is answered, also for what does not exist") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "topic"), ExchangeDeclareOk())
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
            client.send(ExchangeDelete(exchange: "x", noWait: true))
            client.expectNothing()
            client.send(ExchangeDeclare(exchange: "x", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'x' in vhost '/'", of: ExchangeDeclare.self)
        },
        MethodConversation("exchange.delete", "with if-unused keeps what has bindings") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "fanout"), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
            client.send(ExchangeDelete(exchange: "x", ifUnused: true))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - exchange 'x' in vhost '/' in use", of: ExchangeDelete.self)
            client.request(QueueUnbind(queue: "q", exchange: "x"), QueueUnbindOk())
            client.request(ExchangeDelete(exchange: "x", ifUnused: true), ExchangeDeleteOk())
        },
        MethodConversation("exchange.delete", "of the default exchange is refused") { broker in
            let client = broker.connect()
            client.send(ExchangeDelete(exchange: ""))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - operation not permitted on the default exchange", of: ExchangeDelete.self)
        },
        MethodConversation("exchange.delete", "of a system exchange is refused") { broker in
            let client = broker.connect()
            client.send(ExchangeDelete(exchange: "amq.direct"))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
                of: ExchangeDelete.self)
        },
    ]

    private static let binding: [MethodConversation] = [
        MethodConversation("exchange.bind", "routes from one exchange through another") { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "in", type: "topic"), ExchangeDeclareOk())
            client.request(ExchangeDeclare(exchange: "out", type: "fanout"), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "out"), QueueBindOk())
            let bind = ExchangeBind(destination: "out", source: "in", routingKey: "a.#")
            client.request(bind, ExchangeBindOk())
            client.request(bind, ExchangeBindOk())
            client.publish("yes", exchange: "in", routingKey: "a.b")
            client.publish("no", exchange: "in", routingKey: "b.a")
            client.get(expecting: "yes", tag: 1, exchange: "in", routingKey: "a.b", noAck: true)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        },
        MethodConversation("exchange.bind", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.send(ExchangeBind(destination: "amq.fanout", source: "amq.direct", noWait: true))
            client.expectNothing()
        },
        bindFailure(
            ExchangeBind(destination: "out", source: "amq.direct"), 404,
            "NOT_FOUND - no exchange 'out' in vhost '/'"),
        bindFailure(
            ExchangeBind(destination: "amq.direct", source: "in"), 404, "NOT_FOUND - no exchange 'in' in vhost '/'"),
        bindFailure(
            ExchangeBind(destination: "amq.direct", source: ""), 403,
            "ACCESS_REFUSED - operation not permitted on the default exchange"),
        bindFailure(
            ExchangeBind(destination: "", source: "amq.direct"), 403,
            "ACCESS_REFUSED - operation not permitted on the default exchange"),
    ]

    private static func bindFailure(_ method: ExchangeBind, _ code: UInt16, _ text: String) -> MethodConversation {
        MethodConversation("exchange.bind", "from '\(method.source)' to '\(method.destination)' is refused") { broker in
            let client = broker.connect()
            client.send(method)
            client.expectChannelClose(code, text, of: ExchangeBind.self)
        }
    }

    private static let unbinding: [MethodConversation] = [
        MethodConversation("exchange.unbind", "ends a binding, and does not mind that there is none") { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "amq.fanout"), QueueBindOk())
            client.request(
                ExchangeBind(destination: "amq.fanout", source: "amq.direct", routingKey: "k"), ExchangeBindOk())
            let unbind = ExchangeUnbind(destination: "amq.fanout", source: "amq.direct", routingKey: "k")
            client.request(unbind, ExchangeUnbindOk())
            client.request(unbind, ExchangeUnbindOk())
            client.request(ExchangeUnbind(destination: "gone", source: "amq.direct"), ExchangeUnbindOk())
            client.request(ExchangeUnbind(destination: "amq.fanout", source: "gone"), ExchangeUnbindOk())
            client.publish("nowhere", exchange: "amq.direct", routingKey: "k", mandatory: true)
            client.expectReturn("nowhere", exchange: "amq.direct", routingKey: "k")
        },
        MethodConversation("exchange.unbind", "with nowait is not answered") { broker in
            let client = broker.connect()
            client.send(ExchangeUnbind(destination: "amq.fanout", source: "amq.direct", noWait: true))
            client.expectNothing()
        },
        MethodConversation("exchange.unbind", "of the default exchange is refused") { broker in
            let client = broker.connect()
            client.send(ExchangeUnbind(destination: "amq.fanout", source: ""))
            client.expectChannelClose(
                403, "ACCESS_REFUSED - operation not permitted on the default exchange", of: ExchangeUnbind.self)
        },
    ]
}
