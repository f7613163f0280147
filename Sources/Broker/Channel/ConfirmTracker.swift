/// Publisher confirms of one channel: numbers every publish and says which may be confirmed, and which not.
///
/// A publish is confirmed once the journal has reached its record and its queues on other shards have it, in the order
/// of the channel: what is confirmed is always everything up to some number, one `basic.ack` with `multiple`. What a
/// queue has rejected is known by then, and answered in its place with basic.nack.
/// Source: RabbitMQ's confirm.select; numbers start at 1.
struct ConfirmTracker {
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
    /// Numbers after `sent` that a queue has rejected, rising.
    private var rejected: [UInt64] = []

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

    /// A queue has rejected a publish that is not confirmed yet.
    mutating func reject(_ number: UInt64) {
        guard number > sent, number <= latest else { return }
        // Shards answer at different times; what one of them rejects comes in order.
        let index = rejected.lastIndex { $0 <= number }.map { $0 + 1 } ?? 0
        if index > 0, rejected[index - 1] == number { return }
        rejected.insert(number, at: index)
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

    /// Nothing waits any more, and nothing is to be sent. Returns whether nothing was rejected.
    mutating func finish() -> Bool {
        sent = settled
        defer { rejected = [] }
        return rejected.isEmpty
    }

    var isWaiting: Bool { !waiting.isEmpty }

    /// Publishes that the client has no answer for yet.
    var unconfirmedCount: UInt64 { latest - sent }

    /// What to send now, until there is nothing: a delivery tag, whether it means everything up to it, and whether it
    /// is confirmed.
    mutating func takeConfirm() -> (tag: UInt64, multiple: Bool, isRejected: Bool)? {
        guard sent < settled else { return nil }
        if !rejected.isEmpty { return takeMixed() }
        let multiple = settled - sent > 1
        sent = settled
        return (settled, multiple, false)
    }

    @inline(never)
    private mutating func takeMixed() -> (tag: UInt64, multiple: Bool, isRejected: Bool)? {
        var last = sent
        let isRejected = rejected[0] == sent + 1
        if isRejected {
            var count = 0
            while count < rejected.count, rejected[count] == last + 1, last < settled {
                last += 1
                count += 1
            }
            rejected.removeFirst(count)
        } else {
            last = min(settled, rejected[0] - 1)
        }
        let multiple = last - sent > 1
        sent = last
        return (last, multiple, isRejected)
    }

    mutating func deallocate() { waiting.deallocate() }
}
