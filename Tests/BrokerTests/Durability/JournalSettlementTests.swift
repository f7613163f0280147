import AMQPWire
import Broker
import Testing

/// What the end of a message in a queue makes the lanes say: exactly that, once, in the right lane.
@Suite struct JournalSettlementTests {
    /// Two messages in `q` of shard 0, delivered to a client without any record left to read.
    private func withDelivered(
        shard: Int = 0, queue arguments: FieldTable = FieldTable(),
        _ body: (
            _ broker: Conversation, _ journal: DrivenJournal, _ owner: ConversationClient, _ client: ConversationClient
        ) -> Void
    ) {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue(arguments: arguments, confirms: false)
            for body in ["one", "two"] { owner.store(body) }
            let client = broker.connect(shard: shard)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.syncJournal()
            client.expectDeliver("one", tag: 1)
            client.expectDeliver("two", tag: 2)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            #expect(
                journal.takeRecords(0).filter { !$0.hasPrefix("mark") }
                    == ["message 0:1 of [1]: one", "message 0:2 of [1]: two"])
            body(broker, journal, owner, client)
            #expect(journal.takeRecords(0) == [])
            #expect(journal.takeRecords(1) == [])
        }
    }

    @Test(arguments: [0, 1]) func anAckIsInItsConnectionsLaneBeforeWhatItPublishesNext(shard: Int) {
        withDelivered(shard: shard) { broker, journal, _, client in
            broker.holdsMail = true
            client.send(BasicAck(deliveryTag: 2))
            client.store("three")
            client.send(BasicAck(deliveryTag: 1))
            let published = shard == 0 ? "message 0:3 of [1]: three" : "message 1:1 of [1]: three"
            #expect(journal.takeRecords(shard) == ["settled 0:2 of 1", published, "settled 0:1 of 1"])
        }
    }

    @Test(arguments: [0, 1]) func oneAckOfManySettlesEach(shard: Int) {
        withDelivered(shard: shard) { _, journal, _, client in
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            #expect(journal.takeRecords(shard) == ["settled 0:1 of 1", "settled 0:2 of 1"])
        }
    }

    /// It is no change: the mark says already that they may be redelivered.
    @Test(arguments: [0, 1]) func whatIsRequeuedLeavesNoRecord(shard: Int) {
        withDelivered(shard: shard) { broker, journal, owner, client in
            client.send(BasicNack(deliveryTag: 1, requeue: true))
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            owner.get(expecting: "one", tag: 1, messageCount: 1, redelivered: true)
            owner.request(BasicRecover(requeue: true), BasicRecoverOk())
            owner.get(expecting: "one", tag: 2, messageCount: 1, redelivered: true)
            owner.closeChannel()
            owner.openChannel(1)
            owner.get(expecting: "one", tag: 1, messageCount: 1, redelivered: true)
            owner.endSocket()
        }
    }

    @Test(arguments: [0, 1]) func whatIsRejectedIsSettledByItsQueue(shard: Int) {
        withDelivered(shard: shard) { _, journal, _, client in
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.send(BasicNack(deliveryTag: 2, requeue: false))
            #expect(journal.takeRecords(0) == ["settled 0:1 of 1", "settled 0:2 of 1"])
        }
    }

    @Test(arguments: [0, 1]) func whatIsDeliveredWithoutAckIsSettledAtOnce(shard: Int) {
        withDelivered(shard: shard) { _, journal, owner, client in
            client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: true))
            client.get(expecting: "one", tag: 3, messageCount: 1, redelivered: true, noAck: true)
            #expect(journal.takeRecords(shard) == ["settled 0:1 of 1"])
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            client.expectDeliver("two", tag: 4, redelivered: true)
            #expect(journal.takeRecords(shard) == ["settled 0:2 of 1"])
        }
    }

    @Test func aDeletedQueuesMessagesNeedNoSettlements() {
        withDelivered { broker, journal, owner, client in
            owner.store("ready")
            _ = journal.takeRecords(0)
            owner.send(QueueDelete(queue: "q"))
            broker.syncJournal()
            owner.expect(QueueDeleteOk(messageCount: 1))
            #expect(journal.takeStateRecords() == ["no queue q", "removed 1"])
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicReject(deliveryTag: 2, requeue: false))
        }
    }

    /// The next durable queue at the same place is another holder.
    @Test func aNumberIsNeverUsedAgain() {
        converseWithJournal { broker, journal in
            for number in 1...5 {
                let client = broker.durableQueue(confirms: false)
                client.store("\(number)")
                broker.syncJournal()
                client.send(BasicGet(queue: "q"))
                broker.syncJournal()
                client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: Array("\(number)".utf8))
                client.send(QueueDelete(queue: "q"))
                broker.syncJournal()
                client.expect(QueueDeleteOk())
                #expect(journal.takeStateRecords() == ["no queue q", "removed \(number)"])
                client.send(BasicAck(deliveryTag: 1))
                let records = journal.takeRecords(0)
                #expect(records == ["message 0:\(number) of [\(number)]: \(number)", "mark of \(number) in lane 0"])
            }
        }
    }

    // MARK: Fan-out

    @Test func aMessageForManyNamesTheDurableQueuesOnly() {
        converseWithJournal(shards: 2) { broker, journal in
            let client = broker.durableQueue("a", confirms: false)
            _ = broker.durableQueue("b", shard: 1, confirms: false)
            _ = broker.durableQueue("memory", arguments: ["x-durability": .string("memory")], confirms: false)
            client.declare(QueueDeclare(queue: "transient"))
            for name in ["a", "transient", "b", "memory"] as [ShortString] {
                client.send(QueueBind(queue: name, exchange: "amq.fanout", noWait: true))
            }
            client.store("all", exchange: "amq.fanout", routingKey: "")
            let records = journal.takeRecords(0)
            #expect(
                records == ["message 0:1 of [1, 2]: all"] || records == ["message 0:1 of [2, 1]: all"], "\(records)")
            for (number, name) in (["memory", "b", "transient", "a"] as [ShortString]).enumerated() {
                client.get(
                    name, expecting: "all", tag: UInt64(number) + 1, exchange: "amq.fanout", routingKey: "",
                    noAck: true)
            }
            #expect(journal.takeRecords(0) == ["settled 0:1 of 2", "settled 0:1 of 1"])
            #expect(journal.takeRecords(1) == [])
        }
    }

    /// What a route has found serves the next messages, until something changes.
    @Test func theQueuesOfAMessageFollowTheTopology() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue("a", confirms: false)
            client.send(QueueBind(queue: "a", exchange: "amq.fanout", noWait: true))
            client.store("1", exchange: "amq.fanout")
            client.store("2", exchange: "amq.fanout")
            client.send(QueueDeclare(queue: "b", durable: true, noWait: true))
            client.send(QueueBind(queue: "b", exchange: "amq.fanout", noWait: true))
            client.store("3", exchange: "amq.fanout")
            client.send(QueueDelete(queue: "a", noWait: true))
            client.store("4", exchange: "amq.fanout")
            client.send(QueueDelete(queue: "b", noWait: true))
            client.store("5", exchange: "amq.fanout")
            let records = journal.takeRecords(0)
            #expect(records.count == 4)
            #expect(
                records.prefix(2) == ["message 0:1 of [1]: 1", "message 0:2 of [1]: 2"]
                    && ["message 0:3 of [1, 2]: 3", "message 0:3 of [2, 1]: 3"].contains(records[2])
                    && records.last == "message 0:4 of [2]: 4", "\(records)")
        }
    }

    // MARK: Dead-lettering

    private static let toDead: FieldTable = [
        "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("dead"),
    ]

    /// One record: the dead letter is there, and the original is done.
    @Test(arguments: [0, 1]) func aDeadLetterReplacesTheOriginal(shard: Int) {
        withDelivered(shard: shard, queue: Self.toDead) { broker, journal, _, client in
            _ = broker.durableQueue("dead", shard: 1, confirms: false)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:3 of [2] for 0:1 of 1: one"])
            client.send(BasicNack(deliveryTag: 2, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:4 of [2] for 0:2 of 1: two"])
            client.get("dead", expecting: "one", tag: 3, messageCount: 1, noAck: true)
            #expect(journal.takeRecords(shard) == ["settled 0:3 of 2"])
        }
    }

    @Test func aDeadLetterThatNobodyKeepsOnlySettles() {
        withDelivered(queue: Self.toDead) { broker, journal, owner, client in
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(journal.takeRecords(0) == ["settled 0:1 of 1"])
            owner.declare(QueueDeclare(queue: "dead"))
            client.send(BasicReject(deliveryTag: 2, requeue: false))
            #expect(journal.takeRecords(0) == ["settled 0:2 of 1"])
            owner.get("dead", expecting: "two", tag: 1, noAck: true)
        }
    }

    @Test func aDeadLetterExchangeThatIsNotThereOnlySettles() {
        withDelivered(queue: ["x-dead-letter-exchange": .string("nowhere")]) { _, journal, _, client in
            client.send(BasicNack(deliveryTag: 2, multiple: true, requeue: false))
            #expect(journal.takeRecords(0) == ["settled 0:1 of 1", "settled 0:2 of 1"])
        }
    }

    @Test func aTransientMessageDiesWithoutARecord() {
        withDelivered(queue: Self.toDead) { broker, journal, owner, client in
            _ = broker.durableQueue("dead", confirms: false)
            client.send(BasicAck(deliveryTag: 0, multiple: true))
            _ = journal.takeRecords(0)
            owner.publish("transient", routingKey: "q")
            client.get(expecting: "transient", tag: 3)
            client.send(BasicReject(deliveryTag: 3, requeue: false))
            client.get("dead", expecting: "transient", tag: 4, noAck: true)
        }
    }

    /// From a transient queue there is nothing to settle.
    @Test func aDeadLetterOfATransientQueueIsANewMessage() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue("dead", confirms: false)
            client.declare(QueueDeclare(queue: "q", arguments: Self.toDead))
            client.store("one")
            client.get(expecting: "one", tag: 1)
            #expect(journal.takeRecords(0) == [])
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: one"])
        }
    }

    /// A message that is in a transient and a durable queue dies in each on its own.
    @Test func theSameMessageDiesInEachQueue() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue("dead", confirms: false)
            client.declare(QueueDeclare(queue: "transient", arguments: Self.toDead))
            client.send(QueueDeclare(queue: "durable", durable: true, arguments: Self.toDead))
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "durable"))
            for name in ["transient", "durable"] as [ShortString] {
                client.send(QueueBind(queue: name, exchange: "amq.fanout", noWait: true))
            }
            client.store("one", exchange: "amq.fanout")
            client.get("transient", expecting: "one", tag: 1, exchange: "amq.fanout", routingKey: "q")
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:1 of [2]: one", "message 0:2 of [1]: one"])
            client.send(BasicGet(queue: "durable"))
            broker.syncJournal()
            client.expectContent(
                BasicGetOk(deliveryTag: 2, exchange: "amq.fanout", routingKey: "q"), body: Array("one".utf8))
            _ = journal.takeRecords(0)
            client.send(BasicReject(deliveryTag: 2, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:3 of [1] for 0:1 of 2: one"])
        }
    }
}
