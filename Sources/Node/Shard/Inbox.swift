import Broker
import Synchronization

/// Batches that other shards have sent, until the shard takes them: many producers, one consumer, no locks.
///
/// A stack that is taken whole and turned around; batches of one producer stay in their order.
final class Inbox: Sendable {
    /// The address of the latest batch, retained; 0 for none.
    private let latest = Atomic<UInt>(0)

    /// Returns whether it was empty: then the shard has to be woken.
    func push(_ batch: MailboxBatch) -> Bool {
        let pushed = UInt(bitPattern: Unmanaged.passRetained(batch).toOpaque())
        var previous = latest.load(ordering: .relaxed)
        while true {
            batch.link = UnsafeMutableRawPointer(bitPattern: previous)
            let (exchanged, original) = latest.compareExchange(
                expected: previous, desired: pushed, successOrdering: .acquiringAndReleasing,
                failureOrdering: .relaxed)
            if exchanged { return previous == 0 }
            previous = original
        }
    }

    /// Everything that is there, oldest first.
    func takeAll() -> [MailboxBatch] {
        var batches: [MailboxBatch] = []
        var next = UnsafeMutableRawPointer(bitPattern: latest.exchange(0, ordering: .acquiringAndReleasing))
        while let pointer = next {
            let batch = Unmanaged<MailboxBatch>.fromOpaque(pointer).takeRetainedValue()
            next = batch.link
            batches.append(batch)
        }
        return batches.reversed()
    }
}
