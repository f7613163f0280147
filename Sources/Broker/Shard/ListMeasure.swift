import Journal

/// What the lists of all queues take in memory, as of the last ticks. Deep queues are looked at in each of them, the
/// others so many at a time: a hundred thousand in one go would hold up messages for milliseconds.
struct ListMeasure {
    /// Queues that are looked at in one tick, deep ones apart.
    var stepCount = 4096

    var byteCount = 0
    /// Messages in the queues of the current round so far, and of the last one.
    fileprivate var count = 0
    fileprivate var lastCount = 0
    /// Where the round goes on.
    fileprivate var nextSlot = 0
}

extension ShardState {
    /// To be done at every tick.
    func measureLists() {
        var count = 0
        let next = queues.forEachOccupied(from: listMeasure.nextSlot, limit: listMeasure.stepCount) { queue in
            if !queue.pointee.isPagingListed { count += queue.pointee.readyCount }
        }
        listMeasure.count += count
        listMeasure.nextSlot = next ?? 0
        if next == nil {
            listMeasure.lastCount = listMeasure.count
            listMeasure.count = 0
        }
        var sum = max(listMeasure.lastCount, listMeasure.count)
        for address in pagingQueues { sum += queue(address)?.pointee.readyCount ?? 0 }
        // Those of deep queues that are in the scratch file may leave memory.
        listMeasure.byteCount = max(0, sum * MemoryLayout<QueueEntry>.stride - indexMemory.mappedByteCount)
    }
}
