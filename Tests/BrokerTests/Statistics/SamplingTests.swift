import AMQPWire
import Broker
import Testing

/// Rates and short histories, by a clock that the test keeps.
@Suite struct SamplingTests {
    /// A shard's clock is set when something happens to it.
    private func sample(_ broker: Conversation) {
        broker.advance(milliseconds: 5000)
        _ = broker.sums(sampling: true)
    }

    @Test func aQueueTellsItsRatesOfTheLatestInterval() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            sample(broker)
            let made = try #require(broker.queue("q"))
            #expect(made.rates == MessageRates() && made.idleSinceMilliseconds == broker.wallMilliseconds - 5000)
            for _ in 0..<10 { client.publish("x", routingKey: "q") }
            client.get(expecting: "x", tag: 1, messageCount: 9)
            #expect(broker.queue("q")?.idleSinceMilliseconds == nil)
            sample(broker)
            var queue = try #require(broker.queue("q"))
            #expect(queue.rates.publish == 2 && queue.rates.get == 0.2 && queue.rates.deliverGet == 0.2)
            #expect(queue.lengthRates.ready == 1.8 && queue.lengthRates.messages == 2)
            #expect(queue.idleSinceMilliseconds == broker.wallMilliseconds)
            client.send(BasicAck(deliveryTag: 1))
            sample(broker)
            queue = try #require(broker.queue("q"))
            #expect(queue.rates.publish == 0 && queue.rates.ack == 0.2 && queue.lengthRates.unacked == -0.2)
            let series = try #require(broker.shards[0].samples(ofQueue: queue.address))
            #expect(series.counters.map(\.publish) == [10, 10, 0] && series.ready == [9, 9, 0])
            #expect(series.unacked == [0, 1, 0] && series.counters.map(\.ack) == [1, 0, 0])
            let now = broker.wallMilliseconds
            #expect(series.milliseconds == [now, now - 5000, now - 10_000])
            for _ in 0..<20 { sample(broker) }
            let still = try #require(broker.shards[0].samples(ofQueue: queue.address))
            #expect(still.counters.map(\.publish) == Array(repeating: 10, count: 13))
            #expect(broker.queue("q")?.idleSinceMilliseconds == now)
            // What was still is not forgotten: the next change counts from there.
            client.publish("x", routingKey: "q")
            sample(broker)
            #expect(broker.queue("q")?.rates.publish == 0.2 && broker.queue("q")?.lengthRates.ready == 0.2)
        }
    }

    @Test func aChannelAndAnExchangeTellTheirRates() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(QueueBind(queue: "q", exchange: "amq.fanout"), QueueBindOk())
            sample(broker)
            for _ in 0..<5 { client.publish("x", exchange: "amq.fanout", routingKey: "") }
            sample(broker)
            let channel = try #require(broker.shards[0].channelSnapshots(of: client.address).first)
            #expect(channel.rates.publish == 1 && channel.idleSinceMilliseconds == broker.wallMilliseconds)
            let series = try #require(broker.shards[0].samples(ofChannel: 1, of: client.address))
            #expect(series.counters.map(\.publish) == [5, 0])
            #expect(broker.shards[0].samples(ofChannel: 9, of: client.address) == nil)
            let plane = broker.controlPlane
            let exchange = try #require(plane.exchangeSnapshots(named: ["amq.fanout"], virtualHost: "/").first)
            #expect(broker.shards[0].exchangeRates(of: [exchange.reference])[0].publishIn == 1)
        }
    }

    @Test func aConnectionTellsHowManyBytesItMoves() throws {
        try converse { broker in
            let client = broker.connect()
            let still = broker.connect(channel: nil)
            sample(broker)
            let (sent, received) = (client.sentBytes.count, client.receivedBytes.count)
            client.declare(QueueDeclare(queue: "q"))
            for _ in 0..<10 { client.publish("x", routingKey: "q") }
            sample(broker)
            let moved = try #require(broker.shards[0].connectionSnapshot(at: client.address))
            #expect(moved.receivedByteRate == Double(client.sentBytes.count - sent) / 5)
            #expect(moved.sentByteRate == Double(client.receivedBytes.count - received) / 5)
            let series = try #require(broker.shards[0].samples(ofConnection: client.address))
            #expect(series.received == [UInt64(client.sentBytes.count), UInt64(sent)])
            #expect(series.sent == [UInt64(client.receivedBytes.count), UInt64(received)])
            let now = broker.wallMilliseconds
            #expect(series.milliseconds == [now, now - 5000])
            let unmoved = try #require(broker.shards[0].connectionSnapshot(at: still.address))
            #expect(unmoved.receivedByteRate == 0 && unmoved.sentByteRate == 0)
            #expect(unmoved.receivedByteCount == UInt64(still.sentBytes.count))
            // What a connection without channels has moved, its virtual host knows too.
            let all = client.sentBytes.count + still.sentBytes.count
            #expect(broker.sums().virtualHosts[0]?.receivedByteCount == UInt64(all))
        }
    }

    @Test func aWalkSumsUpEachVirtualHost() throws {
        try converse(shards: 2) { broker in
            try broker.controlPlane.addVirtualHost("other", creator: "guest")
            let client = broker.connect()
            let other = broker.connect(shard: 1, virtualHost: "other")
            for number in 0..<5 {
                let name = ShortString(truncating: "q\(number)")
                client.declare(QueueDeclare(queue: name))
                client.publish("x", routingKey: name)
            }
            other.declare(QueueDeclare(queue: "q"))
            other.publish("x", routingKey: "q")
            other.publish("x", routingKey: "q")
            other.consume(BasicConsume(queue: "q", consumerTag: "c"))
            other.expectDeliver("x", tag: 1)
            other.expectDeliver("x", tag: 2)
            other.send(BasicAck(deliveryTag: 1))
            let sums = broker.sums()
            let first = try #require(sums.virtualHosts[0])
            let second = try #require(sums.virtualHosts[1])
            #expect(first.readyCount == 5 && first.queueCount == 5 && first.counters.publish == 5)
            #expect(second.unackedCount == 1 && second.consumerCount == 1 && second.counters.ack == 1)
            #expect(second.channelCount == 1 && sums.publisherCount == 2)
            #expect(second.receivedByteCount == UInt64(other.sentBytes.count))
            #expect(second.sentByteCount == UInt64(other.receivedBytes.count))
            #expect(sums.total.queueCount == 6)
            other.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            other.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 0))
        }
    }

    /// However many queues there are, a step looks at so many and goes on where it ended.
    @Test func aWalkOverManyQueuesIsMadeOfShortSteps() {
        converse { broker in
            let client = broker.connect()
            for number in 0..<100 {
                let name = ShortString(truncating: "q\(number)")
                client.declare(QueueDeclare(queue: name, durable: number % 2 == 0))
                if number % 10 == 0 { client.publish("12345", routingKey: name) }
            }
            client.consume(BasicConsume(queue: "amq.rabbitmq.reply-to", consumerTag: "r", noAck: true))
            broker.shards[0].beginSample()
            var (sums, figures) = (ShardSums(), QueueSums())
            var steps: [Int] = []
            var next: Int? = 0
            while let start = next {
                let before = (sums.total.queueCount, figures.queueCount)
                next = broker.shards[0].sampleQueues(from: start, limit: 8, into: &sums)
                #expect(broker.shards[0].addFigures(from: start, limit: 8, to: &figures) == next)
                steps.append(sums.total.queueCount - before.0)
                #expect(figures.queueCount - before.1 == steps.last)
            }
            #expect(steps.count == 13 && steps.allSatisfy { $0 <= 8 })
            #expect(sums.total.queueCount == 100 && sums.total.readyCount == 10)
            #expect(figures.queueCount == 100 && figures.figures.readyByteCount == 50)
            #expect(broker.allQueues().map(\.figures).reduce(QueueFigures(), +) == figures.figures)
        }
    }

    /// Only a sample is one: who asks in between changes nothing.
    @Test func sumsInBetweenAreNoSamples() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            sample(broker)
            client.publish("x", routingKey: "q")
            client.expectDeliver("x", tag: 1)
            sample(broker)
            let before = try #require(broker.queue("q"))
            for _ in 0..<5 { _ = broker.sums() }
            let after = try #require(broker.queue("q"))
            #expect(before.figures == after.figures && before.rates == after.rates && before.rates.publish == 0.2)
            client.send(BasicAck(deliveryTag: 1))
        }
    }

    @Test func aConsumerThatIsFullLowersTheCapacity() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            #expect(broker.queue("q")?.consumerCapacity == 0)
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            sample(broker)
            #expect(broker.queue("q")?.consumerCapacity == 1)
            client.publish("x", routingKey: "q")
            client.expectDeliver("x", tag: 1)
            sample(broker)
            let capacity = try #require(broker.queue("q")).consumerCapacity
            #expect(abs(capacity - 0.8) < 0.001)
            client.send(BasicAck(deliveryTag: 1))
        }
    }
}
