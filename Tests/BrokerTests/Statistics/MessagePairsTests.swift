import AMQPWire
import Testing

@testable import Broker

/// Counts for pairs of channels, exchanges and queues (`rates_mode = detailed`).
@Suite struct MessagePairsTests {
    private var settings: BrokerSettings {
        var settings = BrokerSettings()
        settings.countsPairs = true
        return settings
    }

    private func sample(_ broker: Conversation) {
        broker.advance(milliseconds: 5000)
        _ = broker.sums(sampling: true)
    }

    @Test func publishesAreCountedFromChannelToExchangeToQueue() throws {
        try converse(shards: 2, settings: settings) { broker in
            let client = broker.connect()
            let other = broker.connect(shard: 1)
            for (name, owner) in [("q", client), ("r", other)] as [(ShortString, ConversationClient)] {
                owner.declare(QueueDeclare(queue: name))
                client.request(QueueBind(queue: name, exchange: "amq.fanout"), QueueBindOk())
            }
            client.request(QueueBind(queue: "q", exchange: "amq.direct", routingKey: "k"), QueueBindOk())
            sample(broker)
            for _ in 0..<5 { client.publish("x", exchange: "amq.fanout", routingKey: "") }
            client.publish("x", exchange: "amq.direct", routingKey: "k")
            other.publish("x", exchange: "amq.fanout", routingKey: "")
            other.publish("x", exchange: "amq.direct", routingKey: "nobody")
            sample(broker)
            let fanout = try #require(broker.pairs(ofExchange: "amq.fanout"))
            #expect(fanout.incoming == ["client1 1": 5, "client2 1": 1] && fanout.outgoing == ["q": 6, "r": 6])
            let direct = try #require(broker.pairs(ofExchange: "amq.direct"))
            #expect(direct.incoming == ["client1 1": 1, "client2 1": 1] && direct.outgoing == ["q": 1])
            let exchange = try #require(
                broker.controlPlane.exchangeSnapshots(named: ["amq.fanout"], virtualHost: "/").first)
            let queues = broker.shards[0].queues(behind: exchange.reference)
            #expect(queues.allSatisfy { $0.activity.rates.publish == 1 } && queues.count == 2)
            let address = try #require(broker.queue("q")).address
            let before = broker.shards[0].exchanges(before: address, virtualHostIndex: 0)
            #expect(Set(before.map(\.name)) == ["amq.fanout", "amq.direct"])
            let pairs = try #require(broker.shards[0].pairs(ofChannel: 1, of: client.address))
            #expect(Set(pairs.publishes.map(\.name)) == ["amq.fanout", "amq.direct"] && pairs.deliveries.isEmpty)
        }
    }

    @Test func deliveriesAndAcksAreCountedFromQueueToChannel() throws {
        try converse(shards: 2, settings: settings) { broker in
            let client = broker.connect()
            let other = broker.connect(shard: 1)
            client.declare(QueueDeclare(queue: "q"))
            other.declare(QueueDeclare(queue: "r"))
            for _ in 0..<4 { client.publish("x", routingKey: "q") }
            client.get(expecting: "x", tag: 1, messageCount: 3)
            client.get(expecting: "x", tag: 2, messageCount: 2, noAck: true)
            client.send(BasicNack(deliveryTag: 1, requeue: true))
            other.consume(BasicConsume(queue: "q", consumerTag: "c"))
            other.expectDeliver("x", tag: 1, redelivered: true)
            other.expectDeliver("x", tag: 2)
            other.expectDeliver("x", tag: 3)
            other.send(BasicAck(deliveryTag: 1))
            other.send(BasicAck(deliveryTag: 3, multiple: true))
            other.openChannel(2)
            other.consume(BasicConsume(queue: "r", consumerTag: "d", noAck: true), channel: 2)
            client.publish("y", routingKey: "r")
            other.expectDeliver("y", tag: 1, consumer: "d", routingKey: "r", channel: 2)
            sample(broker)
            let own = try #require(broker.shards[0].pairs(ofChannel: 1, of: client.address)?.deliveries.first)
            #expect(own.name == "q" && own.activity.counters.get == 1 && own.activity.counters.getNoAck == 1)
            #expect(own.activity.counters.ack == 0 && own.activity.counters.deliverGet == 2)
            let theirs = try #require(broker.shards[1].pairs(ofChannel: 1, of: other.address)?.deliveries.first)
            #expect(theirs.name == "q" && theirs.activity.counters.deliver == 3)
            #expect(theirs.activity.counters.ack == 3 && theirs.activity.counters.redeliver == 1)
            let second = try #require(broker.shards[1].pairs(ofChannel: 2, of: other.address)?.deliveries.first)
            #expect(second.name == "r" && second.activity.counters.deliverNoAck == 1)
            let address = try #require(broker.queue("q")).address
            let takers = broker.shards[1].channels(takingFrom: address, from: 0, limit: 9).items
            #expect(takers.map(\.channelNumber) == [1])
            #expect(broker.shards[1].pairs(ofChannel: 9, of: other.address) == nil)
        }
    }

    @Test func whatIsGoneIsForgotten() throws {
        try converse(settings: settings) { broker in
            let client = broker.connect()
            let declare = ExchangeDeclare(exchange: "x", type: "fanout")
            client.request(declare, ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
            client.publish("m", exchange: "x", routingKey: "")
            sample(broker)
            #expect(broker.pairs(ofExchange: "x")?.outgoing == ["q": 1])
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 1))
            sample(broker)
            #expect(broker.shards[0].virtualHosts[0].outgoing.all(seconds: nil).isEmpty)
            #expect(broker.pairs(ofExchange: "x")?.outgoing == [:])
            // Another of the same name is not this one.
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
            client.request(declare, ExchangeDeclareOk())
            #expect(broker.pairs(ofExchange: "x")?.incoming == [:])
            let pairs = try #require(broker.shards[0].pairs(ofChannel: 1, of: client.address))
            #expect(pairs.publishes.isEmpty)
        }
    }

    @Test func withoutTheSettingNoPairIsCounted() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("x", routingKey: "q")
            client.get(expecting: "x", tag: 1)
            sample(broker)
            #expect(broker.shards[0].virtualHosts[0].outgoing.all(seconds: nil).isEmpty)
            let pairs = try #require(broker.shards[0].pairs(ofChannel: 1, of: client.address))
            #expect(pairs.publishes.isEmpty && pairs.deliveries.isEmpty)
            client.send(BasicAck(deliveryTag: 1))
        }
    }

    @Test func pairsAreBounded() {
        var pairs = MessagePairs<Int>()
        for key in 0..<Limit.messagePairs + 5 { pairs.note(key) { $0.publish += 1 } }
        pairs.note(0) { $0.publish += 1 }
        #expect(pairs.all(seconds: nil).count == Limit.messagePairs)
        #expect(pairs.activity(of: 0, seconds: nil)?.counters.publish == 2)
    }
}

extension Conversation {
    /// Publishes by connection and channel, and by queue; over all shards.
    fileprivate func pairs(ofExchange name: ShortString) -> (incoming: [String: UInt64], outgoing: [String: UInt64])? {
        guard let exchange = controlPlane.exchangeSnapshots(named: [name], virtualHost: "/").first else { return nil }
        var incoming: [String: UInt64] = [:]
        var outgoing: [String: UInt64] = [:]
        for shard in shards {
            for item in shard.channels(publishingTo: exchange.reference, from: 0, limit: 100).items {
                incoming["\(item.connection.peer.name) \(item.channelNumber)"] = item.activity.counters.publish
            }
            for item in shard.queues(behind: exchange.reference) {
                outgoing[item.name.description, default: 0] += item.activity.counters.publish
            }
        }
        return (incoming, outgoing)
    }
}
