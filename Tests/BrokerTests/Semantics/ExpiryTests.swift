import AMQPWire
import Testing

@testable import Broker

extension BasicProperties {
    static func expiring(_ milliseconds: Int, deliveryMode: UInt8? = nil) -> BasicProperties {
        var properties = BasicProperties()
        properties.expiration = ShortString(truncating: "\(milliseconds)")
        properties.deliveryMode = deliveryMode
        return properties
    }

    static func prioritised(_ priority: UInt8) -> BasicProperties {
        var properties = BasicProperties()
        properties.priority = priority
        return properties
    }
}

extension ConversationClient {
    /// What the queue says it has.
    func expectCounts(
        _ queue: ShortString = "q", messages: UInt32, consumers: UInt32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        request(
            QueueDeclare(queue: queue, passive: true),
            QueueDeclareOk(queue: queue, messageCount: messages, consumerCount: consumers),
            sourceLocation: sourceLocation)
    }

    /// The bodies that basic.get takes, up to the end of the queue.
    func drain(_ queue: ShortString = "q") -> [String] {
        drainContent(queue).map(\.body)
    }

    func drainContent(_ queue: ShortString = "q") -> [(body: String, properties: BasicProperties)] {
        var found: [(String, BasicProperties)] = []
        while true {
            send(BasicGet(queue: queue, noAck: true))
            guard case .method(.basicGetOk, _, let content?)? = takeAll().first else { return found }
            found.append((String(decoding: content.body, as: UTF8.self), content.properties))
        }
    }
}

/// x-message-ttl, expiration and x-expires (amqp-behaviour 1.4).
@Suite struct ExpiryTests {
    private let dead: FieldTable = ["x-dead-letter-exchange": .string("amq.fanout")]

    @Test(arguments: [0, 1]) func aMessageExpiresOnItsMillisecond(shard: Int) {
        converse(shards: 2) { broker in
            let client = broker.connect(shard: shard)
            client.declare(QueueDeclare(queue: "q", arguments: ["x-message-ttl": .int32(1000)]))
            client.publish("one", routingKey: "q")
            broker.advance(milliseconds: 400)
            client.publish("two", routingKey: "q")
            broker.advance(milliseconds: 599)
            client.expectCounts(messages: 2)
            broker.advance(milliseconds: 1)
            client.expectCounts(messages: 1)
            #expect(broker.shards[shard].nextDeadlineMilliseconds == broker.wallMilliseconds + 400)
            broker.advance(milliseconds: 400)
            client.expectCounts(messages: 0)
        }
    }

    @Test func theShorterTimeToLiveCounts() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-message-ttl": .int64(500)]))
            client.publish("queue", routingKey: "q", properties: .expiring(900))
            client.publish("own", routingKey: "q", properties: .expiring(100))
            broker.advance(milliseconds: 100)
            #expect(client.drain() == ["queue"])
            client.publish("queue", routingKey: "q", properties: .expiring(900))
            broker.advance(milliseconds: 500)
            #expect(client.drain() == [])
        }
    }

    /// RabbitMQ's users' pain: there an expired message waits behind one that lives.
    @Test func aMessageExpiresBehindOneThatLives() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(QueueDeclare(queue: "q", arguments: dead))
            for number in 0..<200 {
                client.publish(
                    "\(number)", routingKey: "q", properties: number % 3 == 1 ? .expiring(200 - number) : .init())
            }
            broker.advance(milliseconds: 200)
            #expect(client.drain() == (0..<200).filter { $0 % 3 != 1 }.map { "\($0)" })
            let expired = (0..<200).filter { $0 % 3 == 1 }.map { "\($0)" }
            #expect(client.drain("dead").sorted() == expired.sorted())
        }
    }

    @Test func withATimeToLiveOfZeroOnlyAWaitingConsumerGetsIt() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-message-ttl": .int32(0)]))
            client.publish("nobody", routingKey: "q")
            client.expectCounts(messages: 0)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            client.publish("somebody", routingKey: "q")
            client.expectDeliver("somebody", tag: 1)
        }
    }

    /// The first delivery of a durable queue to somebody who acks waits for the journal: it is not late for that.
    @Test func whatWaitsForTheJournalAloneIsNotLate() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(arguments: ["x-message-ttl": .int32(0)], confirms: false)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.store("now")
            client.expectNothing()
            broker.advance(milliseconds: 20)
            broker.syncJournal()
            client.expectDeliver("now", tag: 1)
        }
    }

    @Test func anUnackedMessageExpiresWhenItComesBack() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(QueueDeclare(queue: "q", arguments: dead))
            client.publish("own", routingKey: "q", properties: .expiring(100))
            client.get(expecting: "own", tag: 1)
            broker.advance(milliseconds: 500)
            client.expectCounts("dead", messages: 0)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            client.expectCounts(messages: 0)
            #expect(client.drain("dead") == ["own"])
        }
    }

    @Test func anExpiredMessageTellsOfItsExpiration() throws {
        try converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(QueueDeclare(queue: "q", arguments: dead))
            client.publish("x", routingKey: "q", properties: .expiring(100))
            broker.advance(milliseconds: 100)
            let (_, properties) = try #require(client.drainContent("dead").first)
            #expect(properties.expiration == nil)
            guard case .array(let deaths)? = properties.headers?["x-death"], case .table(let death)? = deaths.first
            else { throw Missing() }
            #expect(death["reason"] == .string("expired"))
            #expect(death["original-expiration"] == .string("100"))
            #expect(death["queue"] == .string("q"))
        }
    }

    private struct Missing: Error {}

    @Test(arguments: [
        ("abc", "no_integer"), ("", "no_integer"), ("12x", "{leftover_string,\"x\"}"), ("-5", "{value_negative,-5}"),
        ("315360000001", "{value_too_large,315360000001}"),
        ("99999999999999999999999", "{value_too_large,99999999999999999999999}"),
    ])
    func aBadExpirationClosesTheChannel(expiration: String, reason: String) {
        converse { broker in
            let client = broker.connect()
            var properties = BasicProperties()
            properties.expiration = ShortString(truncating: expiration)
            client.publish("x", routingKey: "q", properties: properties)
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - invalid expiration '\(expiration)': \(reason)", of: BasicPublish.self)
        }
    }

    // MARK: x-expires

    @Test func aQueueThatNobodyUsesGoes() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-expires": .int32(1000)]))
            client.publish("x", routingKey: "q")
            broker.advance(milliseconds: 999)
            client.expectCounts(messages: 1)
            // That was a use.
            broker.advance(milliseconds: 999)
            client.get(expecting: "x", tag: 1, noAck: true)
            broker.advance(milliseconds: 1000)
            client.send(QueueDeclare(queue: "q", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func aQueueWithAConsumerStaysUntilTheConsumerHasLeft() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-expires": .int32(1000)]))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.advance(milliseconds: 5000)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            broker.advance(milliseconds: 900)
            client.expectCounts(messages: 0)
            broker.advance(milliseconds: 1000)
            client.send(QueueDeclare(queue: "q", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func messagesOfAnExpiredQueueAreNotDeadLettered() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: ["x-expires": .int32(100), "x-dead-letter-exchange": .string("amq.fanout")]))
            client.publish("x", routingKey: "q")
            broker.advance(milliseconds: 100)
            client.expectCounts("dead", messages: 0)
        }
    }
}
