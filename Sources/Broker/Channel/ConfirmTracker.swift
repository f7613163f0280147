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
    /// How many of those were confirmed, not rejected.
    private(set) var confirmedCount: UInt64 = 0
    private struct Condition: BitwiseCopyable {
        let mark: JournalMark
        /// See `TransitEpochs`; 0 for nothing.
        let epoch: UInt64
    }

    /// What the publishes after `settled` wait for.
    private var waiting = RingBuffer<Condition>()
    /// Numbers that a queue has rejected, from `rejectedHead` on those after `sent`. Rising, unless noted otherwise:
    /// shards answer at different times, and two queues may reject one message.
    private var rejected: [UInt64] = []
    private var rejectedHead = 0
    private var isRejectedSorted = true

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

    /// The same for some that wait for the same.
    mutating func publish(_ count: Int, waitingFor mark: JournalMark, epoch: UInt64) {
        if mark == .none, epoch == 0, waiting.isEmpty {
            latest &+= UInt64(truncatingIfNeeded: count)
            settled = latest
        } else {
            for _ in 0..<count { publish(waitingFor: mark, epoch: epoch) }
        }
    }

    /// A queue has rejected a publish that is not confirmed yet.
    mutating func reject(_ number: UInt64) {
        guard number > sent, number <= latest else { return }
        // While there is always one that waits, the list never becomes empty by itself.
        if rejectedHead > 1024, rejectedHead * 2 > rejected.count {
            rejected.removeFirst(rejectedHead)
            rejectedHead = 0
        }
        if let last = rejected.last, number <= last { isRejectedSorted = false }
        rejected.append(number)
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
        defer { forgetRejected() }
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
        confirmedCount &+= settled - sent
        sent = settled
        return (settled, multiple, false)
    }

    @inline(never)
    private mutating func takeMixed() -> (tag: UInt64, multiple: Bool, isRejected: Bool)? {
        if !isRejectedSorted { sortRejected() }
        var last = sent
        let isRejected = rejected[rejectedHead] == sent + 1
        if isRejected {
            while rejectedHead < rejected.count, rejected[rejectedHead] <= min(last + 1, settled) {
                last = rejected[rejectedHead]
                rejectedHead += 1
            }
            if rejectedHead == rejected.count { forgetRejected() }
        } else {
            last = min(settled, rejected[rejectedHead] - 1)
        }
        let multiple = last - sent > 1
        if !isRejected { confirmedCount &+= last - sent }
        sent = last
        return (last, multiple, isRejected)
    }

    private mutating func sortRejected() {
        rejected.removeFirst(rejectedHead)
        rejectedHead = 0
        rejected.sort()
        isRejectedSorted = true
    }

    private mutating func forgetRejected() {
        rejected.removeAll(keepingCapacity: rejected.count < 1024)
        rejectedHead = 0
        isRejectedSorted = true
    }

    mutating func deallocate() { waiting.deallocate() }
}
