import AMQPWire
import Broker
import Testing

/// Publishers that wait for the disk, and what lets them go on.
@Suite struct SlowJournalTests {
    /// Nobody waits for what they publish, so nobody would be told of it if they did not ask.
    @Test func aPublisherWithoutConfirmsGoesOn() {
        converseWithJournal(pace: .onDemand) { broker, _ in
            let client = broker.durableQueue(confirms: false)
            let body = String(repeating: "x", count: 1_000_000)
            for number in 1...40 {
                client.store(body)
                #expect(!broker.shards[0].isReadingPaused(client.address), "after \(number)")
            }
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 40))
        }
    }

    /// What is written by itself, without anybody asking, counts.
    @Test func aPublisherIsNotPausedForWhatIsWrittenLongSince() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            let body = String(repeating: "x", count: 1_000_000)
            for number in 1...40 {
                client.store(body)
                journal.write()
                #expect(!broker.shards[0].isReadingPaused(client.address), "after \(number)")
            }
        }
    }

    /// Memory was scarce for a moment. The shard has not heard of the journal since, and need not.
    @Test func aPublisherThatWaitedForMemoryGoesOn() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            let body = String(repeating: "x", count: 1_000_000)
            for _ in 1...10 { client.store(body) }
            broker.shards[0].setMemoryTight(true)
            client.store("waits")
            #expect(broker.shards[0].isReadingPaused(client.address))
            journal.write()
            broker.shards[0].setMemoryTight(false)
            broker.settle()
            #expect(!broker.shards[0].isReadingPaused(client.address))
        }
    }

    /// Two reasons at once: the later one that ends lets the publisher go on.
    @Test func aPublisherThatWaitedForMemoryWaitsForTheJournalToo() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(confirms: false)
            let body = String(repeating: "x", count: 1_000_000)
            for _ in 1...10 { client.store(body) }
            broker.shards[0].setMemoryTight(true)
            client.store("waits")
            broker.shards[0].setMemoryTight(false)
            broker.settle()
            #expect(broker.shards[0].isReadingPaused(client.address))
            journal.pace = .onDemand
            broker.settle()
            #expect(!broker.shards[0].isReadingPaused(client.address))
        }
    }
}
