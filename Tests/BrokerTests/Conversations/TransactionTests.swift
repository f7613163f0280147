import AMQPWire
import Testing

/// Class tx. The queues live on shard 0; the channel is there too, or on another shard.
@Suite struct TransactionTests {
    private func withTransaction(
        shard: Int = 0, arguments: FieldTable = FieldTable(),
        _ body: (_ broker: Conversation, _ owner: ConversationClient, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", arguments: arguments))
            let client = broker.connect(shard: shard)
            client.request(TxSelect(), TxSelectOk())
            body(broker, owner, client)
        }
    }

    // MARK: Publishing

    @Test(arguments: [0, 1]) func publishesAreDeliveredByTheCommitInTheirOrder(shard: Int) {
        withTransaction(shard: shard) { _, owner, client in
            owner.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for number in 1...3 { client.publish("\(number)", routingKey: "q") }
            owner.expectNothing()
            client.request(TxCommit(), TxCommitOk())
            for number in 1...3 { owner.expectDeliver("\(number)", tag: UInt64(number)) }
            client.publish("4", routingKey: "q")
            client.request(TxRollback(), TxRollbackOk())
            client.request(TxCommit(), TxCommitOk())
            owner.expectNothing()
        }
    }

    @Test func mandatoryMessagesAreReturnedBeforeCommitOk() {
        withTransaction { _, _, client in
            client.publish("one", routingKey: "nobody", mandatory: true)
            client.publish("two", routingKey: "nobody")
            client.expectNothing()
            client.send(TxCommit())
            client.expectReturn("one", routingKey: "nobody")
            client.expect(TxCommitOk())
        }
    }

    /// An exchange remembers it, no queue has it.
    @Test func whatAnExchangeOnlyRemembersIsReturnedBeforeCommitOk() {
        withTransaction { _, owner, client in
            owner.request(ExchangeDeclare(exchange: "x", type: "x-recent-history"), ExchangeDeclareOk())
            client.publish("one", exchange: "x", routingKey: "k", mandatory: true)
            client.publish("two", exchange: "x", routingKey: "k")
            client.expectNothing()
            client.send(TxCommit())
            client.expectReturn("one", exchange: "x", routingKey: "k")
            client.expect(TxCommitOk())
            owner.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
            client.get(expecting: "one", tag: 1, messageCount: 1, exchange: "x", routingKey: "k")
            client.get(expecting: "two", tag: 2, exchange: "x", routingKey: "k")
            owner.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func aPublishIsCheckedAtOnce() {
        withTransaction { _, owner, client in
            client.publish("one", routingKey: "q")
            client.publish("two", exchange: "nowhere", routingKey: "q")
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", of: BasicPublish.self)
            owner.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// The route is the one that there was when the message was published.
    @Test func aPublishIsRoutedAtOnce() {
        withTransaction { _, owner, client in
            client.publish("one", exchange: "amq.fanout", routingKey: "", mandatory: true)
            owner.request(QueueBind(queue: "q", exchange: "amq.fanout"), QueueBindOk())
            client.publish("two", exchange: "amq.fanout", routingKey: "")
            owner.request(QueueUnbind(queue: "q", exchange: "amq.fanout"), QueueUnbindOk())
            client.send(TxCommit())
            client.expectReturn("one", exchange: "amq.fanout", routingKey: "")
            client.expect(TxCommitOk())
            owner.get(expecting: "two", tag: 1, exchange: "amq.fanout", routingKey: "")
        }
    }

    /// Another queue in its place gets nothing, in memory or in the journal.
    @Test func aQueueThatIsDeletedBeforeTheCommitGetsNothing() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            client.request(TxSelect(), TxSelectOk())
            // It was routed: RabbitMQ does not return it either.
            client.publish("one", routingKey: "q", mandatory: true, properties: .persistent)
            client.send(QueueDelete(queue: "q"))
            broker.syncJournal()
            client.expect(QueueDeleteOk())
            client.send(QueueDeclare(queue: "q", durable: true))
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "q"))
            client.request(TxCommit(), TxCommitOk())
            #expect(journal.takeRecords(0) == [])
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    @Test(arguments: [0, 1]) func aRejectedPublishFailsTheCommit(shard: Int) {
        let arguments: FieldTable = ["x-max-length": .int32(1), "x-overflow": .string("reject-publish")]
        withTransaction(shard: shard, arguments: arguments) { _, owner, client in
            client.publish("one", routingKey: "q")
            client.request(TxCommit(), TxCommitOk())
            client.publish("two", routingKey: "q")
            client.send(TxCommit())
            client.expectChannelClose(406, "PRECONDITION_FAILED - partial tx completion", of: TxCommit.self)
            owner.get(expecting: "one", tag: 1)
        }
    }

    // MARK: Settling

    @Test(arguments: [0, 1]) func settlementsAreDoneByTheCommit(shard: Int) {
        withTransaction(shard: shard) { _, owner, client in
            for number in 1...4 { owner.publish("\(number)", routingKey: "q") }
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...4 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.send(BasicReject(deliveryTag: 3, requeue: true))
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            client.send(BasicNack(deliveryTag: 4, requeue: false))
            client.expectNothing()
            client.request(TxCommit(), TxCommitOk())
            client.expectDeliver("3", tag: 5, redelivered: true)
            client.closeChannel()
            owner.get(expecting: "3", tag: 1, redelivered: true)
        }
    }

    @Test(arguments: [0, 1]) func aRollbackForgetsSettlementsAndRequeuesNothing(shard: Int) {
        withTransaction(shard: shard) { _, owner, client in
            for number in 1...4 { owner.publish("\(number)", routingKey: "q") }
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...4 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.send(BasicAck(deliveryTag: 3))
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            client.request(TxRollback(), TxRollbackOk())
            client.expectNothing()
            // The same tags, again.
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicReject(deliveryTag: 3, requeue: true))
            client.request(TxCommit(), TxCommitOk())
            client.expectDeliver("3", tag: 5, redelivered: true)
            client.closeChannel()
            for (number, tag) in [("2", 1), ("3", 2), ("4", 3)] as [(String, UInt64)] {
                owner.get(expecting: number, tag: tag, messageCount: 3 - UInt32(tag), redelivered: true)
            }
        }
    }

    @Test func whatIsSettledInATransactionIsNotKnownAnyMore() {
        withTransaction { _, owner, client in
            for number in 1...2 { owner.publish("\(number)", routingKey: "q") }
            client.get(expecting: "1", tag: 1, messageCount: 1)
            client.get(expecting: "2", tag: 2)
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicNack(deliveryTag: 1))
            client.expectChannelClose(406, "PRECONDITION_FAILED - unknown delivery tag 1", of: BasicNack.self)
            // Nothing was committed.
            owner.get(expecting: "1", tag: 1, messageCount: 1, redelivered: true)
            client.get(expecting: "2", tag: 1, redelivered: true)
        }
    }

    @Test(arguments: [0, 1]) func aChannelThatEndsCommitsNothing(shard: Int) {
        withTransaction(shard: shard) { _, owner, client in
            for number in 1...3 { owner.publish("\(number)", routingKey: "q") }
            for number in 1...3 {
                client.get(expecting: "\(number)", tag: UInt64(number), messageCount: 3 - UInt32(number))
            }
            client.send(BasicAck(deliveryTag: 2))
            client.publish("dropped", routingKey: "q")
            client.closeChannel()
            for number in 1...3 {
                owner.get(
                    expecting: "\(number)", tag: UInt64(number), messageCount: 3 - UInt32(number), redelivered: true)
            }
        }
    }

    /// What is settled counts towards the limits until the commit.
    @Test(arguments: [0, 1], [false, true]) func limitsHoldUntilTheCommit(shard: Int, global: Bool) {
        withTransaction(shard: shard) { _, owner, client in
            for number in 1...2 { owner.publish("\(number)", routingKey: "q") }
            client.request(BasicQos(prefetchCount: 1, global: global), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectDeliver("1", tag: 1)
            client.send(BasicAck(deliveryTag: 1))
            client.expectNothing()
            if global {
                client.consume(BasicConsume(queue: "q", consumerTag: "d"))
                client.expectNothing()
                client.request(BasicCancel(consumerTag: "d"), BasicCancelOk(consumerTag: "d"))
            }
            client.request(TxRollback(), TxRollbackOk())
            client.expectNothing()
            client.send(BasicAck(deliveryTag: 1))
            client.send(TxCommit())
            let received = client.takeAll()
            #expect(received.count == 2)
            #expect(received.contains(.method(.txCommitOk(TxCommitOk()), channel: 1, nil)))
        }
    }

    // MARK: Waiting

    @Test(arguments: [0, 1]) func commitOkWaitsForStableStorage(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            _ = broker.durableQueue(confirms: false)
            let client = broker.connect(shard: shard)
            client.request(TxSelect(), TxSelectOk())
            client.store("one")
            client.store("two")
            #expect(journal.takeRecords(shard) == [])
            client.send(TxCommit())
            client.send(BasicGet(queue: "q", noAck: true))
            #expect(
                journal.takeRecords(shard) == ["message \(shard):1 of [1]: one", "message \(shard):2 of [1]: two"])
            client.expectNothing()
            broker.writeJournal()
            client.expectNothing()
            broker.syncJournal()
            client.expect(TxCommitOk())
            client.expectContent(
                BasicGetOk(deliveryTag: 1, routingKey: "q", messageCount: 1), body: Array("one".utf8))
        }
    }

    @Test func commitOkWaitsForSettlements() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            client.store("one")
            client.send(BasicGet(queue: "q"))
            broker.syncJournal()
            client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: Array("one".utf8))
            client.request(TxSelect(), TxSelectOk())
            client.send(BasicAck(deliveryTag: 1))
            _ = journal.takeRecords(0)
            client.send(TxCommit())
            #expect(journal.takeRecords(0) == ["settled 0:1 of 1"])
            client.expectNothing()
            broker.syncJournal()
            client.expect(TxCommitOk())
        }
    }

    /// Whoever learns of the commit finds the messages.
    @Test func commitOkWaitsForQueuesOfOtherShards() {
        withTransaction(shard: 1) { broker, owner, client in
            client.publish("one", routingKey: "q")
            broker.holdsMail = true
            client.send(TxCommit())
            client.expectNothing()
            broker.deliverMail(to: 0)
            client.expectNothing()
            broker.deliverMail(to: 1)
            client.expect(TxCommitOk())
            broker.holdsMail = false
            owner.get(expecting: "one", tag: 1)
        }
    }

    @Test func aConnectionMayCloseWhileItCommits() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            client.request(TxSelect(), TxSelectOk())
            client.store("one")
            client.send(TxCommit())
            client.send(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0)
            client.expectNothing()
            broker.syncJournal()
            client.expect(TxCommitOk())
            client.expect(ConnectionCloseOk(), channel: 0)
        }
    }
}
