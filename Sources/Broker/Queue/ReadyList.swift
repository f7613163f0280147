/// The messages of a queue that wait for a consumer, in the order of their places.
///
/// New ones come in rising order and stand in chunks, so that a deep queue neither copies itself when it grows nor
/// keeps memory when it drains. Requeued ones go back to their place: they wait in a heap whose smallest is compared
/// with the first of the chunks.
struct ReadyList {
    private static let smallestChunkCapacity = 16
    private static let largestChunkCapacity = 512

    private struct Chunk {
        var next: UnsafeMutablePointer<Chunk>?
        var capacity: Int
        var first: Int
        var end: Int

        @inline(__always)
        static func entries(_ chunk: UnsafeMutablePointer<Chunk>) -> UnsafeMutablePointer<QueueEntry> {
            UnsafeMutableRawPointer(chunk + 1).assumingMemoryBound(to: QueueEntry.self)
        }
    }

    private var head: UnsafeMutablePointer<Chunk>?
    private var tail: UnsafeMutablePointer<Chunk>?
    /// A binary heap by place.
    private var returned: [QueueEntry] = []
    private var chunkedCount = 0

    var count: Int { chunkedCount + returned.count }

    @inline(__always)
    var isEmpty: Bool { chunkedCount == 0 && returned.isEmpty }

    /// - Precondition: its place is behind all others'.
    @inline(__always)
    mutating func append(_ entry: QueueEntry) {
        if tail == nil || tail.unsafelyUnwrapped.pointee.end == tail.unsafelyUnwrapped.pointee.capacity { addChunk() }
        let chunk = tail.unsafelyUnwrapped
        (Chunk.entries(chunk) + chunk.pointee.end).initialize(to: entry)
        chunk.pointee.end += 1
        chunkedCount += 1
    }

    /// Takes the entry with the smallest place.
    @inline(__always)
    mutating func popFirst() -> QueueEntry? {
        guard chunkedCount > 0 else { return returned.isEmpty ? nil : popReturned() }
        let chunk = head.unsafelyUnwrapped
        if !returned.isEmpty, returned[0].place < Chunk.entries(chunk)[chunk.pointee.first].place {
            return popReturned()
        }
        chunkedCount -= 1
        let entry = Chunk.entries(chunk)[chunk.pointee.first]
        chunk.pointee.first += 1
        if chunk.pointee.first == chunk.pointee.end { dropChunk(chunk) }
        return entry
    }

    /// Puts an entry back to its place.
    mutating func putBack(_ entry: QueueEntry) {
        returned.append(entry)
        var child = returned.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard returned[child].place < returned[parent].place else { break }
            returned.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popReturned() -> QueueEntry {
        let first = returned[0]
        let last = returned.removeLast()
        guard !returned.isEmpty else {
            returned = []
            return first
        }
        returned[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < returned.count {
                if returned[child].place < returned[smallest].place { smallest = child }
            }
            guard smallest != parent else { return first }
            returned.swapAt(parent, smallest)
            parent = smallest
        }
    }

    @inline(never)
    private mutating func addChunk() {
        let capacity = min(Self.largestChunkCapacity, (tail?.pointee.capacity ?? Self.smallestChunkCapacity / 4) * 4)
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: MemoryLayout<Chunk>.stride + capacity * MemoryLayout<QueueEntry>.stride, alignment: 16)
        let chunk = memory.bindMemory(to: Chunk.self, capacity: 1)
        chunk.initialize(to: Chunk(next: nil, capacity: capacity, first: 0, end: 0))
        tail?.pointee.next = chunk
        tail = chunk
        if head == nil { head = chunk }
    }

    @inline(never)
    private mutating func dropChunk(_ chunk: UnsafeMutablePointer<Chunk>) {
        // The last small chunk stays: a queue that hovers around empty shall not allocate.
        if chunk == tail, chunk.pointee.capacity == Self.smallestChunkCapacity {
            chunk.pointee.first = 0
            chunk.pointee.end = 0
            return
        }
        head = chunk.pointee.next
        if head == nil { tail = nil }
        chunk.deallocate()
    }

    mutating func deallocate() {
        while let chunk = head {
            head = chunk.pointee.next
            chunk.deallocate()
        }
        tail = nil
        returned = []
        chunkedCount = 0
    }
}
