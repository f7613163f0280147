import CRC32C

/// Messages on their way to the end of the log, so that their segment can be used again.
struct CompactionProgress {
    /// Read, and not yet written again.
    var block: MovedBlock?
    var next = 0
    var buffer = LaneBuffer()
    /// When it was last looked whether anything is worth it.
    var lookedAt = (liveByteCount: -1 << 60, segments: -1)
    var isReading = false
}

/// Live messages of one segment, in memory of its own.
final class MovedBlock: @unchecked Sendable {
    struct Wanted {
        let id: UInt64
        let location: UInt64
        let byteCount: Int
        let form: MessageForm
    }

    struct Item {
        let id: UInt64
        let location: UInt64
        let order: UInt64
        let offset: Int
        let byteCount: Int
    }

    let segment: Segment
    private let file: DiskFile
    private let recordCRC: UInt32
    private let base: UInt64
    private let wanted: [Wanted]
    private(set) var items: [Item] = []
    private(set) var damagedCount = 0
    private let contents = ByteWriter()

    init(_ segment: Segment, _ wanted: [Wanted]) {
        self.segment = segment
        file = segment.file
        recordCRC = segment.recordCRC
        base = segment.header.base
        self.wanted = wanted
    }

    func content(_ item: Item) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: contents.bytes[item.offset..<item.offset + item.byteCount])
    }

    /// Reads what is wanted, on the maintenance thread.
    func read(_ disk: Disk) throws(JournalError) {
        var scanner = SegmentScanner(disk)
        defer { scanner.deallocate() }
        items.reserveCapacity(wanted.count)
        for message in wanted {
            let offset = Int(message.location - base) + SegmentHeader.byteCount
            scanner.goOn(file, recordCRC: recordCRC, base: base, at: offset, limit: offset + message.byteCount)
            guard case .record(let kind, let payload, let byteCount) = try scanner.next(),
                kind == message.form.kind.rawValue,
                let record = MessageRecord(message.form, payload, byteCount: byteCount), record.id == message.id
            else {
                damagedCount += 1
                continue
            }
            items.append(
                Item(
                    id: message.id, location: message.location, order: record.order ?? message.location,
                    offset: contents.count, byteCount: record.content.count))
            contents.append(record.content)
        }
    }
}

extension Journal {
    /// Messages wait to be moved forward: the next `append`, which may be an empty one, takes some.
    package var hasPendingMoves: Bool { compaction.block != nil }

    /// When the files hold more than twice what is alive, the segment of which least is alive is emptied.
    func nextCompactionJob() -> MaintenanceJob? {
        guard compaction.block == nil, !compaction.isReading, !isDiskFull else { return nil }
        let segments = index.segments.segments
        let step = configuration.segmentByteCount / 8
        guard
            abs(index.liveByteCount - compaction.lookedAt.liveByteCount) >= step
                || segments.count != compaction.lookedAt.segments
        else { return nil }
        var usedByteCount = 0
        var best: Segment?
        for segment in segments where segment.counters.pointee.liveCount > 0 {
            usedByteCount += segment.byteCount
            if segment === current || segment.isUnreadable { continue }
            guard segment.counters.pointee.liveByteCount <= segment.byteCount / 2 else { continue }
            if let best, Self.liveShare(best) <= Self.liveShare(segment) { continue }
            best = segment
        }
        guard let best, usedByteCount > 2 * index.liveByteCount + 4 * configuration.segmentByteCount else {
            compaction.lookedAt = (index.liveByteCount, segments.count)
            return nil
        }
        compaction.isReading = true
        shared.withLock { best.pinCount += 1 }
        return MaintenanceJob(self, .readLive(MovedBlock(best, liveMessages(best))))
    }

    private static func liveShare(_ segment: Segment) -> Double {
        Double(segment.counters.pointee.liveByteCount) / Double(segment.byteCount)
    }

    private func liveMessages(_ segment: Segment) -> [MovedBlock.Wanted] {
        var wanted: [MovedBlock.Wanted] = []
        wanted.reserveCapacity(segment.counters.pointee.liveCount)
        func append(_ id: UInt64, _ entry: IndexEntry) {
            wanted.append(
                .init(
                    id: id, location: entry.location, byteCount: index.recordByteCount(entry), form: entry.form))
        }
        index.forEachUnmoved(segment, append)
        segment.moved = liveMoved(segment)
        for message in segment.moved { if let entry = index.find(message.id) { append(message.id, entry.pointee) } }
        wanted.sort { $0.location < $1.location }
        return wanted
    }

    func finishReading(_ job: MaintenanceJob, _ block: MovedBlock) throws(JournalError) {
        compaction.isReading = false
        shared.withLock { block.segment.pinCount -= 1 }
        if let failure = job.failure { throw fail(failure) }
        // What cannot be read stays where it is, and is reported when it is asked for.
        if block.damagedCount > 0 { block.segment.isUnreadable = true }
        compaction.next = 0
        compaction.block = block.items.isEmpty ? nil : block
    }

    /// Writes some of what is on its way, as it is alive now.
    func appendMoved() throws(JournalError) {
        guard let block = compaction.block else { return }
        // Settlements of this very batch have to be in the index.
        try flush()
        compaction.buffer.removeAll()
        var ends: [(offset: Int, item: Int)] = []
        var item = compaction.next
        var holders: [UInt32] = []
        while item < block.items.count, compaction.buffer.count < configuration.movedByteCountPerBatch {
            let message = block.items[item]
            item += 1
            guard let entry = index.find(message.id)?.pointee, entry.location == message.location else { continue }
            holders.removeAll(keepingCapacity: true)
            index.forEachHolder(entry) { holders.append($0) }
            holders.withUnsafeBufferPointer {
                compaction.buffer.appendMoved(
                    id: message.id, order: message.order, holders: $0, content: block.content(message))
            }
            ends.append((compaction.buffer.count, item))
        }
        var offset = 0
        if try appendLane(compaction.buffer.bytes, &offset, false) {
            compaction.next = item
        } else {
            // The rest is made anew when there is a segment: by then more of it may have been settled.
            compaction.next = ends.last { $0.offset <= offset }?.item ?? compaction.next
        }
        // The plan points into the buffer.
        try flush()
        if compaction.next == block.items.count {
            compaction.block = nil
            compaction.lookedAt = (-1 << 60, -1)
            compaction.buffer.deallocate()
        }
    }
}
