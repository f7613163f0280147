extension LiveIndex {
    /// The holder is gone, and its messages with it. They are counted as alive until `sweep` has gone by.
    func removeHolder(_ holder: UInt32) {
        let slot = holders.slot(holder)
        if slot.pointee.state == HolderTable.present { slot.pointee.state = HolderTable.removed }
        if slot.pointee.liveCount > 0 { condemned.insert(holder) }
        marks.removeHolder(holder)
    }

    /// A walk over the index that takes out the messages of removed holders.
    struct Sweep {
        var keys: [UInt64]
        let holders: Set<UInt32>
    }

    /// Nil if there is nothing to do.
    func beginSweep() -> Sweep? {
        condemned = condemned.filter { holders.slot($0).pointee.liveCount > 0 }
        guard !condemned.isEmpty else { return nil }
        var keys: [UInt64] = []
        keys.reserveCapacity(directory.count)
        for place in 0..<directory.capacity { if let chunk = directory.at(place) { keys.append(chunk.pointee.key) } }
        return Sweep(keys: keys, holders: condemned)
    }

    /// Goes on for some chunks, false when it has come to its end.
    func go(on sweep: inout Sweep, chunkCount: Int) -> Bool {
        for _ in 0..<chunkCount {
            guard let key = sweep.keys.popLast() else { break }
            if let chunk = directory.find(key) { sweepChunk(chunk, sweep.holders) }
        }
        if sweep.keys.isEmpty {
            condemned.subtract(sweep.holders)
            return false
        }
        return true
    }

    private func sweepChunk(_ chunk: UnsafeMutablePointer<LaneChunk>, _ gone: Set<UInt32>) {
        let isDense = chunk.pointee.offsets == nil
        let chunkNumber = chunk.pointee.key >> MessageID.laneBits
        let lane = chunk.pointee.key & (1 << MessageID.laneBits - 1)
        let entries = chunk.pointee.entries
        let offsets = chunk.pointee.offsets
        let count = isDense ? LaneChunk.count : chunk.pointee.sparseCount
        var left = chunk.pointee.liveCount
        // The chunk's memory goes with its last message, so the count is what ends the walk.
        for index in 0..<count where left > 0 && entries[index].place != 0 {
            left -= 1
            let offset = offsets.map { UInt64($0[index]) } ?? UInt64(index)
            let id = (chunkNumber << LaneChunk.bits | offset) << MessageID.laneBits | lane
            let entry = entries[index]
            guard entry.isShared else {
                if gone.contains(entry.holder) { settle(id, entry.holder) }
                continue
            }
            let block = entry.holder
            let dead = (0..<lists.recordCount(block)).filter {
                lists.isLive(block, $0) && gone.contains(lists.holders(block)[$0])
            }
            for holder in dead.map({ lists.holders(block)[$0] }) { settle(id, holder) }
        }
    }
}
