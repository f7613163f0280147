import AMQPWire
import Broker
import Testing

/// RabbitMQ's alternate exchanges: what an exchange leads nowhere goes to another one.
@Suite struct AlternateExchangeTests {
    private func declare(
        _ client: ConversationClient, _ name: ShortString, alternate: ShortString, type: ShortString = "direct"
    ) {
        client.request(
            ExchangeDeclare(
                exchange: name, type: type, arguments: ["alternate-exchange": .longString(alternate.bytes)]),
            ExchangeDeclareOk())
    }

    @Test func alternateExchange() {
        converse { broker in
            let client = broker.connect()
            declare(client, "x", alternate: "amq.fanout")
            for queue in ["bound", "rest"] as [ShortString] { client.declare(QueueDeclare(queue: queue)) }
            client.request(QueueBind(queue: "bound", exchange: "x", routingKey: "k"), QueueBindOk())
            client.request(QueueBind(queue: "rest", exchange: "amq.fanout"), QueueBindOk())
            client.publish("one", exchange: "x", routingKey: "k", mandatory: true)
            client.publish("two", exchange: "x", routingKey: "other", mandatory: true)
            client.get("bound", expecting: "one", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            client.get("rest", expecting: "two", tag: 2, exchange: "x", routingKey: "other", noAck: true)
        }
    }

    @Test func whatTheAlternateLeadsNowhereIsReturned() {
        converse { broker in
            let client = broker.connect()
            declare(client, "first", alternate: "second")
            declare(client, "second", alternate: "third")
            declare(client, "third", alternate: "first")
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("body", exchange: "first", routingKey: "k", mandatory: true)
            client.expectReturn("body", exchange: "first", routingKey: "k")
            client.expect(BasicAck(deliveryTag: 1))
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "third", routingKey: "k"), QueueBindOk())
            client.publish("body", exchange: "first", routingKey: "k", mandatory: true)
            client.expect(BasicAck(deliveryTag: 2))
            client.get(expecting: "body", tag: 1, exchange: "first", routingKey: "k", noAck: true)
        }
    }

    /// A channel remembers its last route, but not for longer than it holds.
    @Test func anAlternateThatComesAndGoesIsSeenAtOnce() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            let other = broker.connect(shard: 1)
            declare(client, "x", alternate: "late")
            client.declare(QueueDeclare(queue: "q"))
            for round in 0..<3 as Range<UInt64> {
                client.publish("lost", exchange: "x", routingKey: "k", mandatory: true)
                client.expectReturn("lost", exchange: "x", routingKey: "k")
                other.request(ExchangeDeclare(exchange: "late", type: "fanout"), ExchangeDeclareOk())
                other.request(QueueBind(queue: "q", exchange: "late"), QueueBindOk())
                client.publish("kept", exchange: "x", routingKey: "k", mandatory: true)
                client.get(expecting: "kept", tag: round + 1, exchange: "x", routingKey: "k", noAck: true)
                other.request(ExchangeDelete(exchange: "late"), ExchangeDeleteOk())
            }
        }
    }

    /// Only who publishes to an internal exchange is refused.
    @Test func anAlternateMayBeInternal() {
        converse { broker in
            let client = broker.connect()
            declare(client, "x", alternate: "inside")
            client.request(ExchangeDeclare(exchange: "inside", type: "fanout", internal: true), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "inside"), QueueBindOk())
            client.publish("body", exchange: "x", routingKey: "k")
            client.get(expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            client.publish("body", exchange: "inside", routingKey: "k")
            client.expectChannelClose(
                403, "ACCESS_REFUSED - cannot publish to internal exchange 'inside' in vhost '/'",
                of: BasicPublish.self)
        }
    }

    @Test func aDeadLetterFindsTheAlternateToo() {
        converse { broker in
            let client = broker.connect()
            declare(client, "dead", alternate: "amq.fanout")
            client.declare(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("dead")]))
            client.declare(QueueDeclare(queue: "rest"))
            client.request(QueueBind(queue: "rest", exchange: "amq.fanout"), QueueBindOk())
            client.publish("body", routingKey: "q")
            client.get(expecting: "body", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.get("rest", expecting: "body", tag: 2, exchange: "dead", routingKey: "q", noAck: true)
        }
    }
}
