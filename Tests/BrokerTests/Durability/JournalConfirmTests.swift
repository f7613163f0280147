import AMQPWire
@testable import Broker
import Testing

/// A confirm is a promise: when it is given, and what it does not wait for.
@Suite struct JournalConfirmTests {
    @Test(arguments: [0, 1]) func aPersistentMessageIsConfirmedOnceItIsOnStableStorage(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            _ = broker.durableQueue()
            let client = broker.connect(shard: shard)
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.store("one")
            client.store("two")
            #expect(
                journal.takeRecords(shard) == ["message \(shard):1 of [1]: one", "message \(shard):2 of [1]: two"])
            client.expectNothing()
            broker.writeJournal()
            client.expectNothing()
            broker.syncJournal(lanes: [1 - shard, journal.progress.stateLane])
            client.expectNothing()
            broker.syncJournal(lanes: [shard])
            client.expect(BasicAck(deliveryTag: 2, multiple: true))
            client.store("three")
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 3, multiple: false))
        }
    }

    @Test func whatIsNotJournaledIsConfirmedAtOnce() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue()
            client.declare(QueueDeclare(queue: "transient"))
            client.publish("transient message", routingKey: "q")
            client.expect(BasicAck(deliveryTag: 1))
            client.store("transient queue", routingKey: "transient")
            client.expect(BasicAck(deliveryTag: 2))
            client.store("nobody", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 3))
            client.publish("returned", routingKey: "nobody", mandatory: true, properties: .persistent)
            client.expectReturn("returned", routingKey: "nobody")
            client.expect(BasicAck(deliveryTag: 4))
            #expect(journal.takeRecords(0) == [])
        }
    }

    /// Nothing of a channel is confirmed before what was published before it.
    @Test func confirmsKeepTheOrderOfTheChannel() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue()
            client.store("waits")
            client.publish("transient", routingKey: "q")
            client.store("nobody", routingKey: "nobody")
            client.expectNothing()
            // Another channel of the same connection does not wait for it.
            client.openChannel(2)
            client.request(ConfirmSelect(), ConfirmSelectOk(), channel: 2)
            client.publish("transient", routingKey: "q", channel: 2)
            client.expect(BasicAck(deliveryTag: 1), channel: 2)
            client.store("waits too", channel: 2)
            broker.syncJournal()
            let confirms = client.takeAll()
            #expect(confirms.count == 2)
            #expect(confirms.contains(.method(.basicAck(BasicAck(deliveryTag: 3, multiple: true)), channel: 1, nil)))
            #expect(confirms.contains(.method(.basicAck(BasicAck(deliveryTag: 2)), channel: 2, nil)))
        }
    }

    @Test func onlyWhatTheJournalHasReachedIsConfirmed() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue()
            client.store("one")
            journal.sync()
            client.store("two")
            // The first is on stable storage; that the shard hears of it only now makes no difference.
            broker.tellJournalAdvanced()
            client.expect(BasicAck(deliveryTag: 1))
            client.expectNothing()
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 2))
        }
    }

    @Test func withoutConfirmsNothingIsSaid() {
        converseWithJournal { broker, journal in
            _ = broker.durableQueue()
            let client = broker.connect()
            client.store("one")
            broker.syncJournal()
            client.expectNothing()
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: one"])
        }
    }

    // MARK: x-durability

    @Test func flushIsConfirmedOnceItIsWritten() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: ["x-durability": .string("flush")])
            client.store("one")
            client.expectNothing()
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: one"])
            broker.writeJournal()
            client.expect(BasicAck(deliveryTag: 1))
        }
    }

    /// A sync costs the whole node's disk time.
    @Test func nobodySyncsForFlush() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: ["x-durability": .string("flush")])
            client.store("one")
            journal.write()
            client.store("two")
            broker.tellJournalAdvanced()
            client.expect(BasicAck(deliveryTag: 1))
            journal.pace = .onDemand
            client.store("three")
            client.expect(BasicAck(deliveryTag: 3, multiple: true))
            #expect(journal.syncCount == 0)
        }
    }

    /// The stricter one of two queues counts, and what comes behind waits its turn.
    @Test func aMessageForSyncAndFlushWaitsForSync() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue("flush", arguments: ["x-durability": .string("flush")])
            _ = broker.durableQueue("sync", arguments: ["x-durability": .string("sync")])
            for name in ["flush", "sync"] as [ShortString] {
                client.send(QueueBind(queue: name, exchange: "amq.fanout"))
                broker.syncJournal()
                client.expect(QueueBindOk())
            }
            client.store("both", exchange: "amq.fanout", routingKey: "")
            client.store("flush", routingKey: "flush")
            #expect(journal.takeRecords(0) == ["message 0:1 of [1, 2]: both", "message 0:2 of [1]: flush"])
            broker.writeJournal()
            client.expectNothing()
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 2, multiple: true))
            client.store("flush", routingKey: "flush")
            broker.writeJournal()
            client.expect(BasicAck(deliveryTag: 3))
        }
    }

    @Test func memoryIsConfirmedAtOnceAndNotWritten() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: ["x-durability": .string("memory")])
            client.store("one")
            client.expect(BasicAck(deliveryTag: 1))
            client.get(expecting: "one", tag: 1)
            client.send(BasicAck(deliveryTag: 1))
            #expect(journal.takeRecords(0) == [])
        }
    }

    @Test func anUnknownDurabilityIsRefused() {
        converseWithJournal { broker, journal in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "q", durable: true, arguments: ["x-durability": .string("never")]))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - invalid arg 'x-durability' for queue 'q' in vhost '/': "
                    + "not sync, flush or memory",
                of: QueueDeclare.self)
            client.send(QueueDeclare(queue: "q", durable: true, arguments: ["x-durability": .int32(1)]))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - invalid arg 'x-durability' for queue 'q' in vhost '/': "
                    + "{unacceptable_type,signedint}",
                of: QueueDeclare.self)
            #expect(journal.takeStateRecords() == [])
        }
    }

    @Test func anotherDurabilityIsNotTheSameQueue() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue(arguments: ["x-durability": .string("flush")])
            client.send(QueueDeclare(queue: "q", durable: true, arguments: ["x-durability": .string("sync")]))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - inequivalent arg 'x-durability' for queue 'q' in vhost '/': "
                    + "received 'sync' but current is 'flush'",
                of: QueueDeclare.self)
        }
    }

    // MARK: Ends

    @Test func aChannelThatClosesWhileItsConfirmsWaitIsForgotten() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue()
            client.store("one")
            client.closeChannel()
            client.openChannel(1)
            broker.syncJournal()
            client.expectNothing()
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.store("two")
            client.expectNothing()
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 1))
        }
    }

    @Test func aChannelThatFailsWhileItsConfirmsWaitIsForgotten() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue()
            client.store("one")
            client.send(BasicAck(deliveryTag: 77))
            client.expect(
                ChannelClose(
                    replyCode: 406, replyText: "PRECONDITION_FAILED - unknown delivery tag 77", classID: 60,
                    methodID: 80))
            broker.syncJournal()
            client.expectNothing()
            client.send(ChannelCloseOk())
            broker.tellJournalAdvanced()
            client.expectNothing()
        }
    }

    @Test func aConnectionThatEndsWhileItsConfirmsWaitIsForgotten() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue()
            client.store("one")
            client.endSocket()
            let other = broker.connect()
            other.store("two")
            broker.syncJournal()
            other.expectNothing()
            other.get(expecting: "one", tag: 1, messageCount: 1, noAck: true)
        }
    }

    // MARK: A slow disk

    /// What waits for the disk is bounded by not reading; who only acks goes on.
    @Test func aPublisherWaitsWhileTheJournalDoesNotKeepUp() {
        converseWithJournal { broker, _ in
            let client = broker.durableQueue()
            let other = broker.durableQueue("other")
            let body = String(repeating: "x", count: 3_000_000)
            var count: UInt32 = 0
            while !broker.shards[0].isReadingPaused(client.address), count < 20 {
                client.store(body)
                count += 1
            }
            #expect((5...7).contains(count))
            client.publish("later", routingKey: "q")
            client.expectNothing()
            other.publish("small", routingKey: "other")
            other.expect(BasicAck(deliveryTag: 1))
            #expect(!broker.shards[0].isReadingPaused(other.address))
            broker.writeJournal()
            #expect(!broker.shards[0].isReadingPaused(client.address))
            client.expectNothing()
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: UInt64(count) + 1, multiple: true))
            client.request(QueuePurge(queue: "other"), QueuePurgeOk(messageCount: 1))
        }
    }
}
