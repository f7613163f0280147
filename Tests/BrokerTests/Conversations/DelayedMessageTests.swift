import AMQPWire
import Broker
import Testing

/// The exchange type of the plugin rabbitmq-delayed-message-exchange.
@Suite struct DelayedMessageTests {
    private func declare(
        _ client: ConversationClient, type: String = "direct", durable: Bool = false, _ arguments: FieldTable = [:]
    ) {
        var arguments = arguments
        arguments["x-delayed-type"] = .string(type)
        client.request(
            ExchangeDeclare(exchange: "x", type: "x-delayed-message", durable: durable, arguments: arguments),
            ExchangeDeclareOk())
    }

    private func bind(_ client: ConversationClient, _ queue: ShortString = "q", key: ShortString, durable: Bool = false)
    {
        client.declare(QueueDeclare(queue: queue, durable: durable))
        client.request(QueueBind(queue: queue, exchange: "x", routingKey: key), QueueBindOk())
    }

    private func delayed(_ delay: FieldValue, isPersistent: Bool = false) -> BasicProperties {
        var properties = BasicProperties()
        properties.headers = ["mine": .bool(true), "x-delay": delay]
        properties.deliveryMode = isPersistent ? 2 : 1
        properties.messageID = "m"
        return properties
    }

    private func delete(_ client: ConversationClient) {
        client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
    }

    @Test(arguments: [0, 1])
    func delayedMessage(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            declare(owner)
            bind(owner, key: "k")
            let client = broker.connect(shard: shard)
            client.publish("late", exchange: "x", routingKey: "k", properties: delayed(.int32(5000)))
            client.publish("early", exchange: "x", routingKey: "k", properties: delayed(.int32(1000)))
            client.publish("also early", exchange: "x", routingKey: "k", properties: delayed(.int64(1000)))
            client.publish("elsewhere", exchange: "x", routingKey: "other", properties: delayed(.int32(1000)))
            broker.advance(milliseconds: 999)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            broker.advance(milliseconds: 1)
            var expected = delayed(.int64(-1000))
            for (tag, body) in ["early", "also early"].enumerated() {
                let got = client.get(
                    expecting: body, tag: UInt64(tag + 1), messageCount: tag == 0 ? 1 : 0, exchange: "x",
                    routingKey: "k", noAck: true)
                #expect(got == expected)
            }
            broker.advance(milliseconds: 4000)
            expected = delayed(.int64(-5000))
            #expect(client.get(expecting: "late", tag: 3, exchange: "x", routingKey: "k", noAck: true) == expected)
            delete(owner)
        }
    }

    /// What is no delay of the plugin's range is delivered at once, as it is.
    @Test func whatIsNoDelayGoesAtOnce() {
        converse { broker in
            let client = broker.connect()
            declare(client, type: "fanout")
            bind(client, key: "")
            let values: [FieldValue] = [
                .int32(0), .int32(-1), .int64(4_294_967_296), .string("soon"), .string("-5"), .void, .bool(true),
                .table([:]), .double(.nan), .double(0.5), .double(1e300),
            ]
            client.publish("body", exchange: "x", routingKey: "k")
            client.get(expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            for (index, value) in values.enumerated() {
                client.publish("body", exchange: "x", routingKey: "k", properties: delayed(value))
                let got = client.get(
                    expecting: "body", tag: UInt64(index + 2), exchange: "x", routingKey: "k", noAck: true)
                #expect("\(got)" == "\(delayed(value))")
            }
            delete(client)
        }
    }

    @Test func aDelayMayBeAStringOrAFloat() {
        converse { broker in
            let client = broker.connect()
            declare(client, type: "topic")
            bind(client, key: "#")
            for value in [.string("1000"), .double(1000.9), .bytes(Array("1000".utf8)), .uint16(1000)] as [FieldValue] {
                client.publish("body", exchange: "x", routingKey: "k", properties: delayed(value))
            }
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            broker.advance(milliseconds: 1000)
            for tag in 1...4 as ClosedRange<UInt64> {
                let got = client.get(
                    expecting: "body", tag: tag, messageCount: 4 - UInt32(tag), exchange: "x", routingKey: "k",
                    noAck: true)
                #expect(got == delayed(.int64(-1000)))
            }
            delete(client)
        }
    }

    /// The longest delay.
    @Test func fortyNineDaysAreTheMost() {
        converse { broker in
            let client = broker.connect()
            declare(client)
            bind(client, key: "k")
            client.publish("body", exchange: "x", routingKey: "k", properties: delayed(.int64(4_294_967_295)))
            broker.advance(milliseconds: 4_294_967_294)
            let other = broker.connect()
            other.request(BasicGet(queue: "q"), BasicGetEmpty())
            broker.advance(milliseconds: 1)
            other.get(expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            delete(other)
        }
    }

    @Test func argumentsAreChecked() {
        converse { broker in
            let client = broker.connect()
            let missing = "Invalid argument, 'x-delayed-type' must be an existing exchange type"
            let refused: [(FieldTable, String)] = [
                ([:], missing), (["x-delayed-type": .int32(1)], missing),
                (["x-delayed-type": .string("sideways")], "unknown exchange type 'sideways'"),
                (
                    ["x-delayed-type": .string("x-delayed-message")],
                    "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'"
                ),
                (
                    ["x-delayed-type": .string("x-consistent-hash"), "hash-property": .string("none")],
                    "Unsupported property: none"
                ),
            ]
            for (arguments, text) in refused {
                client.send(ExchangeDeclare(exchange: "x", type: "x-delayed-message", arguments: arguments))
                client.expectChannelClose(406, "PRECONDITION_FAILED - \(text)", of: ExchangeDeclare.self)
            }
            // Bindings are those of the type it has behind the delay.
            declare(client, type: "x-consistent-hash")
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueBind(queue: "q", exchange: "x", routingKey: "key"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - The binding key must be an integer: <<\"key\">>", of: QueueBind.self)
            delete(client)
        }
    }

    /// Declared again, only the alternate exchange is compared.
    @Test func declaringAgainChangesNothing() {
        converse { broker in
            let client = broker.connect()
            declare(client, type: "topic")
            bind(client, key: "#")
            client.publish("body", exchange: "x", routingKey: "k", properties: delayed(.int32(1000)))
            declare(client, type: "direct")
            client.send(ExchangeDeclare(exchange: "x", type: "topic"))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'x' in vhost '/': received 'topic' but "
                    + "current is 'x-delayed-message'", of: ExchangeDeclare.self)
            broker.advance(milliseconds: 1000)
            client.get(expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            delete(client)
        }
    }

    /// The plugin does not support mandatory: what waits is for somebody.
    @Test func aMandatoryMessageIsNotReturnedWhileItWaits() {
        converse { broker in
            let client = broker.connect()
            declare(client, ["alternate-exchange": .string("amq.fanout")])
            client.declare(QueueDeclare(queue: "rest"))
            client.request(QueueBind(queue: "rest", exchange: "amq.fanout"), QueueBindOk())
            client.publish(
                "body", exchange: "x", routingKey: "k", mandatory: true, properties: delayed(.int32(1000)))
            client.request(BasicGet(queue: "rest"), BasicGetEmpty())
            broker.advance(milliseconds: 1000)
            client.get("rest", expecting: "body", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
            declare(client)
            client.publish("body", exchange: "x", routingKey: "k", mandatory: true)
            client.expectReturn("body", exchange: "x", routingKey: "k")
            delete(client)
        }
    }

    @Test func whatWaitsGoesWithItsExchange() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            declare(owner)
            let client = broker.connect()
            bind(client, key: "k")
            client.publish("body", exchange: "x", routingKey: "k", properties: delayed(.int32(1000)))
            delete(client)
            owner.request(ExchangeDeclare(exchange: "x", type: "fanout"), ExchangeDeclareOk())
            broker.advance(milliseconds: 1000)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    @Test func manyMessagesWaitAndComeInOrder() {
        converse { broker in
            let client = broker.connect()
            declare(client)
            bind(client, key: "k")
            let count = 20_000
            var frames: [UInt8] = []
            for number in 0..<count {
                let delay = Int32(1 + (number &* 7919) % 10_000)
                frames += frame(BasicPublish(exchange: "x", routingKey: "k"))
                frames += contentFrames(Array("\(delay)".utf8), properties: delayed(.int32(delay)))
            }
            client.send(bytes: frames)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            broker.advance(milliseconds: 10_000)
            let bodies = client.takeAll().compactMap { received -> Int? in
                guard case .method(.basicDeliver, _, let content?) = received else { return nil }
                return Int(String(decoding: content.body, as: UTF8.self))
            }
            #expect(bodies.count == count)
            #expect(bodies == bodies.sorted())
            delete(client)
        }
    }

    /// With their due time; transient ones too, as with the plugin.
    @Test(arguments: [1, 3])
    func delayedMessagesSurviveAKill(shards: Int) {
        let node = KilledBroker()
        node.live(shards: shards) { broker in
            let client = broker.connect(shard: shards - 1)
            declare(client, durable: true)
            bind(client, key: "k", durable: true)
            let publisher = broker.connect()
            publisher.request(ConfirmSelect(), ConfirmSelectOk())
            for (index, isPersistent) in [true, false].enumerated() {
                publisher.publish(
                    "\(isPersistent)", exchange: "x", routingKey: "k",
                    properties: delayed(.int32(index == 0 ? 5000 : 4000), isPersistent: isPersistent))
                publisher.expect(BasicAck(deliveryTag: UInt64(index + 1)))
            }
        }
        node.live(shards: shards) { broker in
            let client = broker.connect()
            broker.advance(milliseconds: 3999)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            broker.advance(milliseconds: 1)
            client.get(expecting: "false", tag: 1, exchange: "x", routingKey: "k", noAck: true)
        }
        node.live { broker in
            let client = broker.connect()
            broker.advance(milliseconds: 4999)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            broker.advance(milliseconds: 1)
            client.send(QueueDeclare(queue: "q", passive: true))
            #expect(client.expect(QueueDeclareOk.self)?.messageCount == 1)
        }
        // What has passed has not to wait again, and is there once.
        node.live(shards: shards) { broker in
            let client = broker.connect()
            let got = client.get(expecting: "true", tag: 1, exchange: "x", routingKey: "k", noAck: true)
            #expect(got == delayed(.int64(-5000), isPersistent: true))
            broker.advance(milliseconds: 10_000)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            delete(client)
        }
        node.live { broker in
            let client = broker.connect()
            client.send(ExchangeDeclare(exchange: "x", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'x' in vhost '/'", of: ExchangeDeclare.self)
        }
    }
}
