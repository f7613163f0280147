extension LiveIndex {
    /// Takes in a message from an index file. The holders are those that have not settled it.
    func load(_ entry: IndexFile.Entry, _ segment: Segment) {
        let chunk = headChunk(entry.id)
        let place = chunk.pointee.entries + Int(MessageID.sequence(entry.id) & UInt64(LaneChunk.count - 1))
        guard place.pointee.place == 0 else { return }
        let holder: UInt32
        if entry.recordHolderCount == 1 {
            holder = entry.holders.loadUnaligned(as: UInt32.self)
            holders.slot(holder).pointee.liveCount += 1
        } else {
            guard let block = loadHolders(entry) else { return }
            holder = block
        }
        let bits = UInt64(entry.form.rawValue) | (entry.recordHolderCount > 1 ? IndexEntry.isSharedBit : 0)
        place.pointee = IndexEntry(
            place: entry.location | bits, contentByteCount: entry.contentByteCount, holder: holder)
        count(place.pointee, chunk, segment.counters)
        highestSequence.raise(to: MessageID.sequence(entry.id))
        if let order = entry.order {
            segment.moved.append(MovedMessage(id: entry.id, order: order))
        } else {
            note(entry.id, segment.counters)
        }
    }

    private func loadHolders(_ entry: IndexFile.Entry) -> UInt32? {
        let liveCount = entry.holders.count / 4
        guard liveCount > 0, let block = lists.allocate(entry.recordHolderCount) else { return nil }
        let list = lists.holders(block)
        for index in 0..<liveCount {
            list[index] = entry.holders.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
        }
        // Who has settled is not known any more, but how many they were says how long the record is.
        let highest = (0..<liveCount).reduce(UInt32(0)) { max($0, list[$1]) }
        for index in liveCount..<entry.recordHolderCount { list[index] = highest }
        lists.prepare(block)
        for index in 0..<entry.recordHolderCount where lists.find(block, list[index]) == index {
            lists.setLive(block, index)
            holders.slot(list[index]).pointee.liveCount += 1
        }
        return block
    }
}
