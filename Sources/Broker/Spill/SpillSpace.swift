/// A shard's part of what has left memory and is in no journal: which messages are where in its spill file.
///
/// Messages that leave memory together, a chunk of a queue at least, are one **extent**: written in one go, and given
/// back as a whole when none of its messages is wanted any more. A message is named by its extent and its place in it.
struct SpillSpace {
    private struct Extent {
        var firstBlock: UInt32 = 0
        var blockCount: UInt32 = 0
        /// Messages that are wanted.
        var liveCount = 0
        /// Told apart over reuse of the slot.
        var number: UInt32
    }

    private var extents: [Extent] = []
    private var freeSlots: [UInt32] = []
    private var space = BlockSpace()
    private var fileBlockCount: UInt32 = 0
    private var latestNumber: UInt32 = 0
    /// The extent that is being filled.
    private var open: (slot: UInt32, buffer: SpillBuffer)?
    private var commands: [SpillCommand] = []
    /// A buffer to go on with.
    var spare: SpillBuffer?

    /// What an extent holds unless one message needs more.
    private static let extentByteCount = 1 << 20
    /// A file gets shorter by half, and not by less than this, which is 64 MiB.
    private static let leastTruncatedBlockCount: UInt32 = 16384

    // A name: the slot in the upper half, the place in units of 8 bytes in the lower one.
    private static func slot(_ id: UInt64) -> Int { Int(id >> 32) }
    private static func offset(_ id: UInt64) -> Int { Int(id & 0xFFFF_FFFF) << 3 }

    /// Makes room for messages that will be added now; they are in one extent.
    ///
    /// - Parameter byteCount: of their records.
    mutating func reserve(_ byteCount: Int) {
        if let open, open.buffer.capacity - open.buffer.recordByteCount >= byteCount { return }
        close()
        let buffer: SpillBuffer
        if let spare, spare.capacity >= byteCount {
            buffer = spare
            self.spare = nil
        } else {
            buffer = SpillBuffer(minimumCapacity: max(byteCount, Self.extentByteCount))
        }
        latestNumber &+= 1
        buffer.recordByteCount = 0
        buffer.extent = latestNumber
        let extent = Extent(number: latestNumber)
        if let slot = freeSlots.popLast() {
            extents[Int(slot)] = extent
            open = (slot, buffer)
        } else {
            extents.append(extent)
            open = (UInt32(extents.count - 1), buffer)
        }
    }

    /// - Precondition: `reserve` has made room.
    /// - Returns: the message's name here, in 62 bits.
    mutating func add(_ message: UnsafeRawBufferPointer) -> UInt64 {
        guard let open else { preconditionFailure("no room was reserved in the spill file") }
        let offset = open.buffer.recordByteCount
        open.buffer.recordByteCount += SpillRecord.write(message, to: open.buffer.memory + offset)
        extents[Int(open.slot)].liveCount += 1
        return UInt64(open.slot) << 32 | UInt64(offset >> 3)
    }

    /// The message is not wanted any more.
    mutating func remove(_ id: UInt64) {
        let slot = Self.slot(id)
        extents[slot].liveCount -= 1
        if extents[slot].liveCount == 0, extents[slot].blockCount > 0 { free(slot) }
    }

    private mutating func free(_ slot: Int) {
        space.deallocate(extents[slot].firstBlock, extents[slot].blockCount)
        freeSlots.append(UInt32(slot))
        guard space.isEmpty || fileBlockCount - space.end >= max(space.end, Self.leastTruncatedBlockCount) else {
            return
        }
        fileBlockCount = space.end
        commands.append(.truncate(byteCount: Int(space.end) * SpillBuffer.alignment))
    }

    /// The open extent gets its place in the file.
    private mutating func close() {
        guard let (slot, buffer) = open else { return }
        open = nil
        guard extents[Int(slot)].liveCount > 0 else {
            freeSlots.append(slot)
            spare = buffer
            return
        }
        let whole = SpillBuffer.rounded(buffer.recordByteCount)
        (buffer.memory + buffer.recordByteCount).initializeMemory(
            as: UInt8.self, repeating: 0, count: whole - buffer.recordByteCount)
        buffer.byteCount = whole
        let blockCount = UInt32(whole / SpillBuffer.alignment)
        guard let first = space.allocate(blockCount) else { fatalError("the spill file cannot be larger than 16 TiB") }
        extents[Int(slot)].firstBlock = first
        extents[Int(slot)].blockCount = blockCount
        fileBlockCount = max(fileBlockCount, space.end)
        commands.append(.write(buffer, offset: Int(first) * SpillBuffer.alignment))
    }

    /// Where the next message would be in the open extent: the end of those that were added last.
    var openEnd: Int { open?.buffer.recordByteCount ?? 0 }

    /// Where to read messages that left memory together.
    ///
    /// - Parameter end: `openEnd` after the last of them was added.
    mutating func place(of ids: [UInt64], end: Int) -> SpilledPlace {
        let slot = ids.first.map(Self.slot) ?? 0
        if let open, Int(open.slot) == slot { close() }
        let offsets = ids.map(Self.offset)
        let first = (offsets.min() ?? 0) & ~(SpillBuffer.alignment - 1)
        return SpilledPlace(
            offset: Int(extents[slot].firstBlock) * SpillBuffer.alignment + first,
            byteCount: SpillBuffer.rounded(end) - first, extent: extents[slot].number,
            starts: offsets.map { $0 - first })
    }

    /// What the shell is to do, before it reads what is asked for.
    mutating func takeCommands() -> [SpillCommand] {
        close()
        defer { commands = [] }
        return commands
    }
}

/// Where in a shard's spill file messages are that are wanted back.
package struct SpilledPlace: Sendable {
    /// Bytes to read, and where they begin in the file: multiples of `SpillBuffer.alignment`.
    package let offset: Int
    package let byteCount: Int
    let extent: UInt32
    /// Where the message's records begin in what is read, in the order of the request's ids.
    package let starts: [Int]
}
