import AMQPWire
import Broker
import Testing

/// A broker that is killed again and again, and starts each time from what its journal has.
final class KilledBroker {
    private var log: [LaneRecord] = []

    /// One life. Nothing is closed at its end.
    ///
    /// - Parameter elapsedMilliseconds: since the clocks' first moment.
    func live(
        shards: Int = 1, settings: BrokerSettings = BrokerSettings(), elapsedMilliseconds: UInt64 = 0,
        _ body: (Conversation) -> Void
    ) {
        let stored = NaiveJournal(log)
        let journal = DrivenJournal(shardCount: shards, pace: .onDemand)
        let disk = DrivenDisk()
        disk.journaled = { stored.messages[$0]?.content }
        let broker = Conversation(
            shards: shards, settings: settings, journal: journal, disk: disk,
            elapsedMilliseconds: elapsedMilliseconds, recover: stored.recover)
        journal.onTake = { [unowned self] _, records in log += records }
        broker.settle()
        body(broker)
        broker.settle()
        for shard in broker.shards { shard.deallocate() }
    }
}
