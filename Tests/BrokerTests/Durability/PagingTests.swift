import AMQPWire
import Broker
import Testing

/// Deep queues when memory is scarce: messages leave it and come back, and nobody notices.
@Suite struct PagingTests {
    private static let messageByteCount = 10_000

    /// The number, and so much behind it that queues become deep.
    private func body(_ number: Int) -> String {
        "\(number) " + String(repeating: "x", count: Self.messageByteCount)
    }

    private func number(_ content: Content?) -> Int? {
        guard let content else { return nil }
        return Int(String(decoding: content.body.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self))
    }

    /// What was delivered or got, by number, with whether it is redelivered.
    private func takeNumbers(_ client: ConversationClient) -> [Int] {
        client.takeAll().compactMap {
            guard case .method(_, _, let content?) = $0 else { return nil }
            return number(content)
        }
    }

    private func pageOut(_ broker: Conversation) {
        for shard in broker.shards { while shard.pageOut() {} }
        broker.settle()
    }

    /// A deep queue of shard 0, of which most has left memory.
    private func withDeepQueue(
        _ count: Int = 300, isDurable: Bool = false, shards: Int = 1,
        _ body: (_ broker: Conversation, _ disk: DrivenDisk, _ client: ConversationClient) -> Void
    ) {
        let journal = DrivenJournal(shardCount: shards, pace: .onDemand)
        let disk = DrivenDisk()
        var written: [UInt64: [UInt8]] = [:]
        journal.onTake = { _, records in
            for case .message(let id, _, let content) in records { written[id] = content }
        }
        disk.journaled = { written[$0] }
        converse(shards: shards, journal: journal, disk: disk) { broker in
            let client = broker.connect()
            client.request(
                QueueDeclare(queue: "q", durable: isDurable), QueueDeclareOk(queue: "q"))
            for number in 1...count {
                client.publish(
                    self.body(number), routingKey: "q", properties: isDurable ? .persistent : BasicProperties())
            }
            broker.syncJournal()
            let before = broker.shards[0].memoryByteCount
            disk.isHeld = true
            pageOut(broker)
            #expect(broker.shards[0].memoryByteCount < before / 2)
            #expect(disk.waitingCount == 0)
            body(broker, disk, client)
        }
        #expect(disk.isEmpty, "messages stay in the spill file")
    }

    @Test(arguments: [false, true]) func whatHasLeftMemoryComesBackInOrder(isDurable: Bool) {
        withDeepQueue(isDurable: isDurable) { broker, disk, client in
            #expect(disk.isEmpty == isDurable)
            disk.isHeld = false
            client.request(
                QueueDeclare(queue: "q", passive: true),
                QueueDeclareOk(queue: "q", messageCount: 300, consumerCount: 0))
            var numbers: [Int] = []
            for _ in 1...300 {
                client.send(BasicGet(queue: "q", noAck: true))
                numbers += takeNumbers(client)
            }
            #expect(numbers == Array(1...300))
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// No stall: the consumer has credit, and what it waits for is on its way.
    @Test(arguments: [false, true]) func aConsumerGetsWhatComesBack(isDurable: Bool) {
        withDeepQueue(isDurable: isDurable, shards: 2) { broker, disk, _ in
            let client = broker.connect(shard: 1)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            var numbers = takeNumbers(client)
            while disk.waitingCount > 0 {
                // The last that was asked for comes first.
                disk.answer(broker.shards, at: disk.waitingCount - 1)
                broker.settle()
                numbers += takeNumbers(client)
            }
            #expect(numbers == Array(1...300))
        }
    }

    @Test func aGetWaitsUntilTheMessageIsBack() {
        withDeepQueue { broker, disk, client in
            var numbers: [Int] = []
            var isAnswered = true
            for _ in 1...300 where isAnswered {
                client.send(BasicGet(queue: "q", noAck: true))
                let got = takeNumbers(client)
                numbers += got
                isAnswered = !got.isEmpty
            }
            #expect(numbers == Array(1...numbers.count) && numbers.count < 300)
            client.expectNothing()
            #expect(disk.answer(broker.shards))
            broker.settle()
            #expect(takeNumbers(client) == [numbers.count + 1])
        }
    }

    @Test func aPurgeTakesWhatIsNotThere() {
        withDeepQueue { broker, disk, client in
            let other = broker.connect()
            other.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            let delivered = takeNumbers(other).count
            other.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            #expect(disk.waitingCount > 0)
            client.send(BasicGet(queue: "q"))
            client.expectNothing()
            other.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: UInt32(300 - delivered)))
            client.expect(BasicGetEmpty())
            // What comes too late is not wanted any more.
            client.publish("new", routingKey: "q")
            while disk.answer(broker.shards) {}
            broker.settle()
            client.get(expecting: "new", tag: 1, noAck: true)
        }
    }

    @Test(arguments: [false, true]) func aDeletedQueueTakesItsMessagesWithIt(isDurable: Bool) {
        withDeepQueue(isDurable: isDurable) { broker, disk, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            let delivered = takeNumbers(client).count
            client.send(QueueDelete(queue: "q"))
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.expect(QueueDeleteOk(messageCount: UInt32(300 - delivered)))
            client.request(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q"))
            while disk.answer(broker.shards) {}
            broker.settle()
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }

    /// A requeued message stands before what is on its way back.
    @Test func whatIsRequeuedComesFirst() {
        withDeepQueue { broker, disk, client in
            client.request(BasicQos(prefetchCount: 200), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            let held = takeNumbers(client)
            #expect(held.count < 200)
            let other = broker.connect()
            other.send(BasicGet(queue: "q", noAck: true))
            other.expectNothing()
            client.send(BasicCancel(consumerTag: "c", noWait: true))
            client.send(BasicNack(deliveryTag: 5, requeue: true))
            #expect(takeNumbers(other) == [5])
            client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: true))
            disk.isHeld = false
            broker.settle()
            other.consume(BasicConsume(queue: "q", consumerTag: "d", noAck: true))
            #expect(takeNumbers(other) == (1...300).filter { $0 != 5 })
        }
    }

    /// Some of a deep queue stays, spread over it, until that is too much as well; and nothing leaves where what is on
    /// its way to the disk will do.
    @Test func partOfADeepQueueStaysInMemory() {
        let disk = DrivenDisk()
        converse(disk: disk) { broker in
            let client = broker.connect()
            let shard = broker.shards[0]
            client.request(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q"))
            for _ in 1...2 {
                for number in 1...3_000 { client.publish(body(number), routingKey: "q") }
                let busy = 1 << 30
                #expect(!shard.pageOut(spillingByteCount: busy) && shard.inspection.messageCount == 3_000)
                #expect(shard.pageOut())
                while shard.pageOut(spillingByteCount: busy) {}
                broker.settle()
                let stayed = shard.inspection.messageCount
                #expect(stayed > 300 && stayed < 750)
                #expect(shard.pageOut())
                while shard.pageOut(spillingByteCount: busy) {}
                #expect(shard.inspection.messageCount < stayed)
                client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
                #expect(takeNumbers(client) == Array(1...3_000))
                client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
                // No queue is deep any more: it begins anew.
                shard.pageOutFollowing()
            }
        }
        #expect(disk.isEmpty)
    }

    /// Messages lie with the shard that published them, the queue that holds them on another: that one has to see that
    /// they leave.
    @Test func whatAnotherShardPublishedLeavesMemoryToo() {
        let disk = DrivenDisk()
        converse(shards: 2, disk: disk) { broker in
            let consumer = broker.connect(shard: 0)
            consumer.request(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q"))
            let publisher = broker.connect(shard: 1)
            for number in 1...1_000 { publisher.publish(body(number), routingKey: "q") }
            broker.settle()
            let before = broker.shards[1].memoryByteCount
            pageOut(broker)
            #expect(broker.shards[1].memoryByteCount < before / 2)
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            #expect(takeNumbers(consumer) == Array(1...1_000))
        }
        #expect(disk.isEmpty)
    }

    /// A message that the journal has not written cannot be read back from it.
    @Test func whatIsNotWrittenStays() {
        let disk = DrivenDisk()
        converse(journal: DrivenJournal(shardCount: 1), disk: disk) { broker in
            let client = broker.durableQueue(confirms: false)
            for number in 1...300 { client.store(body(number)) }
            let before = broker.shards[0].memoryByteCount
            pageOut(broker)
            #expect(broker.shards[0].inspection.messageCount == 300)
            broker.writeJournal()
            pageOut(broker)
            #expect(broker.shards[0].inspection.messageCount < 150)
            #expect(broker.shards[0].memoryByteCount < before)
            #expect(disk.isEmpty)
            client.send(QueueDelete(queue: "q"))
            broker.syncJournal()
            client.expect(QueueDeleteOk(messageCount: 300))
        }
    }

    /// In a durable queue, persistent and transient messages leave to different places and come back as one.
    @Test func aQueueOfBothKindsKeepsItsOrder() {
        let journal = DrivenJournal(shardCount: 1, pace: .onDemand)
        let disk = DrivenDisk()
        var written: [UInt64: [UInt8]] = [:]
        journal.onTake = { _, records in
            for case .message(let id, _, let content) in records { written[id] = content }
        }
        disk.journaled = { written[$0] }
        converse(journal: journal, disk: disk) { broker in
            let client = broker.connect()
            client.request(QueueDeclare(queue: "q", durable: true), QueueDeclareOk(queue: "q"))
            for number in 1...300 {
                client.publish(
                    body(number), routingKey: "q", properties: number % 3 == 0 ? .persistent : BasicProperties())
            }
            broker.syncJournal()
            disk.isHeld = true
            pageOut(broker)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            while disk.waitingCount > 0 {
                disk.answer(broker.shards, at: disk.waitingCount / 2)
                broker.settle()
            }
            #expect(takeNumbers(client) == Array(1...300))
        }
        #expect(disk.isEmpty)
    }

    /// `disk_reads`, `disk_writes`: what is persistent is written once, what is transient when it leaves memory; and
    /// nothing that was done is forgotten with the queue.
    @Test(arguments: [false, true]) func whatGoesToTheDiskIsCounted(isDurable: Bool) {
        withDeepQueue(isDurable: isDurable) { broker, disk, client in
            let shard = broker.shards[0]
            func counters() -> MessageCounters { shard.queueSnapshots(from: 0, limit: 9).items[0].counters }
            let absentCount = shard.queueSnapshots(from: 0, limit: 9).items[0].pagedOutCount
            #expect(absentCount > 100)
            #expect(counters().diskWrites == (isDurable ? 300 : UInt64(absentCount)) && counters().diskReads == 0)
            disk.isHeld = false
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            #expect(takeNumbers(client).count == 300)
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            #expect(counters().diskReads == UInt64(absentCount))
            let all = shard.allStatistics.messages
            #expect(all.diskWrites == counters().diskWrites && all.diskReads == UInt64(absentCount))
            for isThere in [true, false] {
                var sums = ShardSums()
                #expect(shard.sumQueues(from: 0, limit: 9, into: &sums) == nil)
                shard.addVirtualHostCounters(to: &sums)
                #expect(sums.virtualHosts[0]?.counters.diskWrites == all.diskWrites)
                #expect(sums.virtualHosts[0]?.counters.diskReads == all.diskReads)
                if isThere { client.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 0)) }
            }
        }
    }

    /// The journal drops a message with its last durable queue; a transient queue has it still.
    @Test func aTransientQueueDoesNotRelyOnTheJournal() {
        let journal = DrivenJournal(shardCount: 1, pace: .onDemand)
        let disk = DrivenDisk()
        converse(journal: journal, disk: disk) { broker in
            let client = broker.connect()
            client.request(QueueDeclare(queue: "durable", durable: true), QueueDeclareOk(queue: "durable"))
            client.declare(QueueDeclare(queue: "q"))
            for queue in ["durable", "q"] as [ShortString] {
                client.request(QueueBind(queue: queue, exchange: "amq.fanout"), QueueBindOk())
            }
            for number in 1...300 { client.store(body(number), exchange: "amq.fanout") }
            broker.syncJournal()
            client.request(QueuePurge(queue: "durable"), QueuePurgeOk(messageCount: 300))
            pageOut(broker)
            #expect(broker.shards[0].inspection.messageCount < 150)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            #expect(takeNumbers(client) == Array(1...300))
        }
        #expect(disk.isEmpty)
    }

    // MARK: Damage

    @Test(arguments: [false, true]) func whatCannotBeReadIsSkippedAndSaid(isDurable: Bool) {
        withDeepQueue(isDurable: isDurable) { broker, disk, client in
            disk.isDamaged = { ($0 >> 6) % 10 == 3 }
            disk.isHeld = false
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            let numbers = takeNumbers(client)
            #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
            #expect(numbers.count > 250 && numbers.count < 300)
            broker.expectNote(.error, containing: "of queue 'q' in vhost '/' could not be read back and are skipped")
            client.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
        }
    }

    @Test func aQueueOfWhichNothingCanBeReadGoesOn() {
        withDeepQueue { broker, disk, client in
            disk.isDamaged = { _ in true }
            disk.isHeld = false
            let other = broker.connect()
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            let numbers = takeNumbers(client)
            #expect(numbers.contains(300) && numbers.count < 200)
            other.request(BasicGet(queue: "q"), BasicGetEmpty())
            other.publish("new", routingKey: "q")
            client.expectDeliver("new", tag: UInt64(numbers.count) + 1)
        }
    }
}
