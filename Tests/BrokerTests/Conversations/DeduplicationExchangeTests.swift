import AMQPWire
import Broker
import Testing

/// The exchange type of the plugin rabbitmq-message-deduplication.
@Suite struct DeduplicationExchangeTests {
    private func declare(_ client: ConversationClient, _ arguments: FieldTable, durable: Bool = false) {
        client.request(
            ExchangeDeclare(
                exchange: "x", type: "x-message-deduplication", durable: durable, arguments: arguments),
            ExchangeDeclareOk())
        client.declare(QueueDeclare(queue: "q", durable: durable))
        client.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
    }

    private func publish(
        _ client: ConversationClient, _ body: String, _ header: FieldValue?, ttl: Int32? = nil,
        isPersistent: Bool = false
    ) {
        var properties = BasicProperties()
        if let header { properties.headers = ["x-deduplication-header": header] }
        if let ttl { properties.headers?["x-cache-ttl"] = .int32(ttl) }
        if isPersistent { properties.deliveryMode = 2 }
        client.publish(body, exchange: "x", routingKey: "k", properties: properties)
    }

    private func expect(
        _ bodies: [String], _ client: ConversationClient, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.send(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
        let found = client.takeAll().compactMap { received -> String? in
            guard case .method(.basicDeliver, _, let content?) = received else { return nil }
            return String(decoding: content.body, as: UTF8.self)
        }
        #expect(found == bodies, sourceLocation: sourceLocation)
        client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
    }

    /// One memory for publishers on all shards.
    @Test func deduplication() {
        converse(shards: 3) { broker in
            let owner = broker.connect(shard: 1)
            declare(owner, ["x-cache-size": .int32(100)])
            let clients = (0..<3).map { broker.connect(shard: $0) }
            for client in clients {
                publish(client, "string", .string("a"))
                publish(client, "number", client === clients[0] ? .int64(1) : .int8(1))
                publish(client, "text", .string("1"))
                publish(client, "void", .void)
            }
            publish(clients[0], "none", nil)
            publish(clients[2], "none", nil)
            publish(clients[1], "table", .table([:]))
            publish(clients[1], "table", .table([:]))
            expect(["string", "number", "text", "void", "none", "none", "table", "table"], owner)
            owner.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func theOldestHeaderMakesRoom() {
        converse { broker in
            let client = broker.connect()
            declare(client, ["x-cache-size": .string("2")])
            for header in ["a", "b", "a", "c", "b", "a"] { publish(client, header, .string(header)) }
            expect(["a", "b", "c", "a"], client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func aHeaderIsRememberedForItsTime() {
        converse { broker in
            let client = broker.connect()
            declare(client, ["x-cache-size": .int32(10), "x-cache-ttl": .int32(1000)])
            publish(client, "a1", .string("a"))
            publish(client, "b1", .string("b"), ttl: 5000)
            broker.advance(milliseconds: 999)
            publish(client, "a2", .string("a"))
            broker.advance(milliseconds: 1)
            publish(client, "a3", .string("a"))
            publish(client, "b2", .string("b"))
            broker.advance(milliseconds: 4000)
            publish(client, "b3", .string("b"))
            expect(["a1", "b1", "a3", "b3"], client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func theAlternateExchangeGetsDuplicates() {
        converse { broker in
            let client = broker.connect()
            declare(client, ["x-cache-size": .int32(10), "alternate-exchange": .string("amq.fanout")])
            client.declare(QueueDeclare(queue: "again"))
            client.request(QueueBind(queue: "again", exchange: "amq.fanout"), QueueBindOk())
            publish(client, "first", .string("a"))
            publish(client, "second", .string("a"))
            expect(["first"], client)
            _ = client.get("again", expecting: "second", tag: 2, exchange: "x", routingKey: "k", noAck: true)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func argumentsAreChecked() {
        converse { broker in
            let client = broker.connect()
            let size = "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0"
            let ttl = "Invalid argument, 'x-cache-ttl' must be an integer greater than 0"
            let persistence = "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'"
            let refused: [(FieldTable, String)] = [
                ([:], size), (["x-cache-size": .int32(0)], size), (["x-cache-size": .string("many")], size),
                (["x-cache-size": .bool(true)], size),
                (["x-cache-size": .int32(1), "x-cache-ttl": .int32(0)], ttl),
                (["x-cache-size": .int32(1), "x-cache-ttl": .void], ttl),
                (["x-cache-size": .int32(1), "x-cache-persistence": .string("tape")], persistence),
            ]
            for (arguments, text) in refused {
                client.send(ExchangeDeclare(exchange: "x", type: "x-message-deduplication", arguments: arguments))
                client.expectChannelClose(406, "PRECONDITION_FAILED - \(text)", of: ExchangeDeclare.self)
            }
        }
    }

    @Test(arguments: ["disk", "memory"])
    func headersAreRememberedAcrossARestartIfTheyAreToBe(persistence: String) {
        let node = KilledBroker()
        let arguments: FieldTable = ["x-cache-size": .int32(2), "x-cache-persistence": .string(persistence)]
        node.live(shards: 2) { broker in
            let client = broker.connect()
            declare(client, arguments, durable: true)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            for (index, header) in ["a", "b", "c", "c"].enumerated() {
                publish(client, header, .string(header), ttl: header == "b" ? 10_000 : nil, isPersistent: true)
                client.expect(BasicAck(deliveryTag: UInt64(index + 1)))
            }
        }
        node.live { broker in
            let client = broker.connect()
            // "a" had to make room.
            for header in ["b", "c", "a"] { publish(client, header + "2", .string(header)) }
            let isKnown = persistence == "disk"
            expect(["a", "b", "c"] + (isKnown ? ["a2"] : ["b2", "c2", "a2"]), client)
            broker.advance(milliseconds: 10_001)
            publish(client, "b3", .string("b"))
            expect(["b3"], client)
        }
    }
}
