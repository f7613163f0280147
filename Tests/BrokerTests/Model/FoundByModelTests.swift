import AMQPWire
import Broker
import Testing

/// What the model has found in the broker, each in a few steps.
@Suite struct FoundByModelTests {
    @Test func aQueueThatNobodyEverUsedExpires() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-expires": .int32(20)]))
            broker.advance(milliseconds: 19)
            #expect(broker.shards[0].inspection.queueCount == 1)
            broker.advance(milliseconds: 1)
            #expect(broker.shards[0].inspection.queueCount == 0)
        }
    }

    @Test func aQueueDoesNotExpireWithItsFirstMessage() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", arguments: ["x-expires": .int32(20), "x-message-ttl": .int32(5)]))
            client.publish("body", routingKey: "q")
            broker.advance(milliseconds: 5)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 0))
        }
    }

    @Test func aLowPriorityIsServedAfterAHighOneIsGone() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-priority": .int32(5)]))
            var urgent = BasicProperties()
            urgent.priority = 3
            client.publish("urgent", routingKey: "q", properties: urgent)
            client.get(expecting: "urgent", tag: 1)
            client.publish("usual", routingKey: "q")
            client.get(expecting: "usual", tag: 2)
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            client.get(expecting: "usual", tag: 3, redelivered: true)
        }
    }

    /// Consumers have credit for all of it, and wait for the journal only.
    @Test(arguments: ["x-message-ttl", "x-max-length"])
    func whatWaitsForTheJournalIsNeitherLateNorTooMuch(argument: String) {
        converseWithJournal { broker, _ in
            let arguments = FieldTable([.init(name: ShortString(truncating: argument), value: .int32(0))])
            let client = broker.durableQueue(arguments: arguments, confirms: false)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...3 { client.store("\(number)") }
            client.expectNothing()
            broker.syncJournal()
            for number in 1...3 { client.expectDeliver("\(number)", tag: UInt64(number)) }
        }
    }

    @Test func whatWaitsForTheJournalLeavesRoomForMore() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(
                arguments: ["x-max-length": .int32(1), "x-overflow": .string("reject-publish")])
            client.request(BasicQos(prefetchCount: 2), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...4 { client.store("\(number)") }
            broker.syncJournal()
            client.expectDeliver("1", tag: 1)
            client.expectDeliver("2", tag: 2)
            client.expect(BasicAck(deliveryTag: 3, multiple: true))
            client.expect(BasicNack(deliveryTag: 4, requeue: false))
        }
    }

    @Test func aTimeToLiveEndsInTheOrderOfTheQueue() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "dead"))
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-message-ttl": .int32(5), "x-dead-letter-exchange": .string(""),
                        "x-dead-letter-routing-key": .string("dead"),
                    ]))
            var short = BasicProperties()
            short.expiration = "5"
            client.publish("1", routingKey: "q")
            client.publish("2", routingKey: "q", properties: short)
            client.publish("3", routingKey: "q")
            broker.advance(milliseconds: 5)
            for number in 1...3 {
                client.get("dead", expecting: "\(number)", tag: UInt64(number), messageCount: UInt32(3 - number))
            }
        }
    }

    @Test func recoverLeavesWhatItHasBroughtItself() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "dead"))
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-delivery-limit": .int32(0), "x-dead-letter-exchange": .string(""),
                        "x-dead-letter-routing-key": .string("dead"),
                    ]))
            client.publish("body", routingKey: "q")
            client.get(expecting: "body", tag: 1)
            client.consume(BasicConsume(queue: "dead", consumerTag: "c"))
            client.send(BasicRecover(requeue: true))
            client.expectDeliver("body", tag: 2, routingKey: "dead")
            client.expect(BasicRecoverOk())
        }
    }

    @Test func aPolicyBeginsTheUnusedTimeAgain() throws {
        try converseWithPolicies { broker, client, set in
            client.declare(QueueDeclare(queue: "q"))
            try set(["expires": .int64(100)])
            broker.advance(milliseconds: 50)
            try set(nil)
            broker.advance(milliseconds: 200)
            try set(["expires": .int64(100)])
            broker.advance(milliseconds: 99)
            #expect(broker.shards[0].inspection.queueCount == 1)
            broker.advance(milliseconds: 1)
            #expect(broker.shards[0].inspection.queueCount == 0)
        }
    }

    @Test func aLimitOfBytesCountsWhatCameBefore() throws {
        try converseWithPolicies { broker, client, set in
            client.declare(QueueDeclare(queue: "q"))
            client.publish("12345", routingKey: "q")
            var properties = BasicProperties()
            properties.expiration = "1000"
            client.publish("678", routingKey: "q", properties: properties)
            try set(["max-length-bytes": .int64(7)])
            client.get(expecting: "678", tag: 1)
        }
    }

    @Test func aMessageLivesAsLongAsItSaysWhenThePolicyIsGone() throws {
        try converseWithPolicies { broker, client, set in
            client.declare(QueueDeclare(queue: "q"))
            try set(["message-ttl": .int64(10)])
            var properties = BasicProperties()
            properties.expiration = "50"
            client.publish("body", routingKey: "q", properties: properties)
            try set(nil)
            broker.advance(milliseconds: 49)
            client.get(expecting: "body", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: true))
            broker.advance(milliseconds: 1)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    private func converseWithPolicies(
        _ body: (Conversation, ConversationClient, (FieldTable?) throws -> Void) throws -> Void
    ) throws {
        let broker = Conversation(shards: 1, settings: BrokerSettings())
        try body(broker, broker.connect()) { definition in
            if let definition {
                try broker.controlPlane.setPolicy(
                    Policy(name: "p", pattern: "^q", target: .queues, priority: 0, definition: definition),
                    virtualHost: "/")
            } else {
                try broker.controlPlane.clearPolicy("p", virtualHost: "/")
            }
            broker.advance(milliseconds: 0)
        }
        broker.end(sourceLocation: #_sourceLocation)
    }

    /// The messages of a restarted queue are not in memory when it is purged.
    @Test func aPurgeForgetsDeduplicationHeaders() {
        let first = SemanticsJournal(shardCount: 1)
        var properties = BasicProperties.persistent
        properties.headers = ["x-deduplication-header": .string("one")]
        converse(journal: first.driven, disk: first.disk) { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(
                    queue: "q", durable: true,
                    arguments: ["x-message-deduplication": .bool(true), "x-max-priority": .int32(1)]))
            client.publish("1", routingKey: "q", properties: properties)
            var urgent = BasicProperties.persistent
            urgent.priority = 1
            client.publish("2", routingKey: "q", properties: urgent)
            first.flush()
        }
        let second = SemanticsJournal(shardCount: 1, log: first.log)
        let broker = Conversation(
            shards: 1, settings: BrokerSettings(), journal: second.driven, disk: second.disk,
            recover: second.recovered.recover)
        let client = broker.connect()
        client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
        client.publish("3", routingKey: "q", properties: properties)
        client.get("q", expecting: "3", tag: 1)
        broker.end(sourceLocation: #_sourceLocation)
    }

    /// As in a queue that only delays messages.
    @Test func aMessageExpiresAfterARestartThoughNobodyConsumes() {
        let first = SemanticsJournal(shardCount: 1)
        converse(journal: first.driven, disk: first.disk) { broker in
            let client = broker.connect()
            for (name, next) in [("delay", "work"), ("work", "nowhere")] {
                client.declare(
                    QueueDeclare(
                        queue: ShortString(truncating: name), durable: true,
                        arguments: [
                            "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(next),
                        ]))
            }
            var properties = BasicProperties.persistent
            properties.expiration = "100"
            client.publish("body", routingKey: "delay", properties: properties)
            first.flush()
        }
        let second = SemanticsJournal(shardCount: 1, log: first.log)
        let broker = Conversation(
            shards: 1, settings: BrokerSettings(), journal: second.driven, disk: second.disk,
            elapsedMilliseconds: 50, recover: second.recovered.recover)
        let client = broker.connect()
        client.request(BasicGet(queue: "work"), BasicGetEmpty())
        broker.advance(milliseconds: 50)
        client.get("work", expecting: "body", tag: 1)
        broker.end(sourceLocation: #_sourceLocation)
    }
}
