import AMQPWire
import Routing
import Testing

@testable import Broker

/// What queues with extras keep and do stays in proportion to what they hold.
@Suite struct BoundedExtrasTests {
    private static let tenYears = 315_360_000_000

    private func queue(_ broker: Conversation) throws -> UnsafeMutablePointer<QueueState> {
        let shard = broker.shards[0]
        return try #require(
            shard.queues.occupiedSlots().compactMap { shard.queues[$0] }.first { $0.pointee.name == "q" })
    }

    @Test func deadlinesOfMessagesThatAreGoneAreForgotten() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("stays", routingKey: "q", properties: .expiring(Self.tenYears))
            for _ in 0..<40 {
                for _ in 0..<100 { client.publish("goes", routingKey: "q", properties: .expiring(Self.tenYears - 1)) }
                client.send(QueuePurge(queue: "q"))
                _ = client.expect(QueuePurgeOk.self)
            }
            client.publish("last", routingKey: "q", properties: .expiring(1000))
            let extras = try #require(try queue(broker).pointee.extras)
            #expect(extras.pointee.expirations.count <= 2048)
            broker.advance(milliseconds: 1000)
            client.expectCounts(messages: 0)
        }
    }

    @Test func aMessageThatComesBackAgainAndAgainHasOneDeadline() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("x", routingKey: "q", properties: .expiring(60_000))
            for tag in 1...3000 as ClosedRange<UInt64> {
                client.send(BasicGet(queue: "q"))
                client.send(BasicReject(deliveryTag: tag, requeue: true))
            }
            _ = client.takeAll()
            let extras = try #require(try queue(broker).pointee.extras)
            #expect(extras.pointee.expirations.count <= 2048)
            broker.advance(milliseconds: 59_999)
            client.expectCounts(messages: 1)
            broker.advance(milliseconds: 1)
            client.expectCounts(messages: 0)
        }
    }

    @Test func deadlinesOfQueuesThatAreGoneAreForgotten() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-expires": .int64(5000)]))
            for _ in 0..<3000 {
                client.declare(QueueDeclare(queue: "r", arguments: ["x-expires": .int64(Int64(Self.tenYears))]))
                client.send(QueueDelete(queue: "r"))
                client.expect(QueueDeleteOk(messageCount: 0))
            }
            #expect(broker.shards[0].deadlines.count <= 2048)
            #expect(broker.shards[0].nextDeadlineMilliseconds == broker.wallMilliseconds + 5000)
        }
    }

    @Test(arguments: [false, true]) func whatWasRequeuedExpiresInTheOrderOfItsTimes(hasPriorities: Bool) {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            var arguments: FieldTable = ["x-dead-letter-exchange": .string("amq.fanout")]
            if hasPriorities { arguments["x-max-priority"] = .int32(3) }
            client.declare(QueueDeclare(queue: "q", arguments: arguments))
            for number in 0..<300 {
                var properties = number % 5 == 0 ? BasicProperties() : .expiring(1000 - number)
                properties.priority = UInt8(number % 4)
                client.publish("\(number)", routingKey: "q", properties: properties)
            }
            for _ in 0..<200 { client.send(BasicGet(queue: "q")) }
            _ = client.takeAll()
            client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: true))
            broker.advance(milliseconds: 1000)
            client.expectCounts(messages: 60)
            #expect(client.drain("dead") == (0..<300).reversed().filter { $0 % 5 != 0 }.map { "\($0)" })
            let left = (0..<300).filter { $0 % 5 == 0 }
            let inOrder = hasPriorities ? (0..<4).reversed().flatMap { level in left.filter { $0 % 4 == level } } : left
            #expect(client.drain() == inOrder.map { "\($0)" })
        }
    }

    @Test func timesOfSettledDeliveriesAreForgottenBehindOneThatIsKept() {
        var unacked = UnackedRing()
        var consumer = TimedConsumer(timeoutMilliseconds: 1000)
        defer {
            unacked.deallocate()
            consumer.deallocate()
        }
        for tag in 1...10_000 as ClosedRange<UInt64> {
            unacked.append(
                UnackedDelivery(
                    tag: tag, queue: QueueAddress(shard: 0, slot: 0, generation: 0),
                    entry: QueueEntry(message: fakeMessage(1), place: tag), consumer: .none))
            consumer.note(tag: tag, now: tag, unacked: unacked)
            if tag != 1, tag != 5000 { _ = unacked.take(tag) }
        }
        func isOver(_ now: UInt64) -> Bool { consumer.isOver(now: now, unacked: unacked) }
        #expect(consumer.count <= 128)
        #expect(!isOver(1000))
        #expect(isOver(1001))
        _ = unacked.take(1)
        #expect(!isOver(5999))
        #expect(isOver(6000))
    }

    @Test func timesOfForgottenHeadersAreForgotten() {
        var cache = DeduplicationCache(DeduplicationSettings(size: 10))
        for number in 0..<10_000 {
            _ = cache.insert(Array("\(number)".utf8), expiresMilliseconds: 1 << 40, journalID: 0, now: 0)
        }
        #expect(cache.count == 10 && cache.expiryCount <= 2048)
        #expect(cache.contains(Array("9990".utf8), now: 0) && !cache.contains(Array("9989".utf8), now: 0))
    }

    /// They are counted apart.
    @Test func aLimitOfBytesThatComesLateCountsDelayedMessagesOnce() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: [
                        "x-queue-type": .string("quorum"), "x-delayed-retry-type": .string("all"),
                        "x-delayed-retry-min": .int64(5000),
                    ]))
            client.publish("1234567890", routingKey: "q")
            client.get(expecting: "1234567890", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            let policy = Policy(
                name: "p", pattern: "^q$", target: .all, priority: 0, definition: ["max-length-bytes": .int64(25)])
            try broker.controlPlane.setPolicy(policy, virtualHost: "/")
            broker.advance(milliseconds: 1000)
            client.publish("abcdefghij", routingKey: "q")
            client.expectCounts(messages: 1)
            broker.advance(milliseconds: 5000)
            client.publish("abcde", routingKey: "q")
            client.expectCounts(messages: 3)
        }
    }
}
