import AMQPWire
import SplitMix
import Testing

@testable import Broker

extension Conversation {
    /// The number that the next durable queue gets.
    var nextJournalNumber: UInt32 {
        let number = try? controlPlane.withTopology { $0.log.nextJournalNumber }
        return number ?? 0
    }
}

/// A node is a function of its journal: what it was told and has promised is there after any stop.
@Suite struct RecoveryTests {
    /// Starts a node from the journal and takes everything out of its queues.
    private func expectSameContents(_ log: [LaneRecord], shards: Int) throws {
        let stored = NaiveJournal(log)
        let journal = DrivenJournal(shardCount: shards, pace: .onDemand)
        let disk = DrivenDisk()
        disk.journaled = { stored.messages[$0]?.content }
        let broker = Conversation(
            shards: shards, settings: BrokerSettings(), journal: journal, disk: disk, recover: stored.recover)
        var snapshot: [UInt8]?
        journal.onTake = { _, records in
            if case .stateSnapshot(let bytes)? = records.last { snapshot = bytes }
        }
        broker.controlPlane.appendSnapshot()
        broker.settle()
        var topology = stored.topology
        topology.apply(.virtualHostAdded("/"))
        #expect(try DurableTopology(snapshot: snapshot, changes: []) == topology)
        let client = broker.connect(shard: shards - 1)
        for queue in stored.topology.virtualHosts.values.flatMap({ $0.queues.values }) {
            let expected = stored.contents(of: queue.journalNumber)
            client.request(
                QueueDeclare(queue: queue.name, passive: true),
                QueueDeclareOk(queue: queue.name, messageCount: UInt32(expected.count), consumerCount: 0))
            let found = takeAll(queue.name, client)
            #expect(found == expected)
        }
        broker.end(sourceLocation: #_sourceLocation)
    }

    private func takeAll(_ queue: ShortString, _ client: ConversationClient) -> [QueuedMessage] {
        var found: [QueuedMessage] = []
        while true {
            client.send(BasicGet(queue: queue, noAck: true))
            let answers = client.takeAll()
            if answers.count != 1 {
                Issue.record("basic.get of \(queue) is answered with \(answers)")
                return found
            }
            for received in answers {
                guard case .method(.basicGetOk(let got), _, let content?) = received else { return found }
                found.append(
                    QueuedMessage(
                        body: String(decoding: content.body, as: UTF8.self), isRedelivered: got.redelivered))
            }
        }
    }

    @Test(arguments: Seeds.first(25))
    func whatWasPromisedIsThereAfterAnyStop(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var log: [LaneRecord] = []
        var ledger = DurableLedger()
        var bodyCount = 0
        for _ in 0..<5 {
            let run = DurableRun(
                seed: random.next(), shardCount: 1 + random.below(3), log: log, ledger: ledger, nextBody: bodyCount)
            // Short runs stop before the first mark is on stable storage, long ones make queues deep.
            run.use(random.chance(60) ? random.below(40) : 100 + random.below(300))
            log = random.chance(40) ? run.stop() : run.crash()
            ledger = run.ledger
            bodyCount = run.bodyCount
            try expectSameContents(log, shards: 1 + random.below(3))
        }
    }
}
