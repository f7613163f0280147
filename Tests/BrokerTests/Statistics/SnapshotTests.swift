import AMQPWire
import Broker
import Testing

/// What administrators are shown: read in steps while things come and go.
@Suite struct SnapshotTests {
    @Test func aQueueShowsWhatItWasDeclaredAsAndWhatItHolds() throws {
        try converse { broker in
            let client = broker.connect()
            try broker.controlPlane.setPolicy(
                Policy(name: "p", pattern: "^q", target: .all, priority: 0, definition: ["max-length": .int64(10)]),
                virtualHost: "/")
            client.declare(
                QueueDeclare(queue: "q", durable: true, arguments: ["x-single-active-consumer": .bool(true)]))
            client.declare(QueueDeclare(queue: "mine", exclusive: true, autoDelete: true))
            client.publish("one", routingKey: "q", properties: properties { $0.timestamp = 77 })
            client.publish("two", routingKey: "q")
            let queues = broker.allQueues()
            #expect(queues.map(\.name) == ["mine", "q"])
            let q = try #require(queues.last)
            #expect(q.isDurable && !q.isAutoDelete && !q.isExclusive && q.type == .classic && q.virtualHost == "/")
            #expect(q.arguments == ["x-single-active-consumer": .bool(true)] && q.policies.policy == "p")
            #expect(q.readyCount == 2 && q.messageCount == 2 && q.headTimestampSeconds == 77)
            #expect(q.headPublishedMilliseconds == broker.wallMilliseconds && q.counters.publish == 2)
            #expect(queues[0].isExclusive && queues[0].isAutoDelete && queues[0].owner?.address == client.address)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("one", tag: 1)
            client.expectDeliver("two", tag: 2)
            let consumed = try #require(broker.allQueues().last)
            #expect(consumed.unackedCount == 2 && consumed.consumerCount == 1)
            #expect(consumed.singleActiveConsumer?.tag == "c" && consumed.singleActiveConsumer?.channelNumber == 1)
            let consumer = try #require(broker.shards[0].consumerSnapshots(from: 0, limit: 10).items.first)
            #expect(consumer.queue == "q" && consumer.requiresAck && consumer.activity == .singleActive)
            #expect(consumer.unackedCount == 2 && consumer.name.connection.address == client.address)
            client.send(BasicAck(deliveryTag: 2, multiple: true))
        }
    }

    /// Gates of exchanges and queues of replies are queues only to the engine.
    @Test func whatIsNoQueueToAnybodyIsNotShown() {
        converse { broker in
            let client = broker.connect()
            client.request(
                ExchangeDeclare(exchange: "h", type: "x-recent-history"), ExchangeDeclareOk())
            client.consume(BasicConsume(queue: "amq.rabbitmq.reply-to", consumerTag: "r", noAck: true))
            #expect(broker.allQueues().isEmpty)
            client.request(ExchangeDelete(exchange: "h"), ExchangeDeleteOk())
        }
    }

    @Test func stepsSeeEveryQueueThatStaysWhileOthersComeAndGo() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            for number in 0..<40 { client.declare(QueueDeclare(queue: ShortString(truncating: "q\(number)"))) }
            var seen: [ShortString] = []
            var next: Int? = 0
            var step = 0
            while let start = next {
                let (items, following) = broker.shards[0].queueSnapshots(from: start, limit: 7)
                #expect(items.count <= 7)
                seen += items.map(\.name)
                next = following
                // Behind and in front of the reader.
                client.request(
                    QueueDelete(queue: ShortString(truncating: "q\(step)")), QueueDeleteOk(messageCount: 0))
                client.declare(QueueDeclare(queue: ShortString(truncating: "new\(step)")))
                step += 1
            }
            #expect(Set(seen).count == seen.count)
            for number in step..<40 { #expect(seen.contains(ShortString(truncating: "q\(number)"))) }
        }
    }

    @Test func aConnectionAndItsChannelsShowTheirState() throws {
        try converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 20, frameMax: 8192, heartbeat: 30))
            client.openChannel(3)
            client.request(ConfirmSelect(), ConfirmSelectOk(), channel: 3)
            client.request(BasicQos(prefetchCount: 5), BasicQosOk())
            client.request(BasicQos(prefetchCount: 6, global: true), BasicQosOk())
            _ = broker.accept()
            let connections = broker.shards[0].connectionSnapshots(from: 0, limit: 10).items
            #expect(connections.count == 1)
            let connection = try #require(connections.first)
            #expect(connection.state == .running && connection.user == "guest" && connection.mechanism == "PLAIN")
            #expect(connection.channelMax == 20 && connection.frameMax == 8192 && connection.heartbeatSeconds == 30)
            #expect(connection.channelCount == 2 && connection.connectedMilliseconds == broker.wallMilliseconds)
            #expect(connection.receivedByteCount == UInt64(client.sentBytes.count))
            #expect(connection.sentByteCount == UInt64(client.receivedBytes.count))
            #expect(connection.clientProperties["capabilities"] == .table(ConversationClient.allCapabilities))
            let channels = broker.shards[0].channelSnapshots(from: 0, limit: 1)
            #expect(channels.items.map(\.number) == [1] && channels.items[0].prefetchCount == 5)
            #expect(channels.items[0].globalPrefetchCount == 6 && !channels.items[0].isConfirming)
            let next = try #require(channels.next)
            let rest = broker.shards[0].channelSnapshots(from: next, limit: 10)
            #expect(rest.items.map(\.number) == [3] && rest.items[0].isConfirming && rest.next == nil)
            broker.setAlarms(.disk)
            #expect(broker.shards[0].connectionSnapshot(at: client.address)?.state == .blocking)
            broker.setAlarms([])
        }
    }

    @Test func unackedMessagesTellWhoHasThemSinceWhen() throws {
        try converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            owner.declare(QueueDeclare(queue: "other"))
            let client = broker.connect(shard: 1)
            client.openChannel(2)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"), channel: 2)
            client.consume(BasicConsume(queue: "other", consumerTag: "o"))
            let start = broker.wallMilliseconds
            owner.publish("one", routingKey: "q")
            owner.publish("x", routingKey: "other")
            broker.advance(milliseconds: 250)
            broker.advance(milliseconds: 1000)
            owner.publish("three", routingKey: "q", properties: properties { $0.contentType = "text/plain" })
            client.expectDeliver("one", tag: 1, channel: 2)
            client.expectDeliver("x", tag: 1, consumer: "o", routingKey: "other")
            client.expectDeliver("three", tag: 2, channel: 2)
            let address = try #require(broker.controlPlane.queueAddress("q", virtualHost: "/"))
            #expect(broker.shards[0].unackedSnapshots(of: address, from: UnackedCursor.start, limit: 9).items.isEmpty)
            let first = broker.shards[1].unackedSnapshots(of: address, from: UnackedCursor.start, limit: 1)
            let one = try #require(first.items.first)
            #expect(first.items.count == 1 && one.consumerTag == "c" && one.channelNumber == 2 && one.deliveryTag == 1)
            #expect(one.deliveredMilliseconds == start + 250 && one.publishedMilliseconds == start)
            #expect(one.routingKey == "q" && one.bodyByteCount == 3 && one.connection.address == client.address)
            let rest = broker.shards[1].unackedSnapshots(of: address, from: try #require(first.next), limit: 9)
            #expect(rest.items.map(\.deliveryTag) == [2] && rest.next == nil)
            #expect(rest.items[0].deliveredMilliseconds == start + 1250)
            #expect(rest.items[0].properties.contentType == "text/plain")
            client.send(BasicNack(deliveryTag: 2, multiple: true, requeue: false), channel: 2)
            #expect(broker.shards[1].unackedSnapshots(of: address, from: UnackedCursor.start, limit: 9).items.isEmpty)
        }
    }

    @Test func bindingsAreShownFromBothEnds() throws {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "amq.topic", routingKey: "a.#"), QueueBindOk())
            client.request(
                ExchangeBind(destination: "amq.direct", source: "amq.topic", routingKey: "b"), ExchangeBindOk())
            let plane = broker.controlPlane
            let from = plane.bindings(fromExchange: "amq.topic", virtualHost: "/").sorted {
                $0.routingKey < $1.routingKey
            }
            #expect(from.map(\.destination) == ["q", "amq.direct"] && from.map(\.isToQueue) == [true, false])
            let to = plane.bindings(toQueue: "q", virtualHost: "/")
            #expect(to.map(\.source) == ["", "amq.topic"] && to.map(\.routingKey) == ["q", "a.#"])
            #expect(plane.bindings(toExchange: "amq.direct", virtualHost: "/") == [from[1]])
            #expect(plane.bindingCount(ofExchange: "amq.topic", virtualHost: "/") == 2)
            #expect(plane.bindingCount(ofExchange: "", virtualHost: "/") == 1)
            #expect(plane.bindings(fromExchange: "amq.topic", virtualHost: "none").isEmpty)
            let exchanges = plane.exchangeSnapshots(named: plane.exchangeNames(virtualHost: "/"), virtualHost: "/")
            #expect(exchanges.map(\.name).contains("amq.topic") && exchanges.count == 8)
        }
    }
}

extension Conversation {
    /// Of all shards, by name, read in steps of two.
    func allQueues() -> [QueueSnapshot] {
        var queues: [QueueSnapshot] = []
        for shard in shards {
            var next: Int? = 0
            while let start = next {
                let (items, following) = shard.queueSnapshots(from: start, limit: 2)
                queues += items
                next = following
            }
        }
        return queues.sorted { $0.name < $1.name }
    }

    func queue(_ name: ShortString) -> QueueSnapshot? { allQueues().first { $0.name == name } }
}

private func properties(_ set: (inout BasicProperties) -> Void) -> BasicProperties {
    var properties = BasicProperties()
    set(&properties)
    return properties
}
