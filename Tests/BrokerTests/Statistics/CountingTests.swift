import AMQPWire
import Broker
import Testing

/// Every counter is exactly what a client did and got.
@Suite struct CountingTests {
    @Test(arguments: [0, 1]) func aQueueCountsWhatItTakesAndGives(shard: Int) throws {
        try converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: shard)
            for body in ["1", "2", "3", "4", "5", "6", "7"] { client.publish(body, routingKey: "q") }
            client.get(expecting: "1", tag: 1, messageCount: 6)
            client.get(expecting: "2", tag: 2, messageCount: 5, noAck: true)
            client.request(BasicQos(prefetchCount: 3), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for (tag, body) in [(3, "3"), (4, "4"), (5, "5")] { client.expectDeliver(body, tag: UInt64(tag)) }
            client.send(BasicAck(deliveryTag: 3, multiple: true))
            client.expectDeliver("6", tag: 6)
            client.send(BasicReject(deliveryTag: 4, requeue: true))
            client.expectDeliver("4", tag: 7, redelivered: true)
            client.send(BasicReject(deliveryTag: 5, requeue: false))
            client.expectDeliver("7", tag: 8)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            var expected = MessageCounters()
            expected.publish = 7
            expected.get = 1
            expected.getNoAck = 1
            expected.getEmpty = 1
            expected.deliver = 6
            expected.redeliver = 1
            expected.ack = 2
            let queue = try #require(broker.queue("q"))
            #expect(queue.counters == expected && queue.unackedCount == 3 && queue.readyCount == 0)
            let channel = try #require(broker.shards[shard].channelSnapshots(of: client.address).first)
            #expect(channel.counters == expected && channel.unackedCount == 3)
            #expect(broker.shards[shard].connectionSnapshot(at: client.address)?.counters == expected)
            #expect(broker.totals.messages == expected && broker.totals.routed == 7)
            expected.publish = 0
            #expect(broker.totals.classic == expected && broker.totals.quorum == MessageCounters())
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            client.close()
            expected.publish = 7
            expected.ack = 5
            #expect(broker.totals.messages == expected && broker.sums().total.counters == expected)
            #expect(broker.queue("q")?.counters == expected)
        }
    }

    /// Of the queue's shard: no message is waiting, and nothing is counted twice, when its consumer is gone.
    @Test func aDeliveryWithoutAcksThatNobodyGotIsNotCounted() throws {
        try converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: 1)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            owner.publish("1", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            broker.holdsMail = true
            owner.publish("2", routingKey: "q")
            client.endSocket()
            broker.holdsMail = false
            broker.settle()
            let queue = try #require(broker.queue("q"))
            #expect(queue.counters.deliverNoAck == 1 && queue.counters.publish == 2 && queue.readyCount == 1)
            #expect(broker.totals.messages.deliverNoAck == 1)
            owner.get(expecting: "2", tag: 1, messageCount: 0, redelivered: true, noAck: true)
            #expect(broker.queue("q")?.counters.redeliver == 1)
        }
    }

    @Test func publishersAreCountedByWhatBecameOfTheirMessages() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "full",
                    arguments: [
                        "x-max-length": .int32(1), "x-overflow": .string("reject-publish"),
                    ]))
            client.publish("x", routingKey: "nobody")
            client.publish("y", routingKey: "nobody", mandatory: true)
            client.expectReturn("y", routingKey: "nobody")
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("1", routingKey: "full")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("2", routingKey: "full")
            client.expect(BasicNack(deliveryTag: 2, requeue: false))
            client.publish(String(repeating: "z", count: 101), routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 3))
            var expected = MessageCounters()
            expected.publish = 5
            expected.dropUnroutable = 2
            expected.returnUnroutable = 1
            expected.confirm = 2
            let channel = try #require(broker.shards[0].channelSnapshots(of: client.address).first)
            #expect(channel.counters == expected && channel.unconfirmedCount == 0)
            let totals = broker.totals
            #expect(totals.messages == expected && totals.publishConfirm == 3 && totals.routed == 2)
            #expect(totals.sizes.byteCount == 105)
            #expect(totals.sizes.cumulativeCounts(of: totals.messages.publish) == [4, 5, 5, 5, 5, 5, 5, 5, 5])
            #expect(broker.queue("full")?.counters.publish == 1)
        }
    }

    @Test func anExchangeCountsWhatComesInAndGoesOut() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            for name in ["a", "b"] as [ShortString] {
                client.declare(QueueDeclare(queue: name))
                client.request(QueueBind(queue: name, exchange: "amq.fanout"), QueueBindOk())
            }
            client.request(QueueBind(queue: "a", exchange: "amq.topic", routingKey: "k.*"), QueueBindOk())
            let other = broker.connect(shard: 1)
            for _ in 0..<3 { client.publish("x", exchange: "amq.fanout", routingKey: "") }
            client.publish("x", exchange: "amq.topic", routingKey: "k.1")
            client.publish("x", exchange: "amq.topic", routingKey: "none")
            client.publish("x", exchange: "amq.topic", routingKey: "k.2")
            for _ in 0..<2 { other.publish("x", exchange: "amq.fanout", routingKey: "") }
            other.publish("x", routingKey: "a")
            #expect(broker.exchange("amq.fanout") == counters(5, 10))
            #expect(broker.exchange("amq.topic") == counters(3, 2))
            #expect(broker.exchange("") == counters(1, 1))
            // A route that changes is counted as it was.
            client.publish("x", exchange: "amq.fanout", routingKey: "")
            client.request(QueueUnbind(queue: "b", exchange: "amq.fanout"), QueueUnbindOk())
            client.publish("x", exchange: "amq.fanout", routingKey: "")
            #expect(broker.exchange("amq.fanout") == counters(7, 13))
            // Another exchange may have the place of one that is gone.
            client.request(ExchangeDeclare(exchange: "e", type: "fanout"), ExchangeDeclareOk())
            client.publish("x", exchange: "e", routingKey: "")
            client.request(ExchangeDelete(exchange: "e"), ExchangeDeleteOk())
            client.request(ExchangeDeclare(exchange: "f", type: "fanout"), ExchangeDeclareOk())
            #expect(broker.exchange("f") == counters(0, 0))
            client.request(ExchangeDelete(exchange: "f"), ExchangeDeleteOk())
        }
    }

    @Test func aTransactionCountsWhenItIsCommitted() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("0", routingKey: "q")
            client.request(TxSelect(), TxSelectOk())
            client.get(expecting: "0", tag: 1, messageCount: 0)
            client.publish("1", exchange: "amq.fanout", routingKey: "")
            client.publish("2", routingKey: "q")
            client.send(BasicAck(deliveryTag: 1))
            var channel = try #require(broker.shards[0].channelSnapshots(of: client.address).first)
            #expect(channel.isTransactional && channel.uncommittedCount == 2 && channel.uncommittedAckCount == 1)
            #expect(channel.counters.publish == 1 && channel.counters.ack == 0)
            client.request(TxCommit(), TxCommitOk())
            channel = try #require(broker.shards[0].channelSnapshots(of: client.address).first)
            #expect(channel.counters.publish == 3 && channel.counters.ack == 1 && channel.uncommittedCount == 0)
            #expect(channel.counters.dropUnroutable == 1)
            #expect(broker.exchange("") == counters(2, 2) && broker.exchange("amq.fanout") == counters(1, 0))
            #expect(broker.queue("q")?.counters.ack == 1)
        }
    }

    @Test func whatIsDeadLetteredIsPublishedToItsNextQueueButByNoClient() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("dead")]))
            client.publish("1", routingKey: "q")
            client.get(expecting: "1", tag: 1, messageCount: 0)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(broker.queue("q")?.counters.ack == 0 && broker.queue("q")?.counters.get == 1)
            #expect(broker.queue("dead")?.counters.publish == 1 && broker.queue("dead")?.readyCount == 1)
            #expect(broker.totals.messages.publish == 1 && broker.exchange("") == counters(1, 1))
        }
    }

    @Test func objectsAreCountedAsTheyComeAndGo() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "amq.rabbitmq.reply-to", consumerTag: "r", noAck: true))
            client.openChannel(2)
            client.closeChannel(1)
            client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 0), channel: 2)
            let totals = broker.totals
            #expect(totals.queuesDeclared == 2 && totals.queuesCreated == 1 && totals.queuesDeleted == 1)
            #expect(totals.channelsOpened == 2 && totals.channelsClosed == 1 && totals.connectionsOpened == 1)
            let counts = broker.controlPlane.objectCounts
            #expect(counts.exchanges == 8 && counts.queues == 0 && counts.connections == 1)
        }
    }
}

private func counters(_ publishIn: UInt64, _ publishOut: UInt64) -> ExchangeCounters {
    var counters = ExchangeCounters()
    counters.publishIn = publishIn
    counters.publishOut = publishOut
    return counters
}

extension Conversation {
    var totals: ShardStatistics { shards.map(\.allStatistics).reduce(ShardStatistics(), +) }

    /// Walks everywhere, in steps of two.
    func sums(sampling: Bool = false) -> ShardSums {
        var sums = ShardSums()
        for shard in shards {
            var next: Int? = 0
            if sampling {
                shard.beginSample()
                while let start = next { next = shard.sampleConnections(from: start, limit: 2) }
                next = 0
            }
            while let start = next {
                next =
                    sampling
                    ? shard.sampleQueues(from: start, limit: 2, into: &sums)
                    : shard.sumQueues(from: start, limit: 2, into: &sums)
            }
            next = 0
            while let start = next {
                next =
                    sampling
                    ? shard.sampleChannels(from: start, limit: 2, into: &sums)
                    : shard.sumChannels(from: start, limit: 2, into: &sums)
            }
            shard.addVirtualHostCounters(to: &sums)
        }
        return sums
    }

    func exchange(_ name: ShortString) -> ExchangeCounters? {
        _ = sums()
        guard let exchange = controlPlane.exchangeSnapshots(named: [name], virtualHost: "/").first else { return nil }
        return shards.map { $0.exchangeCounters(of: [exchange.reference])[0] }.reduce(ExchangeCounters(), +)
    }
}
