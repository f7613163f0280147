/// Publisher confirms of one channel: numbers every publish and says which may be confirmed.
///
/// A publish is confirmed once the journal has reached its record and its queues on other shards have it, in the order
/// of the channel: what is confirmed is always everything up to some number, one `basic.ack` with `multiple`.
/// Source: RabbitMQ's confirm.select; numbers start at 1.
struct ConfirmTracker {
    private(set) var isSelected = false
    /// The number of the latest publish.
    private(set) var latest: UInt64 = 0
    /// Everything up to this number may be confirmed.
    private var settled: UInt64 = 0
    /// Everything up to this number has been confirmed to the client.
    private var sent: UInt64 = 0
    private struct Condition: BitwiseCopyable {
        let mark: JournalMark
        /// See `TransitEpochs`; 0 for nothing.
        let epoch: UInt64
    }

    /// What the publishes after `settled` wait for.
    private var waiting = RingBuffer<Condition>()

    mutating func select() { isSelected = true }

    /// Notes a publish and what its confirm waits for.
    @inline(__always)
    mutating func publish(waitingFor mark: JournalMark, epoch: UInt64 = 0) {
        latest &+= 1
        if mark == .none, epoch == 0, waiting.isEmpty {
            settled = latest
        } else {
            waiting.append(Condition(mark: mark, epoch: epoch))
        }
    }

    /// The journal, and other shards' queues, have come so far. Returns whether some publishes still wait.
    mutating func reach(written: UInt64, synced: UInt64, accepted: UInt64 = .max) -> Bool {
        while !waiting.isEmpty, waiting[0].epoch <= accepted,
            waiting[0].mark.isReached(written: written, synced: synced)
        {
            _ = waiting.popFirst()
            settled &+= 1
        }
        return !waiting.isEmpty
    }

    var isWaiting: Bool { !waiting.isEmpty }

    /// Publishes that the client has no answer for yet.
    var unconfirmedCount: UInt64 { latest - sent }

    /// What to send now: a delivery tag and whether it means everything up to it. nil when there is nothing.
    mutating func takeConfirm() -> (tag: UInt64, multiple: Bool)? {
        guard sent < settled else { return nil }
        let multiple = settled - sent > 1
        sent = settled
        return (settled, multiple)
    }

    mutating func deallocate() { waiting.deallocate() }
}
