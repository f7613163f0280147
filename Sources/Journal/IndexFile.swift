import CRC32C

/// The live messages of one segment, as of a checkpoint: in blocks with a CRC each, so that damage costs a part of the
/// segment's scan and not more.
///
///     header   magic, segment sequence, base, block count, each UInt64; CRC32C UInt32, zero UInt32
///     block    byte count of the entries UInt32, entry count UInt32, CRC32C of the entries UInt32,
///              CRC32C of the 12 bytes before, begun with the sequence UInt32; entries
///     entry    id UInt64, offset from the base in 8 bytes UInt32, content byte count UInt32,
///              form and, from bit 2 on, how many holders the record has UInt32;
///              one: the holder UInt32; several: how many are left UInt32, these UInt32 each, zeros up to 8 bytes;
///              moved ones: the order UInt64
enum IndexFile {
    private static let magic: UInt64 = 0x5845_444e_4953_564c
    static let headerByteCount = 40
    static let blockHeaderByteCount = 16
    private static let blockByteCount = 65_536
    static let holderCountShift: UInt32 = 2

    /// All live messages of a segment before a position.
    static func make(_ segment: Segment, _ index: LiveIndex, moved: [MovedMessage], before limit: UInt64) -> ByteWriter
    {
        let writer = ByteWriter()
        var encoder = Encoder(writer: writer, sequence: segment.header.sequence, base: segment.header.base)
        var nextMoved = 0
        func emitMoved(before location: UInt64) {
            while nextMoved < moved.count {
                guard let entry = index.find(moved[nextMoved].id)?.pointee else {
                    nextMoved += 1
                    continue
                }
                guard entry.location < location else { break }
                encoder.append(moved[nextMoved].id, entry, index, order: moved[nextMoved].order)
                nextMoved += 1
            }
        }
        index.forEachUnmoved(segment) { id, entry in
            guard entry.location < limit else { return }
            emitMoved(before: entry.location)
            encoder.append(id, entry, index, order: nil)
        }
        emitMoved(before: limit)
        encoder.finish()
        return writer
    }

    private struct Encoder {
        let writer: ByteWriter
        let sequence: UInt64
        let base: UInt64
        var blockStart = -1
        var entryCount: UInt32 = 0
        var blockCount: UInt64 = 0

        init(writer: ByteWriter, sequence: UInt64, base: UInt64) {
            self.writer = writer
            self.sequence = sequence
            self.base = base
            writer.append(magic)
            writer.append(sequence)
            writer.append(base)
            writer.append(UInt64(0))
            writer.append(UInt64(0))
        }

        mutating func append(_ id: UInt64, _ entry: IndexEntry, _ index: LiveIndex, order: UInt64?) {
            if blockStart < 0 {
                blockStart = writer.count
                writer.append(UInt64(0))
                writer.append(UInt64(0))
            }
            let holderCount = UInt32(truncatingIfNeeded: index.recordHolderCount(entry))
            writer.append(id)
            writer.append(UInt32(truncatingIfNeeded: (entry.location - base) / UInt64(Record.alignment)))
            writer.append(entry.contentByteCount)
            writer.append(UInt32(entry.form.rawValue) | holderCount << holderCountShift)
            if !entry.isShared {
                writer.append(entry.holder)
            } else {
                let live = index.lists.liveCount(entry.holder)
                writer.append(UInt32(truncatingIfNeeded: live))
                index.forEachHolder(entry) { writer.append($0) }
                if live % 2 == 1 { writer.append(UInt32(0)) }
            }
            if let order { writer.append(order) }
            entryCount += 1
            if writer.count - blockStart >= blockByteCount { endBlock() }
        }

        private mutating func endBlock() {
            guard blockStart >= 0, let base = writer.bytes.baseAddress else { return }
            let entries = blockStart + blockHeaderByteCount
            writer.store(UInt32(truncatingIfNeeded: writer.count - entries), at: blockStart)
            writer.store(entryCount, at: blockStart + 4)
            writer.store(crc32c(0, base + entries, writer.count - entries), at: blockStart + 8)
            writer.store(crc32c(crc32c_number(0, sequence), base + blockStart, 12), at: blockStart + 12)
            blockStart = -1
            entryCount = 0
            blockCount += 1
        }

        mutating func finish() {
            endBlock()
            writer.store(UInt32(truncatingIfNeeded: blockCount), at: 24)
            guard let base = writer.bytes.baseAddress else { return }
            writer.store(crc32c(0, base, 32), at: 32)
        }
    }

    /// What an index file says.
    struct Entry {
        let id: UInt64
        let location: UInt64
        let contentByteCount: UInt32
        let form: MessageForm
        let recordHolderCount: Int
        let holders: UnsafeRawBufferPointer
        let order: UInt64?
    }

    /// Calls the closure for each entry that can be trusted, and returns the ranges of positions for which the file
    /// says nothing.
    static func read(_ file: UnsafeRawBufferPointer, _ segment: Segment, _ body: (Entry) -> Void) -> [Range<UInt64>] {
        let base = segment.header.base
        let end = segment.counters.pointee.end
        var reader = ByteReader(file)
        guard reader.number(UInt64.self) == magic, reader.number(UInt64.self) == segment.header.sequence,
            reader.number(UInt64.self) == base, let blockCount = reader.number(UInt64.self),
            let crc = reader.number(UInt32.self), reader.number(UInt32.self) == 0, let start = file.baseAddress,
            crc == crc32c(0, start, 32)
        else { return [base..<end] }
        var damaged: [Range<UInt64>] = []
        // Everything before is either taken or known to be damaged.
        var known = base
        var isDamaged = false
        for _ in 0..<blockCount {
            guard let header = reader.bytes(blockHeaderByteCount), let headerBase = header.baseAddress,
                header.loadUnaligned(fromByteOffset: 12, as: UInt32.self)
                    == crc32c(crc32c_number(0, segment.header.sequence), headerBase, 12),
                let entries = reader.bytes(Int(header.loadUnaligned(as: UInt32.self)))
            else {
                // Where the next block begins is not known either.
                return damaged + [known..<end]
            }
            let first = entries.count >= 12 ? entries.loadUnaligned(fromByteOffset: 8, as: UInt32.self) : 0
            guard let entriesBase = entries.baseAddress,
                header.loadUnaligned(fromByteOffset: 8, as: UInt32.self) == crc32c(0, entriesBase, entries.count)
            else {
                isDamaged = true
                continue
            }
            if isDamaged { damaged.append(known..<max(known, base + UInt64(first) * UInt64(Record.alignment))) }
            isDamaged = false
            guard let last = readBlock(entries, base, end, body) else { return damaged + [known..<end] }
            known = last + UInt64(Record.alignment)
        }
        if isDamaged { damaged.append(known..<max(known, end)) }
        return damaged
    }

    /// Returns the location of the last message, or nil if the entries make no sense.
    private static func readBlock(
        _ entries: UnsafeRawBufferPointer, _ base: UInt64, _ end: UInt64, _ body: (Entry) -> Void
    ) -> UInt64? {
        var reader = ByteReader(entries)
        var last: UInt64?
        while reader.left > 0 {
            guard let id = reader.number(UInt64.self), let offset = reader.number(UInt32.self),
                let content = reader.number(UInt32.self), let word = reader.number(UInt32.self),
                word & 3 != 0, word >> holderCountShift > 0
            else { return nil }
            let form = MessageForm(rawValue: UInt8(word & 3))
            let recordHolderCount = Int(word >> holderCountShift)
            var liveCount = 1
            if recordHolderCount > 1 {
                guard let live = reader.number(UInt32.self), live > 0, live <= recordHolderCount else { return nil }
                liveCount = Int(live)
            }
            guard let holders = reader.bytes(liveCount * 4) else { return nil }
            if recordHolderCount > 1, liveCount % 2 == 1 { _ = reader.number(UInt32.self) }
            var order: UInt64?
            if form == .moved {
                order = reader.number(UInt64.self)
                if order == nil { return nil }
            }
            let location = base + UInt64(offset) * UInt64(Record.alignment)
            guard location < end else { return nil }
            last = location
            body(
                Entry(
                    id: id, location: location, contentByteCount: content, form: form,
                    recordHolderCount: recordHolderCount, holders: holders, order: order))
        }
        return last
    }
}
