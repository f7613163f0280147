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
    fileprivate static func offset(_ id: UInt64) -> Int { Int(id & 0xFFFF_FFFF) << 3 }

    /// Makes room for messages that are added now; they are in one extent.
    ///
    /// - Parameter byteCount: of their records, all of them whole.
    /// - Returns: what takes them, until it is given to `finish`.
    mutating func reserve(_ byteCount: Int) -> SpillWriter {
        let (slot, buffer) = extent(with: byteCount)
        return SpillWriter(
            memory: buffer.memory, slot: slot, start: buffer.recordByteCount, messageByteCount: byteCount)
    }

    /// The open extent, or a new one where that has no such room.
    private mutating func extent(with byteCount: Int) -> (slot: UInt32, buffer: SpillBuffer) {
        if let open, open.buffer.capacity - open.buffer.recordByteCount >= byteCount { return open }
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
        if freeSlots.isEmpty {
            freeSlots.append(UInt32(extents.count))
            extents.append(Extent(number: 0))
        }
        let slot = freeSlots.removeLast()
        extents[Int(slot)] = Extent(number: latestNumber)
        open = (slot, buffer)
        return (slot, buffer)
    }

    /// What was added belongs to the extent now.
    ///
    mutating func finish(_ writer: SpillWriter) -> SpilledLot {
        guard let open, open.slot == writer.slot else { preconditionFailure("no room was reserved in the spill file") }
        open.buffer.recordByteCount = writer.end
        extents[Int(writer.slot)].liveCount += writer.count
        return SpilledLot(
            slot: writer.slot, start: writer.start, end: writer.end, messageByteCount: writer.messageByteCount)
    }

    /// The message is not wanted any more.
    mutating func remove(_ id: UInt64) { remove(1, fromSlot: Self.slot(id)) }

    /// So many of the messages that were read there are not wanted any more.
    mutating func remove(_ count: Int, of place: SpilledPlace) { remove(count, fromSlot: place.slot) }

    private mutating func remove(_ count: Int, fromSlot slot: Int) {
        guard count > 0 else { return }
        extents[slot].liveCount -= count
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

    /// Where to read messages that left memory together.
    mutating func place(of lot: SpilledLot) -> SpilledPlace {
        let slot = Int(lot.slot)
        if let open, open.slot == lot.slot { close() }
        let first = lot.start & ~(SpillBuffer.alignment - 1)
        return SpilledPlace(
            offset: Int(extents[slot].firstBlock) * SpillBuffer.alignment + first,
            byteCount: SpillBuffer.rounded(lot.end) - first, extent: extents[slot].number, lot: lot)
    }

    /// What the shell is to do, before it reads what is asked for.
    mutating func takeCommands() -> [SpillCommand] {
        close()
        defer { commands = [] }
        return commands
    }
}

/// Takes the messages of one lot: plain memory, so that a message costs no more than its copy.
struct SpillWriter {
    fileprivate let memory: UnsafeMutableRawPointer
    fileprivate let slot: UInt32
    fileprivate let start: Int
    /// Of the extent, what records take up to here.
    fileprivate var end: Int
    /// What the lot's records would take if all were whole.
    fileprivate let messageByteCount: Int
    /// Messages that were added.
    fileprivate var count = 0
    /// Where the first of them is.
    private var first: Message?

    fileprivate init(memory: UnsafeMutableRawPointer, slot: UInt32, start: Int, messageByteCount: Int) {
        self.memory = memory
        self.slot = slot
        self.start = start
        self.messageByteCount = messageByteCount
        end = start
    }

    /// - Precondition: there is room: what was reserved.
    /// - Returns: the message's name in the file, in 62 bits.
    mutating func add(_ message: Message) -> UInt64 {
        let offset = end
        end += SpillRecord.write(message, like: first, to: memory + offset)
        if count == 0 { first = Message(memory: memory + offset + SpillRecord.headByteCount) }
        count += 1
        return UInt64(slot) << 32 | UInt64(offset >> 3)
    }
}

/// Messages that left memory together: a part of an extent.
struct SpilledLot {
    fileprivate let slot: UInt32
    /// Where in the extent its records are.
    fileprivate let start: Int
    fileprivate let end: Int
    /// What they would take if all were whole.
    fileprivate let messageByteCount: Int
}

/// Where in a shard's spill file a lot is that is wanted back.
package struct SpilledPlace: Sendable {
    /// Bytes to read, and where they begin in the file: multiples of `SpillBuffer.alignment`.
    package let offset: Int
    package let byteCount: Int
    let extent: UInt32
    fileprivate let lot: SpilledLot

    fileprivate var slot: Int { Int(lot.slot) }

    /// Whether the messages can stay where they are read.
    package var isWhole: Bool { lot.end - lot.start == lot.messageByteCount }
    /// Room for those that cannot, with 8 bytes before each.
    var messageByteCount: Int { lot.messageByteCount }

    /// Of what is read, where the lot's first record begins.
    var start: Int { lot.start & (SpillBuffer.alignment - 1) }

    /// Where the record of one of the lot's messages begins in what is read.
    package func start(of id: UInt64) -> Int { SpillSpace.offset(id) - lot.start + start }
}
