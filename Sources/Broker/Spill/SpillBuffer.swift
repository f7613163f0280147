/// What is written to the spill file in one go: page-aligned memory, so that it need not pass through the system's page
/// cache. It changes hands, from a shard to the thread that writes and back; one owner at a time. What is read back may
/// pass through one, too.
package final class SpillBuffer: @unchecked Sendable {
    /// Memory, places in the file and sizes are multiples of it: what disks and file systems want of a write that is
    /// not cached.
    package static let alignment = 4096

    package let memory: UnsafeMutableRawPointer
    package let capacity: Int
    /// What is to be written.
    package internal(set) var byteCount = 0
    /// What records take of it.
    var recordByteCount = 0
    /// The number of the extent.
    var extent: UInt32 = 0

    /// - Parameter minimumCapacity: in bytes.
    package init(minimumCapacity: Int) {
        capacity = Self.rounded(minimumCapacity)
        memory = .allocate(byteCount: capacity, alignment: Self.alignment)
    }

    deinit { memory.deallocate() }

    /// Adds the records' CRCs, before it is written: that need not be done by the shard.
    package func seal() {
        var offset = 0
        while offset < recordByteCount { offset += SpillRecord.seal(memory + offset, extent: extent) }
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: byteCount) }

    static func rounded(_ byteCount: Int) -> Int { (byteCount + alignment - 1) & ~(alignment - 1) }
}

/// What the shell does to a shard's spill file, in the order in which the shard wants it, reads included.
package enum SpillCommand: Sendable {
    /// Offset in bytes, a multiple of `SpillBuffer.alignment`, as is the buffer's byte count.
    case write(SpillBuffer, offset: Int)
    /// Nothing beyond that size is wanted any more.
    case truncate(byteCount: Int)
}
