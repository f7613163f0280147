/// A live message in the index.
struct IndexEntry {
    /// Where its record is: a position, which is a multiple of 8; below it `IndexEntry.isSharedBit` and the form of the
    /// record. 0 for no message: every form is above 0.
    var place: UInt64 = 0
    var contentByteCount: UInt32 = 0
    /// The holder, or a block of `HolderLists`.
    var holder: UInt32 = 0

    static let formMask: UInt64 = 3
    static let isSharedBit: UInt64 = 4

    @inline(__always)
    var location: UInt64 { place & ~7 }
    @inline(__always)
    var form: MessageForm { MessageForm(rawValue: UInt8(truncatingIfNeeded: place & Self.formMask)) }
    @inline(__always)
    var isShared: Bool { place & Self.isSharedBit != 0 }
}

/// Which of the three records holds a message.
struct MessageForm: Equatable {
    let rawValue: UInt8

    static let message = MessageForm(rawValue: 1)
    static let replacement = MessageForm(rawValue: 2)
    static let moved = MessageForm(rawValue: 3)

    @inline(__always)
    init(rawValue: UInt8) { self.rawValue = rawValue }

    init?(_ kind: RecordKind) {
        switch kind {
        case .message: self = .message
        case .replacement: self = .replacement
        case .moved: self = .moved
        default: return nil
        }
    }

    /// Bytes of the payload between the counts and the holders.
    @inline(__always)
    var extraByteCount: Int {
        switch rawValue {
        case 2: 16
        case 3: 8
        default: 0
        }
    }

    var kind: RecordKind { rawValue == 2 ? .replacement : rawValue == 3 ? .moved : .message }

    /// Bytes of the payload before the content.
    @inline(__always)
    func prefixByteCount(holders: Int) -> Int { 16 + extraByteCount + (holders &* 4 &+ 7) & ~7 }
}

/// 4096 successive sequences of a lane.
struct LaneChunk {
    static let bits: UInt64 = 12
    static let count = 1 << 12

    /// Chunk number and lane, as the directory has them.
    let key: UInt64
    /// All 4096, or only `sparseCount`, whose places in the chunk are in `offsets`.
    var entries: UnsafeMutablePointer<IndexEntry>
    var offsets: UnsafeMutablePointer<UInt16>?
    var sparseCount = 0
    var liveCount = 0

    static func key(_ id: UInt64) -> UInt64 {
        (id >> (bits + MessageID.laneBits)) << MessageID.laneBits | id & (1 << MessageID.laneBits - 1)
    }

    /// The entry of a sequence; nil where a sparse chunk has none.
    @inline(__always)
    func entry(_ sequence: UInt64) -> UnsafeMutablePointer<IndexEntry>? {
        let offset = Int(sequence & UInt64(Self.count - 1))
        return offsets == nil ? entries + offset : sparseEntry(offset)
    }

    @inline(never)
    private func sparseEntry(_ offset: Int) -> UnsafeMutablePointer<IndexEntry>? {
        guard let offsets else { return nil }
        var low = 0
        var high = sparseCount
        while low < high {
            let middle = (low + high) / 2
            if Int(offsets[middle]) < offset { low = middle + 1 } else { high = middle }
        }
        return low < sparseCount && Int(offsets[low]) == offset ? entries + low : nil
    }

    /// Keeps only the live entries: a chunk of which little is left must not cost 64 KiB.
    mutating func makeSparse(dense: inout DenseChunks) {
        let count = liveCount
        let entries = UnsafeMutablePointer<IndexEntry>.allocate(capacity: count)
        let offsets = UnsafeMutablePointer<UInt16>.allocate(capacity: count)
        var next = 0
        for offset in 0..<Self.count where self.entries[offset].place != 0 && next < count {
            (entries + next).initialize(to: self.entries[offset])
            (offsets + next).initialize(to: UInt16(offset))
            self.entries[offset].place = 0
            next += 1
        }
        dense.give(self.entries)
        self.entries = entries
        self.offsets = offsets
        sparseCount = next
    }

    mutating func makeDense(dense: inout DenseChunks) {
        guard let offsets else { return }
        let all = dense.take()
        for index in 0..<sparseCount { all[Int(offsets[index])] = entries[index] }
        entries.deallocate()
        offsets.deallocate()
        entries = all
        self.offsets = nil
        sparseCount = 0
    }
}

/// Memory for dense chunks, all entries of which have the place 0; a few are kept for the next ones.
struct DenseChunks {
    private static let spareLimit = 16
    let memory: IndexMemory
    private var spare: [UnsafeMutablePointer<IndexEntry>] = []
    /// How many are in use.
    private(set) var count = 0

    init(memory: IndexMemory) { self.memory = memory }

    mutating func take() -> UnsafeMutablePointer<IndexEntry> {
        count += 1
        if let entries = spare.popLast() { return entries }
        precondition(LaneChunk.count * MemoryLayout<IndexEntry>.stride <= IndexMemory.blockByteCount)
        let entries = memory.allocate().bindMemory(to: IndexEntry.self, capacity: LaneChunk.count)
        entries.initialize(repeating: IndexEntry(), count: LaneChunk.count)
        return entries
    }

    mutating func give(_ entries: UnsafeMutablePointer<IndexEntry>) {
        count -= 1
        if spare.count < Self.spareLimit { spare.append(entries) } else { memory.deallocate(entries) }
    }

    /// Memory of a chunk that is not expected to be looked at soon.
    func evict(_ entries: UnsafeMutablePointer<IndexEntry>) { memory.evict(entries) }

    func deallocate() { for entries in spare { memory.deallocate(entries) } }
}

/// The chunks of all lanes, found by key: a hash table of pointers.
struct ChunkDirectory {
    typealias Chunk = UnsafeMutablePointer<LaneChunk>
    private var slots: UnsafeMutablePointer<Chunk?>
    private(set) var capacity = 64
    private(set) var count = 0

    init() {
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: nil, count: capacity)
    }

    func deallocate() { slots.deallocate() }

    @inline(__always)
    private func start(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 32) & (capacity &- 1)
    }

    func find(_ key: UInt64) -> Chunk? {
        var place = start(key)
        while let chunk = slots[place] {
            if chunk.pointee.key == key { return chunk }
            place = (place &+ 1) & (capacity &- 1)
        }
        return nil
    }

    mutating func insert(_ chunk: Chunk) {
        if count &* 2 >= capacity { grow() }
        var place = start(chunk.pointee.key)
        while slots[place] != nil { place = (place &+ 1) & (capacity &- 1) }
        slots[place] = chunk
        count += 1
    }

    private mutating func grow() {
        let old = UnsafeMutableBufferPointer(start: slots, count: capacity)
        capacity *= 2
        slots = .allocate(capacity: capacity)
        slots.initialize(repeating: nil, count: capacity)
        count = 0
        for case let chunk? in old { insert(chunk) }
        old.deallocate()
    }

    mutating func remove(_ key: UInt64) {
        var place = start(key)
        while let chunk = slots[place], chunk.pointee.key != key { place = (place &+ 1) & (capacity &- 1) }
        guard slots[place] != nil else { return }
        var next = place
        while true {
            next = (next &+ 1) & (capacity &- 1)
            guard let chunk = slots[next] else { break }
            let wanted = start(chunk.pointee.key)
            if (next &- wanted) & (capacity &- 1) >= (next &- place) & (capacity &- 1) {
                slots[place] = chunk
                place = next
            }
        }
        slots[place] = nil
        count -= 1
    }

    /// The chunk in a place of the table, for walks that go on later: `0..<capacity`.
    func at(_ place: Int) -> Chunk? { place < capacity ? slots[place] : nil }
}
