/// A hash table from byte strings to small values. Keys up to 40 bytes lie in the entry, beside the value.
///
/// A plain value around pointers, freed with `deallocate`.
struct ByteTable<Value: BitwiseCopyable> {
    struct Entry: BitwiseCopyable {
        /// The key's bytes, or the address of a longer key. First, so that the entry's address is theirs.
        var key: (UInt64, UInt64, UInt64, UInt64, UInt64)
        var keyCount: UInt32
        var hash: UInt32
        var value: Value
    }

    static var inlineKeyLimit: Int { 40 }

    private var slots = HashSlots()
    private(set) var entries = RecordPool<Entry>()

    var count: Int { slots.count }

    @inline(__always)
    subscript(index: UInt32) -> UnsafeMutablePointer<Entry> { entries[index] }

    /// The key of an entry; valid until the table changes.
    func key(_ index: UInt32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: ByteTable.keyStart(entries[index]), count: Int(entries[index].pointee.keyCount))
    }

    /// The entry's number, or `noIndex`.
    @inline(__always)
    func find(_ key: UnsafeRawBufferPointer, _ hasher: ByteHash) -> UInt32 {
        let start = key.start
        let count = key.count
        let entries = entries
        return slots.find(UInt32(truncatingIfNeeded: hasher.hash(start, count))) { index in
            let entry = entries[index]
            return Int(entry.pointee.keyCount) == count && equalBytes(ByteTable.keyStart(entry), start, count)
        }
    }

    /// - Precondition: the key is not in the table.
    mutating func insert(_ key: UnsafeRawBufferPointer, _ value: Value, _ hasher: ByteHash) -> UInt32 {
        let hash = UInt32(truncatingIfNeeded: hasher.hash(key.start, key.count))
        let entry = Entry(key: (0, 0, 0, 0, 0), keyCount: UInt32(key.count), hash: hash, value: value)
        let index = entries.insert(entry)
        if key.count > ByteTable.inlineKeyLimit {
            let copy = UnsafeMutableRawPointer.allocate(byteCount: key.count, alignment: 8)
            entries[index].pointee.key.0 = UInt64(UInt(bitPattern: copy))
        }
        if key.count > 0 {
            UnsafeMutableRawPointer(mutating: ByteTable.keyStart(entries[index]))
                .copyMemory(from: key.start, byteCount: key.count)
        }
        slots.insert(hash, index)
        return index
    }

    mutating func remove(_ index: UInt32) {
        slots.remove(entries[index].pointee.hash, index)
        ByteTable.freeKey(entries[index])
        entries.remove(index)
    }

    /// Walks the entries; for the moment when all of it goes.
    func forEach(_ body: (UnsafeMutablePointer<Entry>) -> Void) {
        slots.forEach { body(entries[$0]) }
    }

    mutating func deallocate() {
        forEach { ByteTable.freeKey($0) }
        slots.deallocate()
        entries.deallocate()
    }

    @inline(__always)
    private static func keyStart(_ entry: UnsafeMutablePointer<Entry>) -> UnsafeRawPointer {
        if Int(entry.pointee.keyCount) <= inlineKeyLimit { return UnsafeRawPointer(entry) }
        return UnsafeRawPointer(bitPattern: UInt(entry.pointee.key.0)).unsafelyUnwrapped
    }

    private static func freeKey(_ entry: UnsafeMutablePointer<Entry>) {
        if Int(entry.pointee.keyCount) > inlineKeyLimit { keyStart(entry).deallocate() }
    }
}
