/// Records in one block of memory, numbered; a removed record's number is used again.
///
/// A plain value around pointers, freed with `deallocate`. Pointers to records are valid until the next `insert`.
struct RecordPool<Record: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Record>
    /// How many numbers are or were in use: all of them are below.
    private(set) var bound = 0
    private(set) var capacity = 0
    private var unused: UnsafeMutablePointer<UInt32>?
    private var unusedCount = 0

    init() {
        // Never read before the first insert brings memory.
        base = UnsafeMutablePointer(bitPattern: 64).unsafelyUnwrapped
    }

    var count: Int { bound - unusedCount }

    @inline(__always)
    subscript(index: UInt32) -> UnsafeMutablePointer<Record> { base + Int(index) }

    mutating func insert(_ record: Record) -> UInt32 {
        if unusedCount > 0, let unused {
            unusedCount -= 1
            let index = unused[unusedCount]
            base[Int(index)] = record
            return index
        }
        if bound == capacity { resize(to: max(capacity * 2, 4)) }
        (base + bound).initialize(to: record)
        bound += 1
        return UInt32(bound - 1)
    }

    mutating func remove(_ index: UInt32) {
        if count == 1 {
            deallocate()
            return
        }
        unused.unsafelyUnwrapped[unusedCount] = index
        unusedCount += 1
    }

    private mutating func resize(to wanted: Int) {
        let resized = UnsafeMutablePointer<Record>.allocate(capacity: wanted)
        let resizedUnused = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted)
        resized.update(from: base, count: bound)
        if let unused {
            resizedUnused.update(from: unused, count: unusedCount)
            base.deallocate()
            unused.deallocate()
        }
        base = resized
        unused = resizedUnused
        capacity = wanted
    }

    mutating func deallocate() {
        if let unused {
            base.deallocate()
            unused.deallocate()
        }
        self = RecordPool()
    }
}
