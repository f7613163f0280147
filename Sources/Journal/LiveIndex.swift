/// Which messages are alive, where they are and who holds them; and what each holder may have delivered.
///
/// The journal's thread changes it, and only while it has the lock, so that the reader may look things up under the
/// lock; the journal's thread itself reads it without.
final class LiveIndex: @unchecked Sendable {
    struct Lane {
        /// The highest sequence of a message that came. A settlement of one above it came early.
        var highest: UInt64 = 0
        /// The chunks found last: one for what comes, one for what goes.
        var head: UnsafeMutablePointer<LaneChunk>?
        var tail: UnsafeMutablePointer<LaneChunk>?
    }

    let lanes: UnsafeMutablePointer<Lane>
    var directory = ChunkDirectory()
    var dense = DenseChunks()
    var segments = SegmentTable()
    var holders = HolderTable()
    var lists = HolderLists()
    var early = EarlySettlements()
    var marks = DeliveryMarks()
    /// The highest sequence that any record names, of messages that came or not.
    var highestSequence: UInt64 = 0
    private(set) var liveCount = 0
    private(set) var liveByteCount = 0
    /// Rises each time that a segment has no live message any more.
    private(set) var emptiedCount = 0
    /// Holders that were removed while they had messages, which are still counted as alive.
    var condemned: Set<UInt32> = []
    private var denseLimit = 1024

    init() {
        lanes = .allocate(capacity: MessageID.laneLimit)
        lanes.initialize(repeating: Lane(), count: MessageID.laneLimit)
    }

    deinit {
        for place in 0..<directory.capacity {
            guard let chunk = directory.at(place) else { continue }
            chunk.pointee.entries.deallocate()
            chunk.pointee.offsets?.deallocate()
            chunk.deallocate()
        }
        directory.deallocate()
        dense.deallocate()
        holders.deallocate()
        lists.deallocate()
        early.deallocate()
        lanes.deallocate()
    }

    // MARK: Finding

    /// The entry of a message, or nil. Valid until the index changes.
    @inline(__always)
    func find(_ id: UInt64) -> UnsafeMutablePointer<IndexEntry>? {
        guard let chunk = chunk(id), let entry = chunk.pointee.entry(MessageID.sequence(id)), entry.pointee.place != 0
        else { return nil }
        return entry
    }

    @inline(__always)
    func chunk(_ id: UInt64) -> UnsafeMutablePointer<LaneChunk>? {
        let key = LaneChunk.key(id)
        let lane = lanes + MessageID.lane(id)
        if let tail = lane.pointee.tail, tail.pointee.key == key { return tail }
        return searchChunk(key, lane)
    }

    @inline(never)
    private func searchChunk(_ key: UInt64, _ lane: UnsafeMutablePointer<Lane>) -> UnsafeMutablePointer<LaneChunk>? {
        guard let chunk = directory.find(key) else { return nil }
        lane.pointee.tail = chunk
        return chunk
    }

    /// As `find`, for the reader under the lock: leaves the caches, which the journal's thread uses without it.
    func peek(_ id: UInt64) -> IndexEntry? {
        guard let chunk = directory.find(LaneChunk.key(id)),
            let entry = chunk.pointee.entry(MessageID.sequence(id)), entry.pointee.place != 0
        else { return nil }
        return entry.pointee
    }

    /// The dense chunk for a message that comes.
    @inline(__always)
    func headChunk(_ id: UInt64) -> UnsafeMutablePointer<LaneChunk> {
        let key = LaneChunk.key(id)
        if let head = lanes[MessageID.lane(id)].head, head.pointee.key == key, head.pointee.offsets == nil {
            return head
        }
        return makeChunk(key, MessageID.lane(id))
    }

    @inline(never)
    private func makeChunk(_ key: UInt64, _ lane: Int) -> UnsafeMutablePointer<LaneChunk> {
        let before = lanes[lane].head
        let chunk: UnsafeMutablePointer<LaneChunk>
        if let found = directory.find(key) {
            chunk = found
            chunk.pointee.makeDense(dense: &dense)
        } else {
            if dense.count >= denseLimit { makeSparse() }
            chunk = .allocate(capacity: 1)
            chunk.initialize(to: LaneChunk(key: key, entries: dense.take()))
            directory.insert(chunk)
        }
        lanes[lane].head = chunk
        if let before, before != chunk, before.pointee.liveCount == 0 { remove(before) }
        return chunk
    }

    private func remove(_ chunk: UnsafeMutablePointer<LaneChunk>) {
        let lane = MessageID.lane(chunk.pointee.key)
        if lanes[lane].head == chunk { lanes[lane].head = nil }
        if lanes[lane].tail == chunk { lanes[lane].tail = nil }
        directory.remove(chunk.pointee.key)
        if let offsets = chunk.pointee.offsets {
            offsets.deallocate()
            chunk.pointee.entries.deallocate()
        } else {
            dense.give(chunk.pointee.entries)
        }
        chunk.deallocate()
    }

    /// Takes the memory of chunks that are nearly empty. Called when there are many new ones, so that each is looked at
    /// a constant number of times on average.
    private func makeSparse() {
        for place in 0..<directory.capacity {
            guard let chunk = directory.at(place), chunk.pointee.offsets == nil,
                chunk.pointee.liveCount <= LaneChunk.count / 8,
                lanes[MessageID.lane(chunk.pointee.key)].head != chunk
            else { continue }
            chunk.pointee.makeSparse(dense: &dense)
        }
        denseLimit = max(1024, dense.count * 3 / 2)
    }

    /// Whether a holder has a message that it has not settled.
    func isHeld(_ id: UInt64, by holder: UInt32) -> Bool {
        guard let entry = find(id)?.pointee else { return false }
        guard entry.isShared else { return entry.holder == holder }
        guard let index = lists.find(entry.holder, holder) else { return false }
        return lists.isLive(entry.holder, index)
    }

    // MARK: Coming and going

    /// Bytes that a message's record takes.
    @inline(__always)
    func recordByteCount(_ entry: IndexEntry) -> Int {
        Record.byteCount(
            payload: entry.form.prefixByteCount(holders: recordHolderCount(entry)) + Int(entry.contentByteCount))
    }

    /// How many holders a message's record names, settled or not.
    @inline(__always)
    func recordHolderCount(_ entry: IndexEntry) -> Int { entry.isShared ? lists.recordCount(entry.holder) : 1 }

    /// A message that came: alive unless all its holders settled it already or are gone. `holders` need not be aligned.
    @inline(__always)
    func insert(
        id: UInt64, location: UInt64, form: MessageForm, holders list: UnsafeRawPointer, holderCount: Int,
        contentByteCount: UInt32, _ counters: UnsafeMutablePointer<SegmentCounters>
    ) {
        let sequence = MessageID.sequence(id)
        let lane = MessageID.lane(id)
        if sequence > lanes[lane].highest { lanes[lane].highest = sequence }
        if sequence > highestSequence { highestSequence = sequence }
        let chunk = headChunk(id)
        let entry = chunk.pointee.entries + Int(sequence & UInt64(LaneChunk.count - 1))
        if entry.pointee.place != 0 {
            // The same record again, or, in a damaged journal, the first record of a message that has moved since.
            if form != .moved || entry.pointee.location == location { return }
            forget(entry, chunk)
        }
        let place = location | UInt64(form.rawValue)
        if holderCount == 1 {
            let holder = list.loadUnaligned(as: UInt32.self)
            guard hold(id, holder) else { return }
            entry.pointee = IndexEntry(place: place, contentByteCount: contentByteCount, holder: holder)
        } else {
            guard let block = share(id, list, holderCount) else { return }
            entry.pointee = IndexEntry(
                place: place | IndexEntry.isSharedBit, contentByteCount: contentByteCount, holder: block)
        }
        count(entry.pointee, chunk, counters)
        if form != .moved { note(id, counters) }
    }

    /// Counts a new message.
    @inline(__always)
    func count(
        _ entry: IndexEntry, _ chunk: UnsafeMutablePointer<LaneChunk>, _ counters: UnsafeMutablePointer<SegmentCounters>
    ) {
        let byteCount = recordByteCount(entry)
        chunk.pointee.liveCount &+= 1
        counters.pointee.liveCount &+= 1
        counters.pointee.liveByteCount &+= byteCount
        counters.pointee.isChanged = true
        liveCount &+= 1
        liveByteCount &+= byteCount
    }

    /// Notes in which segment a message is, for walks over the segment.
    @inline(__always)
    func note(_ id: UInt64, _ counters: UnsafeMutablePointer<SegmentCounters>) {
        let range = counters.pointee.lanes + MessageID.lane(id)
        let sequence = MessageID.sequence(id)
        if sequence < range.pointee.first { range.pointee.first = sequence }
        if sequence > range.pointee.last { range.pointee.last = sequence }
    }

    /// Counts a message for a holder; false if it has settled it already or is gone.
    @inline(__always)
    private func hold(_ id: UInt64, _ holder: UInt32) -> Bool {
        if early.count > 0, early.take(id, holder) { return false }
        let slot = holders.slot(holder)
        guard slot.pointee.state == HolderTable.present else { return false }
        slot.pointee.liveCount &+= 1
        return true
    }

    @inline(never)
    private func share(_ id: UInt64, _ list: UnsafeRawPointer, _ count: Int) -> UInt32? {
        guard count > 0, let block = lists.allocate(count) else { return nil }
        (UnsafeMutableRawPointer(lists.holders(block))).copyMemory(from: list, byteCount: count * 4)
        lists.prepare(block)
        for index in 0..<count {
            let holder = lists.holders(block)[index]
            // A holder counts once.
            if lists.find(block, holder) == index, hold(id, holder) { lists.setLive(block, index) }
        }
        if lists.liveCount(block) > 0 { return block }
        lists.deallocate(block)
        return nil
    }

    /// A holder is done with a message.
    @inline(__always)
    func settle(_ id: UInt64, _ holder: UInt32) {
        let sequence = MessageID.sequence(id)
        if sequence > highestSequence { highestSequence = sequence }
        guard let chunk = chunk(id), let entry = chunk.pointee.entry(sequence), entry.pointee.place != 0 else {
            if sequence > lanes[MessageID.lane(id)].highest { early.insert(id, holder) }
            return
        }
        if entry.pointee.isShared { return settleShared(entry, chunk, holder) }
        guard entry.pointee.holder == holder else { return }
        holders.slot(holder).pointee.liveCount &-= 1
        die(entry, chunk)
    }

    @inline(never)
    private func settleShared(
        _ entry: UnsafeMutablePointer<IndexEntry>, _ chunk: UnsafeMutablePointer<LaneChunk>, _ holder: UInt32
    ) {
        let block = entry.pointee.holder
        guard let index = lists.find(block, holder), lists.isLive(block, index) else { return }
        lists.clearLive(block, index)
        holders.slot(holder).pointee.liveCount &-= 1
        if lists.liveCount(block) == 0 { return die(entry, chunk) }
        segments.find(entry.pointee.location)?.pointee.isChanged = true
    }

    /// The last holder has settled.
    @inline(__always)
    private func die(_ entry: UnsafeMutablePointer<IndexEntry>, _ chunk: UnsafeMutablePointer<LaneChunk>) {
        let byteCount = recordByteCount(entry.pointee)
        if let counters = segments.find(entry.pointee.location) {
            counters.pointee.liveCount &-= 1
            counters.pointee.liveByteCount &-= byteCount
            counters.pointee.isChanged = true
            if counters.pointee.liveCount == 0 { emptiedCount &+= 1 }
        }
        liveCount &-= 1
        liveByteCount &-= byteCount
        if entry.pointee.isShared { lists.deallocate(entry.pointee.holder) }
        entry.pointee.place = 0
        chunk.pointee.liveCount &-= 1
        if chunk.pointee.liveCount == 0, lanes[MessageID.lane(chunk.pointee.key)].head != chunk { remove(chunk) }
    }

    /// Takes a message out whatever its holders, since another record of it follows.
    private func forget(_ entry: UnsafeMutablePointer<IndexEntry>, _ chunk: UnsafeMutablePointer<LaneChunk>) {
        if entry.pointee.isShared {
            let block = entry.pointee.holder
            for index in 0..<lists.recordCount(block) where lists.isLive(block, index) {
                holders.slot(lists.holders(block)[index]).pointee.liveCount &-= 1
            }
        } else {
            holders.slot(entry.pointee.holder).pointee.liveCount &-= 1
        }
        die(entry, chunk)
    }
}
