import AMQPWire
import Broker
import Testing

@Suite struct PublishTests {
    @Test func aReturnComesBeforeTheConfirm() {
        converse { broker in
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("body", routingKey: "nobody", mandatory: true)
            client.expectReturn("body", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 1))
        }
    }

    /// What is published in one read is confirmed at once.
    @Test func confirmsAreFoldedIntoMultiple() {
        converse { broker in
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            let publish = frame(BasicPublish(routingKey: "nobody")) + contentFrames(Array("body".utf8))
            client.send(bytes: publish + publish + publish)
            client.expect(BasicAck(deliveryTag: 3, multiple: true))
            client.send(bytes: publish)
            client.expect(BasicAck(deliveryTag: 4))
        }
    }

    @Test func confirmsAreNumberedByChannel() {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            for channel in [1, 2] as [UInt16] {
                client.request(ConfirmSelect(), ConfirmSelectOk(), channel: channel)
                client.publish("body", routingKey: "nobody", channel: channel)
                client.expect(BasicAck(deliveryTag: 1), channel: channel)
            }
            client.closeChannel()
            client.openChannel(1)
            client.publish("body", routingKey: "nobody")
            client.expectNothing()
        }
    }

    @Test func confirmsWaitForNoConsumer() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("body", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 1))
            owner.get(expecting: "body", tag: 1, noAck: true)
        }
    }

    @Test func oneMessageGoesToEveryQueueOnce() {
        converse(shards: 3) { broker in
            let client = broker.connect()
            for shard in 0..<3 {
                let owner = broker.connect(shard: shard)
                let queue = ShortString(truncating: "q\(shard)")
                owner.declare(QueueDeclare(queue: queue))
                for key in ["a", "b"] as [ShortString] {
                    owner.request(QueueBind(queue: queue, exchange: "amq.fanout", routingKey: key), QueueBindOk())
                }
            }
            client.publish("body", exchange: "amq.fanout", routingKey: "k")
            for shard in 0..<3 {
                client.get(
                    ShortString(truncating: "q\(shard)"), expecting: "body", tag: UInt64(shard + 1),
                    exchange: "amq.fanout", routingKey: "k", noAck: true)
            }
        }
    }

    @Test func headersAreMatched() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(
                QueueBind(
                    queue: "q", exchange: "amq.headers", arguments: ["x-match": .string("all"), "a": .int32(1)]),
                QueueBindOk())
            var properties = BasicProperties()
            properties.headers = ["a": .int64(1)]
            client.publish("yes", exchange: "amq.headers", routingKey: "", properties: properties)
            client.publish("no", exchange: "amq.headers", routingKey: "")
            let got = client.get(
                expecting: "yes", tag: 1, exchange: "amq.headers", routingKey: "", noAck: true)
            #expect(got == properties)
            client.send(
                QueueBind(queue: "q", exchange: "amq.headers", arguments: ["x-match": .string("some")]))
            _ = client.expect(ChannelClose.self)
        }
    }

    @Test func aMessageAboveTheLimitIsRefused() {
        var settings = BrokerSettings()
        settings.maxMessageSize = 10
        converse(settings: settings) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("0123456789", routingKey: "q")
            client.get(expecting: "0123456789", tag: 1, noAck: true)
            client.publish("0123456789a", routingKey: "q")
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - message size 11 is larger than configured max size 10",
                of: BasicPublish.self)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// RabbitMQ: the exchange, whether it is internal, reply-to, expiration, user-id.
    @Test func aPublishIsCheckedInRabbitMQsOrder() {
        converse { broker in
            let client = broker.connect()
            client.request(ExchangeDeclare(exchange: "inner", type: "fanout", internal: true), ExchangeDeclareOk())
            var properties = BasicProperties()
            properties.userID = "nobody"
            func expect(_ code: UInt16, _ text: String, exchange: ShortString) {
                client.publish("body", exchange: exchange, routingKey: "q", properties: properties)
                client.expectChannelClose(code, text, of: BasicPublish.self)
            }
            expect(
                406, "PRECONDITION_FAILED - user_id property set to 'nobody' but authenticated user was 'guest'",
                exchange: "")
            properties.expiration = "soon"
            expect(406, "PRECONDITION_FAILED - invalid expiration 'soon': no_integer", exchange: "")
            properties.replyTo = "amq.rabbitmq.reply-to"
            expect(406, "PRECONDITION_FAILED - fast reply consumer does not exist", exchange: "")
            expect(
                403, "ACCESS_REFUSED - cannot publish to internal exchange 'inner' in vhost '/'", exchange: "inner")
            expect(404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", exchange: "nowhere")
        }
    }

    @Test func namesAreBytes() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            let other = broker.connect(shard: 1)
            let names = [
                ShortString(bytes: [0xFF, 0, 0x80]), ShortString(bytes: Array(repeating: 0xC3, count: 255)),
                ShortString(bytes: [0]), "schlüssel 🐇",
            ]
            for (index, name) in names.enumerated() {
                client.request(ExchangeDeclare(exchange: name, type: "direct"), ExchangeDeclareOk())
                client.declare(QueueDeclare(queue: name))
                client.request(QueueBind(queue: name, exchange: name, routingKey: name), QueueBindOk())
                other.publish("body", exchange: name, routingKey: name)
                client.consume(BasicConsume(queue: name, consumerTag: name, noAck: true))
                client.expectDeliver(
                    "body", tag: UInt64(index + 1), consumer: name, exchange: name, routingKey: name)
            }
        }
    }

    /// Texts are cut at 255 bytes, the last three are dots.
    @Test func aLongNameIsCutInTheReplyText() {
        converse { broker in
            let client = broker.connect()
            let name = String(repeating: "n", count: 255)
            client.send(QueueDeclare(queue: ShortString(truncating: name), passive: true))
            let text = String("NOT_FOUND - no queue '\(name)' in vhost '/'".prefix(252)) + "..."
            client.expectChannelClose(404, text, of: QueueDeclare.self)
        }
    }
}
