import Journal

/// The messages of a queue that wait for a consumer, in the order of their places.
///
/// New ones come in rising order and stand in chunks, so that a deep queue neither copies itself when it grows nor
/// keeps memory when it drains. Requeued ones go back to their place: they wait in a heap whose smallest is compared
/// with the first of the chunks.
///
/// Chunks are also what leaves memory and comes back: see `ReadyList+paging`.
struct ReadyList {
    static let smallestChunkCapacity = 16
    /// Its entries fill a block of `IndexMemory`; its head is elsewhere, so that nobody touches a block that has left
    /// memory.
    static let largestChunkCapacity = IndexMemory.blockByteCount / MemoryLayout<QueueEntry>.stride
    /// A chunk of large messages ends here, so that bringing one back stays a bounded piece of work.
    static let chunkByteLimit = 1 << 20

    struct Chunk {
        enum State: UInt8 {
            case resident
            case pagedOut
            /// Asked for; comes back as soon as it is read.
            case loading
        }

        var next: UnsafeMutablePointer<Chunk>?
        /// Elsewhere once it has come back.
        var entries: UnsafeMutablePointer<QueueEntry>
        let allocatedCapacity: Int
        /// Where the chunk ends; the next entry needs another one.
        var capacity: Int
        var first: Int
        var end: Int
        /// Bytes of the messages that were put in.
        var byteCount: Int
        let serial: UInt64
        var state: State
        /// Entries still to come back.
        var loadingCount = 0
        /// Those of its messages that are in the spill file.
        var spilled: SpilledLot?
    }

    /// Where large chunks are; it outlives the list. nil: with all other memory.
    let memory: Unmanaged<IndexMemory>?
    var head: UnsafeMutablePointer<Chunk>?
    var tail: UnsafeMutablePointer<Chunk>?
    /// By place.
    var returned = BinaryHeap<QueueEntry>()
    var chunkedCount = 0
    private var latestSerial: UInt64 = 0
    /// Bytes of the messages in chunks that are in memory, about: what was taken from the first is not subtracted.
    var residentByteCount = 0
    /// Chunks that are not in memory.
    var absentChunkCount = 0
    /// Entries that were taken out of the middle and are still in their chunks. Never the first one of all.
    var removedCount = 0
    /// The last chunk that was paged out, or stays: what comes before it need not be looked at again.
    var pageOutCursor: UnsafeMutablePointer<Chunk>?
    /// What was to stay when it was looked at.
    var pageOutShare = ResidentShare.all

    init(memory: Unmanaged<IndexMemory>? = nil) { self.memory = memory }

    var count: Int { chunkedCount + returned.count }

    @inline(__always)
    var isEmpty: Bool { chunkedCount == 0 && returned.isEmpty }

    /// - Precondition: its place is behind all others'.
    @inline(__always)
    mutating func append(_ entry: QueueEntry, byteCount: Int) {
        if tail == nil || tail.unsafelyUnwrapped.pointee.end == tail.unsafelyUnwrapped.pointee.capacity {
            addChunk(.resident)
        }
        let chunk = tail.unsafelyUnwrapped
        (chunk.pointee.entries + chunk.pointee.end).initialize(to: entry)
        chunk.pointee.end += 1
        chunk.pointee.byteCount += byteCount
        residentByteCount += byteCount
        if chunk.pointee.byteCount >= Self.chunkByteLimit { chunk.pointee.capacity = chunk.pointee.end }
        chunkedCount += 1
    }

    /// The entry with the smallest place.
    @inline(__always)
    var first: QueueEntry? {
        guard chunkedCount > 0 else { return returned.first }
        let chunk = head.unsafelyUnwrapped
        let entry = chunk.pointee.entries[chunk.pointee.first]
        if let other = returned.first, other.place < entry.place { return other }
        return entry
    }

    /// Takes the entry with the smallest place.
    @inline(__always)
    mutating func popFirst() -> QueueEntry? {
        guard chunkedCount > 0 else { return returned.popFirst() }
        let chunk = head.unsafelyUnwrapped
        if let other = returned.first, other.place < chunk.pointee.entries[chunk.pointee.first].place {
            return returned.popFirst()
        }
        chunkedCount -= 1
        let entry = chunk.pointee.entries[chunk.pointee.first]
        chunk.pointee.first += 1
        if chunk.pointee.first == chunk.pointee.end { dropHead() }
        if removedCount > 0 { skipRemoved() }
        return entry
    }

    /// Entries that come first and lie in a row: all that are left of the first chunk, also those that were removed
    /// and those that are not in memory. Empty where something that came back may be in front of them.
    var firstRun: UnsafeMutableBufferPointer<QueueEntry> {
        guard chunkedCount > 0, returned.isEmpty, let chunk = head else {
            return UnsafeMutableBufferPointer(start: nil, count: 0)
        }
        return UnsafeMutableBufferPointer(
            start: chunk.pointee.entries + chunk.pointee.first, count: chunk.pointee.end - chunk.pointee.first)
    }

    /// Takes so many of `firstRun`, none of which was removed.
    mutating func removeFirst(_ count: Int) {
        guard let chunk = head else { return }
        chunkedCount -= count
        chunk.pointee.first += count
        if chunk.pointee.first == chunk.pointee.end { dropHead() }
        if removedCount > 0 { skipRemoved() }
    }

    /// Puts an entry back to its place.
    mutating func putBack(_ entry: QueueEntry) { returned.insert(entry) }

    @inline(never)
    mutating func addChunk(_ state: Chunk.State) {
        let previous = tail?.pointee.allocatedCapacity ?? Self.smallestChunkCapacity / 4
        let capacity = min(Self.largestChunkCapacity, previous * 4)
        let block: UnsafeMutableRawPointer
        if capacity == Self.largestChunkCapacity, let memory {
            block = memory.takeUnretainedValue().allocate()
        } else {
            block = .allocate(
                byteCount: capacity * MemoryLayout<QueueEntry>.stride, alignment: 16)
        }
        let chunk = UnsafeMutablePointer<Chunk>.allocate(capacity: 1)
        latestSerial += 1
        chunk.initialize(
            to: Chunk(
                next: nil, entries: block.bindMemory(to: QueueEntry.self, capacity: capacity),
                allocatedCapacity: capacity, capacity: capacity, first: 0, end: 0, byteCount: 0,
                serial: latestSerial, state: state))
        if state != .resident { absentChunkCount += 1 }
        tail?.pointee.next = chunk
        tail = chunk
        if head == nil { head = chunk }
    }

    @inline(never)
    mutating func dropHead() {
        guard let chunk = head else { return }
        if chunk.pointee.state == .resident {
            residentByteCount -= chunk.pointee.byteCount
        } else {
            absentChunkCount -= 1
        }
        // The last small chunk stays: a queue that hovers around empty shall not allocate.
        if chunk == tail, chunk.pointee.allocatedCapacity == Self.smallestChunkCapacity,
            chunk.pointee.state == .resident
        {
            chunk.pointee.first = 0
            chunk.pointee.end = 0
            chunk.pointee.byteCount = 0
            chunk.pointee.capacity = chunk.pointee.allocatedCapacity
            return
        }
        if chunk == pageOutCursor { pageOutCursor = nil }
        head = chunk.pointee.next
        if head == nil { tail = nil }
        free(chunk)
    }

    func free(_ chunk: UnsafeMutablePointer<Chunk>) {
        if chunk.pointee.allocatedCapacity == Self.largestChunkCapacity, let memory {
            memory.takeUnretainedValue().deallocate(chunk.pointee.entries)
        } else {
            chunk.pointee.entries.deallocate()
        }
        chunk.deallocate()
    }

    /// The chunk is not looked at until its turn comes near.
    func evict(_ chunk: UnsafeMutablePointer<Chunk>) {
        if chunk.pointee.allocatedCapacity == Self.largestChunkCapacity {
            memory?.takeUnretainedValue().evict(chunk.pointee.entries)
        }
    }

    /// The chunk is looked at, and changed, from now on.
    func bringBack(_ chunk: UnsafeMutablePointer<Chunk>) {
        guard chunk.pointee.allocatedCapacity == Self.largestChunkCapacity, let memory else { return }
        chunk.pointee.entries = memory.takeUnretainedValue().bringBack(chunk.pointee.entries)
            .bindMemory(to: QueueEntry.self, capacity: Self.largestChunkCapacity)
    }

    /// Every entry, in no order: for the end of the node.
    func forEach(_ body: (QueueEntry) -> Void) {
        for entry in returned.elements { body(entry) }
        var next = head
        while let chunk = next {
            for index in chunk.pointee.first..<chunk.pointee.end where !chunk.pointee.entries[index].isRemoved {
                body(chunk.pointee.entries[index])
            }
            next = chunk.pointee.next
        }
    }

    mutating func deallocate() {
        while let chunk = head {
            head = chunk.pointee.next
            free(chunk)
        }
        self = ReadyList(memory: memory)
    }
}
