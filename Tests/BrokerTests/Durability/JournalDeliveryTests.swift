import AMQPWire
import Broker
import Testing

/// What waits for a delivery mark, and what does not.
@Suite struct JournalDeliveryTests {
    @Test(arguments: [0, 1]) func aDeliveryWaitsForTheFirstMarkAndNoMore(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(confirms: false)
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            owner.store("one")
            owner.store("two")
            let records = journal.takeRecords(0)
            #expect(records == ["message 0:1 of [1]: one", "mark of 1 in lane 0", "message 0:2 of [1]: two"])
            client.expectNothing()
            broker.writeJournal()
            client.expectNothing()
            broker.syncJournal()
            client.expectDeliver("one", tag: 1)
            client.expectDeliver("two", tag: 2)
            for number in 3...500 {
                owner.store("\(number)")
                client.expectDeliver("\(number)", tag: UInt64(number))
            }
            #expect(!journal.takeRecords(0).contains("mark of 1 in lane 0"))
        }
    }

    @Test func whatIsTransientDoesNotWait() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            client.declare(QueueDeclare(queue: "transient"))
            client.declare(QueueDeclare(queue: "cache", durable: false, arguments: ["x-durability": .string("sync")]))
            for name in ["q", "transient", "cache"] as [ShortString] {
                client.consume(BasicConsume(queue: name, consumerTag: name))
            }
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1, consumer: "q")
            client.store("two", routingKey: "transient")
            client.expectDeliver("two", tag: 2, consumer: "transient", routingKey: "transient")
            client.store("three", routingKey: "cache")
            client.expectDeliver("three", tag: 3, consumer: "cache", routingKey: "cache")
            #expect(journal.takeRecords(0) == [])
        }
    }

    /// What nobody acks cannot be redelivered.
    @Test(arguments: [0, 1]) func whoDoesNotAckDoesNotWait(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(confirms: false)
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            owner.store("one")
            client.expectDeliver("one", tag: 1)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            owner.store("two")
            client.get(expecting: "two", tag: 2, noAck: true)
            let published = journal.takeRecords(0)
            let settled = shard == 0 ? published : journal.takeRecords(1)
            #expect(published.filter { $0.hasPrefix("message") }.count == 2)
            #expect(settled.filter { $0.hasPrefix("settled") } == ["settled 0:1 of 1", "settled 0:2 of 1"])
            #expect(!published.contains { $0.hasPrefix("mark") })
        }
    }

    @Test(arguments: [0, 1]) func aGetWaitsForTheFirstMarkToo(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(confirms: false)
            owner.store("one")
            owner.store("two")
            let client = broker.connect(shard: shard)
            client.openChannel(2)
            client.send(BasicGet(queue: "q"))
            client.send(BasicGet(queue: "q"), channel: 2)
            client.publish("behind it", routingKey: "nobody", mandatory: true)
            client.expectNothing()
            broker.syncJournal(lanes: [0])
            #expect(journal.takeRecords(0).filter { $0.hasPrefix("mark") } == ["mark of 1 in lane 0"])
            let received = client.takeAll()
            #expect(received.count == 3)
            #expect(
                received.contains(
                    .method(
                        .basicGetOk(BasicGetOk(deliveryTag: 1, routingKey: "q", messageCount: 1)), channel: 1,
                        Content(properties: .persistent, body: Array("one".utf8)))))
            #expect(
                received.contains(
                    .method(
                        .basicGetOk(BasicGetOk(deliveryTag: 1, routingKey: "q")), channel: 2,
                        Content(properties: .persistent, body: Array("two".utf8)))))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// A get that waits is answered when what it waits for goes another way.
    @Test(arguments: ["purge", "consume", "delete", "get"]) func aGetThatWaitsIsAnswered(how: String) {
        converseWithJournal { broker, _ in
            let owner = broker.durableQueue(confirms: false)
            owner.store("one")
            let client = broker.connect()
            client.send(BasicGet(queue: "q"))
            client.expectNothing()
            switch how {
            case "purge":
                owner.send(QueuePurge(queue: "q"))
                client.expect(BasicGetEmpty())
                broker.syncJournal()
                owner.expect(QueuePurgeOk(messageCount: 1))
            case "consume":
                owner.send(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
                owner.expect(BasicConsumeOk(consumerTag: "c"))
                owner.expectDeliver("one", tag: 1)
                client.expect(BasicGetEmpty())
            case "delete":
                owner.send(QueueDelete(queue: "q"))
                client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: BasicGet.self)
                broker.syncJournal()
                owner.expect(QueueDeleteOk(messageCount: 1))
            default:
                owner.send(BasicGet(queue: "q", noAck: true))
                broker.syncJournal()
                client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: Array("one".utf8))
                owner.expect(BasicGetEmpty())
            }
            broker.syncJournal()
        }
    }

    @Test(arguments: [0, 1]) func whatIsGotForAChannelThatHasEndedGoesBack(shard: Int) {
        converseWithJournal(shards: 2) { broker, _ in
            let owner = broker.durableQueue(confirms: false)
            for body in ["one", "two"] { owner.store(body) }
            let client = broker.connect(shard: shard)
            client.send(BasicGet(queue: "q"))
            let other = broker.connect(shard: shard)
            other.send(BasicGet(queue: "q"))
            client.endSocket()
            broker.syncJournal()
            let got = other.takeAll()
            guard got.count == 1, case .method(.basicGetOk(let answer), _, let content) = got[0] else {
                Issue.record("got \(got)")
                return
            }
            // On another shard the first may be on its way back still.
            #expect([0, 1].contains(answer.messageCount))
            #expect(content?.body == Array("one".utf8) || content?.body == Array("two".utf8))
            other.send(BasicNack(deliveryTag: 1, requeue: true))
            owner.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 2, consumerCount: 0))
        }
    }

    /// A queue with two consumers, of which one acks: the mark is waited for, and then both get their turn.
    @Test func aQueueThatWaitsForItsMarkGoesOnForAll() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(confirms: false)
            client.consume(BasicConsume(queue: "q", consumerTag: "acks"))
            client.consume(BasicConsume(queue: "q", consumerTag: "does not", noAck: true))
            for number in 1...6 { client.store("\(number)") }
            broker.syncJournal()
            let received = client.takeAll()
            let bodies = received.compactMap { item -> String? in
                guard case .method(.basicDeliver, _, let content?) = item else { return nil }
                return String(decoding: content.body, as: UTF8.self)
            }
            #expect(bodies == ["1", "2", "3", "4", "5", "6"])
        }
    }

    /// It came back from a channel that does not ack, so there is no mark: the next who gets it and acks needs one.
    @Test func whatComesBackWithoutAMarkIsMarkedFirst() {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(confirms: false)
            let client = broker.connect(shard: 1)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            broker.holdsMail = true
            owner.store("one")
            client.endSocket()
            broker.holdsMail = false
            broker.settle()
            #expect(!journal.takeRecords(0).contains { $0.hasPrefix("mark") })
            owner.send(BasicGet(queue: "q"))
            owner.expectNothing()
            #expect(journal.takeRecords(0) == ["mark of 1 in lane 0"])
            broker.syncJournal()
            owner.expectContent(
                BasicGetOk(deliveryTag: 1, redelivered: true, routingKey: "q"), body: Array("one".utf8))
        }
    }

    /// Marks are of the queue, by lane: messages of another shard's publishers need their own.
    @Test func messagesOfAnotherLaneNeedAMarkOfTheirOwn() {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(confirms: false)
            let publisher = broker.connect(shard: 1)
            owner.consume(BasicConsume(queue: "q", consumerTag: "c"))
            publisher.store("one")
            #expect(journal.takeRecords(0) == ["mark of 1 in lane 1"])
            broker.syncJournal()
            owner.expectDeliver("one", tag: 1)
            owner.publish("two", routingKey: "q", properties: .persistent)
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: two", "mark of 1 in lane 0"])
            publisher.store("three")
            owner.expectNothing()
            broker.syncJournal()
            owner.expectDeliver("two", tag: 2)
            owner.expectDeliver("three", tag: 3)
        }
    }

    @Test func aConsumerThatGoesWhileItsQueueWaitsLeavesItsTurn() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(confirms: false)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.store("one")
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            broker.syncJournal()
            client.expectNothing()
            client.consume(BasicConsume(queue: "q", consumerTag: "d"))
            client.expectDeliver("one", tag: 1, consumer: "d")
        }
    }

    @Test func aDeletedQueueIsNotWaitedFor() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(confirms: false)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.store("one")
            client.send(QueueDelete(queue: "q"))
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.expectNothing()
            broker.syncJournal()
            client.expect(QueueDeleteOk(messageCount: 1))
        }
    }
}
