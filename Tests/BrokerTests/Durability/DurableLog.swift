import Broker
import Testing

/// What a journal keeps over several runs of a broker, each of which begins with what the last one has synced.
final class DurableLog {
    private(set) var records: [LaneRecord] = []

    /// - Parameter body: everything that the journal took counts as synced when it returns: an unclean stop.
    func run(
        shards: Int = 1, pace: DrivenJournal.Pace = .held, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (_ broker: Conversation, _ journal: DrivenJournal) throws -> Void
    ) rethrows {
        let stored = NaiveJournal(records)
        let journal = DrivenJournal(shardCount: shards, pace: pace)
        let disk = DrivenDisk()
        disk.journaled = { stored.messages[$0]?.content }
        journal.onTake = { [self] _, new in records += new }
        let broker = Conversation(
            shards: shards, settings: BrokerSettings(), journal: journal, disk: disk, recover: stored.recover)
        broker.settle()
        try body(broker, journal)
        journal.onTake = { _, _ in }
        broker.end(sourceLocation: sourceLocation)
    }
}
