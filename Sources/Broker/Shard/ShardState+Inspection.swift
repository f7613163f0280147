import AMQPWire
import Routing

/// How much a shard holds, for tests that look for leaks: all zero once every connection has ended and every queue is
/// deleted.
package struct ShardInspection: Equatable, Sendable {
    package var connectionCount = 0
    package var queueCount = 0
    package var messageCount = 0
    package var messageByteCount = 0
    /// Windows for connections of other shards.
    package var remoteWindowCount = 0
    package var transitByteCount = 0
    package var pausedPublisherCount = 0
    /// Channels and queues that wait for the journal.
    package var journalWaiterCount = 0
    /// Queues of which messages may leave memory.
    package var pagingQueueCount = 0

    package init() {}
}

extension ShardState {
    package var inspection: ShardInspection {
        var inspection = ShardInspection()
        inspection.connectionCount = connections.occupiedSlots().count
        inspection.queueCount = queues.occupiedSlots().count
        inspection.messageCount = messages.messageCount
        inspection.messageByteCount = messages.byteCount
        inspection.remoteWindowCount = remoteWindows.count
        inspection.transitByteCount = transitByteCounts.reduce(0, +)
        inspection.pausedPublisherCount = pausedPublishers.count
        inspection.journalWaiterCount = journal.waitingChannels.count + journal.waitingQueues.count
        inspection.pagingQueueCount = pagingQueues.count
        return inspection
    }
}

extension ControlPlane {
    /// The names of a virtual host's queues, sorted.
    package func queueNames(virtualHost: Int) -> [ShortString] {
        let names = try? withTopology { Array($0.virtualHosts[virtualHost].queues.keys) }
        return (names ?? []).sorted()
    }
}
