import AMQPWire
import Broker
import Testing

/// The exchange type of RabbitMQ's plugin rabbitmq_recent_history_exchange.
@Suite struct RecentHistoryTests {
    private func declare(_ client: ConversationClient, length: Int32? = 3, durable: Bool = false) {
        var arguments = FieldTable()
        if let length { arguments["x-recent-history-length"] = .int32(length) }
        client.request(
            ExchangeDeclare(exchange: "x", type: "x-recent-history", durable: durable, arguments: arguments),
            ExchangeDeclareOk())
    }

    private func bind(_ client: ConversationClient, _ queue: ShortString, durable: Bool = false) {
        client.declare(QueueDeclare(queue: queue, durable: durable))
        client.request(QueueBind(queue: queue, exchange: "x"), QueueBindOk())
    }

    private func expect(
        _ bodies: [String], in queue: ShortString, _ client: ConversationClient,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.send(BasicConsume(queue: queue, consumerTag: queue, noAck: true))
        let found = client.takeAll().compactMap { received -> String? in
            guard case .method(.basicDeliver, _, let content?) = received else { return nil }
            return String(decoding: content.body, as: UTF8.self)
        }
        #expect(found == bodies, sourceLocation: sourceLocation)
        client.request(BasicCancel(consumerTag: queue), BasicCancelOk(consumerTag: queue))
    }

    /// The exchange on shard 1, who publishes and who binds elsewhere.
    @Test(arguments: [(0, 0), (1, 0), (0, 1), (0, 2)])
    func recentHistory(publisher: Int, binder: Int) {
        converse(shards: 3) { broker in
            let owner = broker.connect(shard: 1)
            declare(owner)
            bind(owner, "first")
            let client = broker.connect(shard: publisher)
            for body in ["1", "2", "3", "4", "5"] { client.publish(body, exchange: "x", routingKey: "k") }
            let other = broker.connect(shard: binder)
            bind(other, "second")
            client.publish("6", exchange: "x", routingKey: "k")
            expect(["1", "2", "3", "4", "5", "6"], in: "first", client)
            expect(["3", "4", "5", "6"], in: "second", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    /// What is published before a binding, on the same channel, is in the history; what comes behind is there once.
    @Test func nothingIsLostOrDoubledAroundABinding() {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: 1)
            declare(owner, length: 10)
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            func publish(_ body: String) -> [UInt8] {
                frame(BasicPublish(exchange: "x", routingKey: "k")) + contentFrames(Array(body.utf8))
            }
            broker.holdsMail = true
            client.send(
                bytes: publish("1") + publish("2") + frame(QueueBind(queue: "q", exchange: "x")) + publish("3"))
            client.expect(QueueBindOk())
            // The owner sees the binding before the messages.
            owner.request(ExchangeDeclare(exchange: "x", passive: true), ExchangeDeclareOk())
            broker.holdsMail = false
            broker.settle()
            expect(["1", "2", "3"], in: "q", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func twentyMessagesAreRememberedByDefault() {
        converse { broker in
            let client = broker.connect()
            declare(client, length: nil)
            for number in 1...25 { client.publish("\(number)", exchange: "x", routingKey: "k") }
            bind(client, "q")
            expect((6...25).map { "\($0)" }, in: "q", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func aMessageMaySayThatItIsNotToBeRemembered() {
        converse { broker in
            let client = broker.connect()
            declare(client)
            bind(client, "first")
            var properties = BasicProperties()
            properties.headers = ["x-recent-history-no-store": .bool(true)]
            client.publish("1", exchange: "x", routingKey: "k", properties: properties)
            properties.headers = ["x-recent-history-no-store": .bool(false)]
            client.publish("2", exchange: "x", routingKey: "k", properties: properties)
            bind(client, "second")
            expect(["1", "2"], in: "first", client)
            expect(["2"], in: "second", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func anExchangeThatIsBoundRoutesTheHistoryOn() {
        converse { broker in
            let client = broker.connect()
            declare(client)
            for queue in ["a", "b"] as [ShortString] {
                client.declare(QueueDeclare(queue: queue))
                client.request(QueueBind(queue: queue, exchange: "amq.direct", routingKey: queue), QueueBindOk())
            }
            client.publish("1", exchange: "x", routingKey: "a")
            client.publish("2", exchange: "x", routingKey: "b")
            client.request(ExchangeBind(destination: "amq.direct", source: "x"), ExchangeBindOk())
            expect(["1"], in: "a", client)
            expect(["2"], in: "b", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    /// RabbitMQ remembers it, and returns it.
    @Test func aMandatoryMessageThatIsOnlyRememberedIsReturned() {
        converse { broker in
            let client = broker.connect()
            declare(client)
            client.publish("1", exchange: "x", routingKey: "k", mandatory: true)
            client.expectReturn("1", exchange: "x", routingKey: "k")
            bind(client, "q")
            client.publish("2", exchange: "x", routingKey: "k", mandatory: true)
            expect(["1", "2"], in: "q", client)
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func aLoopOfExchangesThatRememberEnds() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            declare(client)
            let other = broker.connect(shard: 1)
            other.request(ExchangeDeclare(exchange: "y", type: "x-recent-history"), ExchangeDeclareOk())
            client.request(ExchangeBind(destination: "y", source: "x"), ExchangeBindOk())
            client.request(ExchangeBind(destination: "x", source: "y"), ExchangeBindOk())
            bind(client, "q")
            client.publish("1", exchange: "x", routingKey: "k")
            expect(["1"], in: "q", client)
            for name in ["x", "y"] as [ShortString] {
                client.request(ExchangeDelete(exchange: name), ExchangeDeleteOk())
            }
        }
    }

    @Test func theLengthIsChecked() {
        converse { broker in
            let client = broker.connect()
            for (value, text) in [
                (FieldValue.int32(0), "0"), (.int32(-5), "-5"), (.string("ten"), "<<\"ten\">>"),
            ] {
                client.send(
                    ExchangeDeclare(
                        exchange: "x", type: "x-recent-history", arguments: ["x-recent-history-length": value]))
                client.expectChannelClose(
                    406,
                    "PRECONDITION_FAILED - Invalid argument \(text), "
                        + "'x-recent-history-length' must be a positive integer",
                    of: ExchangeDeclare.self)
            }
        }
    }

    @Test(arguments: [1, 3])
    func aDurableExchangeRemembersAcrossARestart(shards: Int) {
        let node = KilledBroker()
        node.live(shards: shards) { broker in
            let client = broker.connect()
            declare(client, durable: true)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            bind(client, "first", durable: true)
            for (index, body) in ["1", "2", "3", "4"].enumerated() {
                client.store(body, exchange: "x", routingKey: "k")
                client.expect(BasicAck(deliveryTag: UInt64(index + 1)))
            }
        }
        for life in 1...2 {
            node.live(shards: shards) { broker in
                let client = broker.connect()
                bind(client, ShortString(truncating: "q\(life)"))
                expect(["2", "3", "4"], in: ShortString(truncating: "q\(life)"), client)
                expect(life == 1 ? ["1", "2", "3", "4"] : [], in: "first", client)
            }
        }
    }
}
