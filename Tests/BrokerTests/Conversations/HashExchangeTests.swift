import AMQPWire
import Broker
import Testing

/// The exchange types of RabbitMQ's plugins that choose one destination.
@Suite struct HashExchangeTests {
    private static let queues: [ShortString] = ["q1", "q2", "q3", "q4"]

    private func declare(
        _ client: ConversationClient, _ type: ShortString, _ arguments: FieldTable = [:], key: ShortString = "1"
    ) {
        client.request(ExchangeDeclare(exchange: "x", type: type, arguments: arguments), ExchangeDeclareOk())
        for queue in Self.queues {
            client.declare(QueueDeclare(queue: queue))
            client.request(QueueBind(queue: queue, exchange: "x", routingKey: key), QueueBindOk())
        }
    }

    /// How many of the messages each queue has.
    private func counts(_ client: ConversationClient) -> [Int] {
        Self.queues.map { queue in
            client.send(QueueDeclare(queue: queue, passive: true))
            return Int(client.expect(QueueDeclareOk.self)?.messageCount ?? 0)
        }
    }

    @Test func consistentHash() {
        converse { broker in
            let client = broker.connect()
            declare(client, "x-consistent-hash")
            for number in 0..<200 {
                let key = ShortString(truncating: "key\(number / 2)")
                client.publish("body", exchange: "x", routingKey: key, mandatory: true)
            }
            let counts = counts(client)
            #expect(counts.reduce(0, +) == 200)
            // Two messages of one key go the same way.
            #expect(counts.allSatisfy { $0 > 0 && $0 % 2 == 0 })
        }
    }

    @Test func consistentHashOfAHeaderOrAProperty() {
        converse { broker in
            let client = broker.connect()
            declare(client, "x-consistent-hash", ["hash-header": .string("h")])
            for key in ["a", "b", "c", "d", "e", "f"] as [ShortString] {
                var properties = BasicProperties()
                properties.headers = ["h": .string("same")]
                client.publish("body", exchange: "x", routingKey: key, properties: properties)
            }
            #expect(counts(client).filter { $0 > 0 } == [6])
            client.request(
                ExchangeDeclare(
                    exchange: "y", type: "x-consistent-hash", arguments: ["hash-property": .string("message_id")]),
                ExchangeDeclareOk())
            for queue in Self.queues {
                client.request(QueueBind(queue: queue, exchange: "y", routingKey: "10"), QueueBindOk())
            }
            let before = counts(client)
            for key in ["a", "b", "c", "d", "e", "f"] as [ShortString] {
                var properties = BasicProperties()
                properties.messageID = "same"
                client.publish("body", exchange: "y", routingKey: key, properties: properties)
            }
            #expect(zip(counts(client), before).map { $0 - $1 }.filter { $0 > 0 } == [6])
        }
    }

    @Test func consistentHashArgumentsAndWeightsAreChecked() {
        converse { broker in
            let client = broker.connect()
            func refused(_ arguments: FieldTable, _ text: String) {
                client.send(ExchangeDeclare(exchange: "x", type: "x-consistent-hash", arguments: arguments))
                client.expectChannelClose(406, "PRECONDITION_FAILED - \(text)", of: ExchangeDeclare.self)
            }
            refused(
                ["hash-header": .string("h"), "hash-property": .string("message_id")],
                "hash-header and hash-property are mutually exclusive")
            refused(["hash-property": .string("app_id")], "Unsupported property: app_id")
            refused(
                ["hash-header": .int32(1)],
                "invalid type 'signedint' for arg 'hash-header' in exchange 'x' in vhost '/'")
            client.request(ExchangeDeclare(exchange: "x", type: "x-consistent-hash"), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            for (key, text) in [
                ("heavy", "The binding key must be an integer: <<\"heavy\">>"),
                ("", "The binding key must be an integer: <<>>"),
                ("1.5", "The binding key must be an integer: <<\"1.5\">>"),
                ("0", "The binding key must be greater than 0"), ("-1", "The binding key must be greater than 0"),
            ] {
                client.send(QueueBind(queue: "q", exchange: "x", routingKey: ShortString(truncating: key)))
                // An empty key and queue mean the last queue; here the queue is named.
                client.expectChannelClose(406, "PRECONDITION_FAILED - \(text)", of: QueueBind.self)
            }
            // No memory for weights.
            client.request(
                QueueBind(queue: "q", exchange: "x", routingKey: "99999999999999999999999999"), QueueBindOk())
            client.publish("body", exchange: "x", routingKey: "k")
            client.get(expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
        }
    }

    @Test func modulusHash() {
        converse { broker in
            let client = broker.connect()
            declare(client, "x-modulus-hash", key: "anything")
            for number in 0..<200 {
                client.publish("body", exchange: "x", routingKey: ShortString(truncating: "key\(number / 2)"))
            }
            let counts = counts(client)
            #expect(counts.reduce(0, +) == 200)
            #expect(counts.allSatisfy { $0 > 0 && $0 % 2 == 0 })
        }
    }

    /// Not what the last message of this key found.
    @Test(arguments: ["x-random", "x-local-random"])
    func randomAndLocalRandom(type: String) {
        converse { broker in
            let client = broker.connect()
            declare(client, ShortString(truncating: type), key: "")
            for _ in 0..<200 { client.publish("body", exchange: "x", routingKey: "same") }
            let counts = counts(client)
            #expect(counts.reduce(0, +) == 200)
            #expect(counts.allSatisfy { $0 > 20 })
        }
    }

    @Test func localRandomBindingsAreChecked() {
        converse { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "x", type: "x-local-random"), ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueBind(queue: "q", exchange: "x", routingKey: "k"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - Non empty binding 'k' key not permitted", of: QueueBind.self)
            client.send(ExchangeBind(destination: "amq.fanout", source: "x"))
            client.expectChannelClose(406, "PRECONDITION_FAILED - Destination not found", of: ExchangeBind.self)
            client.declare(
                QueueDeclare(queue: "quorum", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            client.send(QueueBind(queue: "quorum", exchange: "x"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - Queue type rabbit_quorum_queue not valid for this exchange type",
                of: QueueBind.self)
        }
    }
}
