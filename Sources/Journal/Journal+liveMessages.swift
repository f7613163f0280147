extension Journal {
    /// Calls the closure for each live message in the order of the journal, which is the order of the messages' first
    /// records. For the time after `recover`, before the first `append`.
    package func forEachLiveMessage(_ body: (LiveMessage) -> Void) {
        var moved: [MovedMessage] = []
        for segment in index.segments.segments { moved += liveMoved(segment) }
        moved.sort { $0.order < $1.order }
        var nextMoved = 0
        var holders: [LiveHolder] = []
        for segment in index.segments.segments {
            index.forEachUnmoved(segment) { id, entry in
                while nextMoved < moved.count, moved[nextMoved].order < entry.location {
                    emit(moved[nextMoved].id, &holders, body)
                    nextMoved += 1
                }
                emit(id, entry, &holders, body)
            }
        }
        for message in moved[nextMoved...] { emit(message.id, &holders, body) }
    }

    /// The messages that were moved to a segment and are alive there.
    func liveMoved(_ segment: Segment) -> [MovedMessage] {
        let counters = segment.counters
        return segment.moved.filter { message in
            guard let entry = index.find(message.id) else { return false }
            let location = entry.pointee.location
            return entry.pointee.form == .moved && location >= counters.pointee.base && location < counters.pointee.end
        }
    }

    private func emit(_ id: UInt64, _ holders: inout [LiveHolder], _ body: (LiveMessage) -> Void) {
        if let entry = index.find(id) { emit(id, entry.pointee, &holders, body) }
    }

    private func emit(
        _ id: UInt64, _ entry: IndexEntry, _ holders: inout [LiveHolder], _ body: (LiveMessage) -> Void
    ) {
        holders.removeAll(keepingCapacity: true)
        index.forEachHolder(entry) { holder in
            holders.append(
                LiveHolder(
                    holder: holder, mayHaveBeenDelivered: index.marks.mayHaveDelivered(holder, id),
                    deliveryCount: index.marks.deliveryCount(holder, id)))
        }
        holders.withUnsafeBufferPointer { list in
            body(LiveMessage(id: id, contentByteCount: Int(entry.contentByteCount), holders: list))
        }
    }
}

extension LiveIndex {
    /// The holders that have not settled a message.
    @inline(__always)
    func forEachHolder(_ entry: IndexEntry, _ body: (UInt32) -> Void) {
        guard entry.isShared else { return body(entry.holder) }
        for index in 0..<lists.recordCount(entry.holder) where lists.isLive(entry.holder, index) {
            body(lists.holders(entry.holder)[index])
        }
    }

    /// The live messages whose first record is in a segment, in the order of their records.
    func forEachUnmoved(_ segment: Segment, _ body: (UInt64, IndexEntry) -> Void) {
        var cursors: [LaneCursor] = []
        for lane in 0..<MessageID.laneLimit {
            let range = segment.counters.pointee.lanes[lane]
            guard range.first <= range.last else { continue }
            var cursor = LaneCursor(lane: lane, sequence: range.first, last: range.last)
            if advance(&cursor, segment) { cursors.append(cursor) }
        }
        while !cursors.isEmpty {
            var lowest = 0
            for index in 1..<max(1, cursors.count) where cursors[index].entry.place < cursors[lowest].entry.place {
                lowest = index
            }
            let cursor = cursors[lowest]
            body(MessageID.make(lane: cursor.lane, sequence: cursor.sequence), cursor.entry)
            cursors[lowest].sequence += 1
            if !advance(&cursors[lowest], segment) { cursors.remove(at: lowest) }
        }
    }

    struct LaneCursor {
        let lane: Int
        var sequence: UInt64
        let last: UInt64
        var entry = IndexEntry()
        var chunk: UnsafeMutablePointer<LaneChunk>?
    }

    /// Goes to the next live message from the cursor on; false if there is none.
    private func advance(_ cursor: inout LaneCursor, _ segment: Segment) -> Bool {
        let base = segment.counters.pointee.base
        let end = segment.counters.pointee.end
        while cursor.sequence <= cursor.last {
            let id = MessageID.make(lane: cursor.lane, sequence: cursor.sequence)
            if cursor.chunk?.pointee.key != LaneChunk.key(id) { cursor.chunk = directory.find(LaneChunk.key(id)) }
            guard let chunk = cursor.chunk else {
                // A whole chunk without a message.
                cursor.sequence = (cursor.sequence | UInt64(LaneChunk.count - 1)) + 1
                continue
            }
            if let entry = chunk.pointee.entry(cursor.sequence), entry.pointee.place != 0,
                entry.pointee.form != .moved, entry.pointee.location >= base, entry.pointee.location < end
            {
                cursor.entry = entry.pointee
                return true
            }
            cursor.sequence += 1
        }
        return false
    }
}
