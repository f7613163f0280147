/// Which messages for other shards' queues have arrived there: a confirm waits for it, so that whoever learns of the
/// confirm finds the message in its queue, on whatever connection it asks.
///
/// An epoch is a turn in which messages were sent to other shards. It is accepted when every batch that was sent in it,
/// and in those before, has been taken by its receiver.
struct TransitEpochs {
    /// The epoch of what is sent now.
    private(set) var current: UInt64 = 1
    /// Batches of `current` are on their way: what is sent next belongs to the next epoch.
    private var isClosed = false
    /// Batches that are on their way, for the epochs behind `accepted`.
    private var batchCounts = RingBuffer<Int>()
    /// Every message of this epoch and of those before has arrived.
    private(set) var accepted: UInt64 = 0

    /// A message is added to a batch. Returns its epoch.
    @inline(__always)
    mutating func add() -> UInt64 {
        if isClosed {
            current += 1
            isClosed = false
        }
        return current
    }

    /// A batch with messages leaves.
    mutating func send() -> UInt64 {
        isClosed = true
        while accepted + UInt64(batchCounts.count) < current { batchCounts.append(0) }
        let index = Int(current - accepted) - 1
        batchCounts[index] = batchCounts[index] + 1
        return current
    }

    /// A batch has been taken. Returns whether an epoch is accepted by it.
    mutating func accept(_ epoch: UInt64) -> Bool {
        guard epoch > accepted, epoch - accepted <= UInt64(batchCounts.count) else { return false }
        let index = Int(epoch - accepted) - 1
        batchCounts[index] = batchCounts[index] - 1
        let before = accepted
        while !batchCounts.isEmpty, batchCounts[0] == 0, accepted + 1 < current || isClosed {
            _ = batchCounts.popFirst()
            accepted += 1
        }
        return accepted != before
    }

    mutating func deallocate() { batchCounts.deallocate() }
}
