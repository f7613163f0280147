import AMQPWire
import Broker
import Testing

@Suite struct DeadLetterTests {
    private static let time: UInt64 = 1_700_000_000

    private func death(
        _ queue: String, exchange: String = "", key: String, count: Int64 = 1, time: UInt64 = time,
        expiration: String? = nil
    ) -> FieldValue {
        var entries: [FieldTable.Entry] = []
        if let expiration { entries.append(.init(name: "original-expiration", value: .string(expiration))) }
        entries += [
            .init(name: "count", value: .int64(count)), .init(name: "reason", value: .string("rejected")),
            .init(name: "queue", value: .string(queue)), .init(name: "time", value: .timestamp(time)),
            .init(name: "exchange", value: .string(exchange)),
            .init(name: "routing-keys", value: .array([.string(key)])),
        ]
        return .table(FieldTable(entries))
    }

    private func ends(_ edge: String, queue: String, exchange: String = "") -> [ShortString: FieldValue] {
        [
            ShortString(truncating: "x-\(edge)-death-reason"): .string("rejected"),
            ShortString(truncating: "x-\(edge)-death-queue"): .string(queue),
            ShortString(truncating: "x-\(edge)-death-exchange"): .string(exchange),
        ]
    }

    private func byName(_ table: FieldTable?) -> [ShortString: FieldValue] {
        Dictionary((table?.entries ?? []).map { ($0.name, $0.value) }) { first, _ in first }
    }

    private func merged(_ parts: [ShortString: FieldValue]...) -> [ShortString: FieldValue] {
        parts.reduce(into: [:]) { $0.merge($1) { _, new in new } }
    }

    /// The dying queue on shard 0, the dead-letter queue on shard 1, the client on either.
    @Test(arguments: [0, 1]) func aRejectedMessageTellsHowItDied(shard: Int) {
        converse(shards: 2) { broker in
            let keeper = broker.connect(shard: 1)
            keeper.declareDeadLetterQueue()
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("amq.fanout")]))
            let client = broker.connect(shard: shard)
            var properties = BasicProperties()
            properties.headers = ["mine": .int32(7)]
            properties.expiration = "60000"
            properties.deliveryMode = 2
            client.publish("body", routingKey: "q", properties: properties)
            client.get(expecting: "body", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            let dead = client.get(
                "dead", expecting: "body", tag: 2, exchange: "amq.fanout", routingKey: "q", noAck: true)
            #expect(dead.expiration == nil)
            #expect(dead.deliveryMode == 2)
            #expect(
                byName(dead.headers)
                    == merged(
                        ["mine": .int32(7), "x-death": .array([death("q", key: "q", expiration: "60000")])],
                        ends("first", queue: "q"), ends("last", queue: "q")))
        }
    }

    @Test func anotherRoutingKeyMayBeSaid() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "dead"))
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("dead"),
                    ]))
            client.publish("body", routingKey: "q")
            client.get(expecting: "body", tag: 1)
            client.send(BasicNack(deliveryTag: 1, multiple: true, requeue: false))
            let dead = client.get("dead", expecting: "body", tag: 2, noAck: true)
            #expect(dead.headers?["x-death"] == .array([death("q", key: "q")]))
        }
    }

    /// Round and round: one entry for each queue and reason, the latest first, with the time of its first death.
    @Test func deathsAreCounted() {
        converse { broker in
            let client = broker.connect()
            for (name, next) in [("a", "b"), ("b", "a")] {
                client.declare(
                    QueueDeclare(
                        queue: ShortString(truncating: name),
                        arguments: [
                            "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(next),
                        ]))
            }
            client.publish("body", routingKey: "a")
            var properties = BasicProperties()
            for (index, queue) in ["a", "b", "a"].enumerated() {
                properties = client.get(
                    ShortString(truncating: queue), expecting: "body", tag: UInt64(index + 1))
                client.send(BasicReject(deliveryTag: UInt64(index + 1), requeue: false))
                broker.advance(milliseconds: 10_000)
            }
            #expect(
                properties.headers?["x-death"]
                    == .array([death("b", key: "b", time: Self.time + 10), death("a", key: "a")]))
            let last = client.get("b", expecting: "body", tag: 4, noAck: true)
            #expect(
                byName(last.headers)
                    == merged(
                        [
                            "x-death": .array([
                                death("a", key: "a", count: 2), death("b", key: "b", time: Self.time + 10),
                            ])
                        ], ends("first", queue: "a"), ends("last", queue: "a")))
        }
    }

    /// RabbitMQ since 3.13: x-death is the broker's own; a client's does not count.
    @Test func whatAClientSaysOfDeathsDoesNotCount() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "dead"))
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("dead"),
                    ]))
            var properties = BasicProperties()
            properties.headers = [
                "x-death": .array([death("q", key: "q", count: 41)]), "x-first-death-reason": .string("expired"),
            ]
            client.publish("body", routingKey: "q", properties: properties)
            #expect(client.get(expecting: "body", tag: 1) == properties)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            let dead = client.get("dead", expecting: "body", tag: 2, noAck: true)
            #expect(dead.headers?["x-death"] == .array([death("q", key: "q")]))
            #expect(dead.headers?["x-first-death-reason"] == .string("rejected"))
        }
    }

    @Test func withoutItsExchangeTheMessageIsDropped() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-dead-letter-exchange": .string("later")]))
            client.publish("body", routingKey: "q")
            client.get(expecting: "body", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(broker.shards[0].inspection.messageCount == 0)
        }
    }
}
