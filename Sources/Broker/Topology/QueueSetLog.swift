import AMQPWire

/// A queue that came or went.
package enum QueueSetChange: Sendable {
    case added(virtualHost: Int, QueueReference)
    case removed(virtualHost: Int, name: ShortString)
    /// With all of its queues.
    case virtualHostRemoved(Int)
}

/// Which queues came and went since somebody looked, so that a list of them can be kept.
struct QueueSetLog {
    /// nil while nobody looks, and when there were too many.
    private var changes: [QueueSetChange]?

    /// The change is not evaluated while nobody looks.
    mutating func note(_ change: @autoclosure () -> QueueSetChange) {
        guard let count = changes?.count else { return }
        if count < Limit.queueSetChanges { changes?.append(change()) } else { changes = nil }
    }

    /// In their order; nil when all queues are to be looked at. From now on changes are remembered.
    mutating func take() -> [QueueSetChange]? {
        let taken = changes
        changes = []
        return taken
    }
}

extension ControlPlane {
    /// Which queues came and went since this was asked for the last time; nil when they were not remembered, or too
    /// many. Who reads the shards' queues afterwards, and then asks again, misses none.
    package func takeQueueSetChanges() -> [QueueSetChange]? {
        let changes = try? withTopology { $0.log.queueSet.take() }
        return changes ?? nil
    }
}
