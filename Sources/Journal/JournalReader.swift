import CRC32C

/// What became of a message that was to be read.
package enum ReadOutcome {
    /// Valid until the closure returns.
    case content(UnsafeRawBufferPointer)
    /// All its holders have settled it, or it was never written.
    case missing
    /// Its bytes cannot be read, or do not pass their CRC.
    case damaged
}

/// Reads messages back, on one other thread, while the journal's thread goes on.
package final class JournalReader: @unchecked Sendable {
    private let shared: SharedIndex
    private let disk: Disk
    private var buffer: UnsafeMutableRawBufferPointer

    private static let bufferByteCount = 1 << 20
    /// Messages so close together are read in one go.
    private static let gapByteCount = 64 << 10
    /// Memory above this is not kept for the next call.
    private static let keptByteCount = 8 << 20

    private struct Wanted {
        let location: UInt64
        let byteCount: Int
        /// Index into what was asked for.
        let index: Int
        let form: MessageForm
        /// Index into the pinned segments.
        let segment: Int
    }

    init(_ shared: SharedIndex, _ disk: Disk) {
        self.shared = shared
        self.disk = disk
        buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// Calls the closure once for each id, in the order in which the messages lie in the log, with the id's index. The
    /// closure must not call the journal.
    package func read(_ ids: [UInt64], _ body: (Int, ReadOutcome) -> Void) {
        read(ids, takingBlocks: nil, body)
    }

    /// As `read`, but what the closure gets stays valid: it lies in blocks that are handed over, each with its size,
    /// before the first message in it is told of. The receiver deallocates them, later than this returns. Contents
    /// begin at multiples of 8 bytes, and the 8 bytes before each are free to use.
    package func read(
        _ ids: [UInt64], blocks: (UnsafeMutableRawPointer, Int) -> Void, _ body: (Int, ReadOutcome) -> Void
    ) {
        withoutActuallyEscaping(blocks) { read(ids, takingBlocks: $0, body) }
    }

    private func read(
        _ ids: [UInt64], takingBlocks take: ((UnsafeMutableRawPointer, Int) -> Void)?,
        _ body: (Int, ReadOutcome) -> Void
    ) {
        var wanted: [Wanted] = []
        wanted.reserveCapacity(ids.count)
        var missing: [Int] = []
        var segments: [Segment] = []
        shared.withLock { resolve(ids, &wanted, &missing, &segments) }
        for index in missing { body(index, .missing) }
        wanted.sort { $0.location < $1.location }
        var first = 0
        while first < wanted.count {
            let last = groupEnd(wanted, first)
            readGroup(ids, wanted[first..<last], segments[wanted[first].segment], take, body)
            first = last
        }
        shared.withLock { for segment in segments { segment.pinCount -= 1 } }
        if buffer.count > Self.keptByteCount { replaceBuffer(Self.bufferByteCount) }
    }

    private func resolve(
        _ ids: [UInt64], _ wanted: inout [Wanted], _ missing: inout [Int], _ segments: inout [Segment]
    ) {
        let index = shared.index
        for (place, id) in ids.enumerated() {
            guard let entry = index.peek(id) else {
                missing.append(place)
                continue
            }
            let location = entry.location
            var pinned = segments.lastIndex {
                location >= $0.counters.pointee.base && location < $0.counters.pointee.end
            }
            if pinned == nil, let segment = index.segments.segment(at: location) {
                segment.pinCount += 1
                pinned = segments.count
                segments.append(segment)
            }
            guard let pinned else {
                missing.append(place)
                continue
            }
            wanted.append(
                Wanted(
                    location: location, byteCount: index.recordByteCount(entry), index: place, form: entry.form,
                    segment: pinned))
        }
    }

    /// The messages from `first` on that one read brings.
    private func groupEnd(_ wanted: [Wanted], _ first: Int) -> Int {
        var end = wanted[first].location + UInt64(wanted[first].byteCount)
        var next = first + 1
        while next < wanted.count, wanted[next].segment == wanted[first].segment {
            let newEnd = max(end, wanted[next].location + UInt64(wanted[next].byteCount))
            if wanted[next].location > end + UInt64(Self.gapByteCount)
                || newEnd - wanted[first].location > UInt64(Self.bufferByteCount)
            {
                break
            }
            end = newEnd
            next += 1
        }
        return next
    }

    private func replaceBuffer(_ byteCount: Int) {
        buffer.deallocate()
        buffer = .allocate(byteCount: byteCount, alignment: 16)
    }

    private func readGroup(
        _ ids: [UInt64], _ group: ArraySlice<Wanted>, _ segment: Segment,
        _ take: ((UnsafeMutableRawPointer, Int) -> Void)?, _ body: (Int, ReadOutcome) -> Void
    ) {
        guard let first = group.first, let last = group.last else { return }
        let byteCount = Int(last.location - first.location) + last.byteCount
        let wantedByteCount = group.reduce(0) { $0 + $1.byteCount }
        // What lies between the messages is not to stay in memory as long as they do.
        var sparse: SparseBlock?
        if take != nil, wantedByteCount * 2 < byteCount { sparse = SparseBlock(byteCount: wantedByteCount) }
        let target: UnsafeMutableRawBufferPointer
        if take != nil, sparse == nil {
            target = .allocate(byteCount: byteCount, alignment: 16)
        } else {
            if byteCount > buffer.count { replaceBuffer(byteCount) }
            target = UnsafeMutableRawBufferPointer(rebasing: buffer[0..<byteCount])
        }
        let block = sparse?.memory ?? target
        if let take, let base = block.baseAddress { take(base, block.count) }
        let got = (try? disk.read(segment.file, into: target, at: segment.offset(of: first.location))) ?? 0
        for message in group {
            let offset = Int(message.location - first.location)
            guard offset + message.byteCount <= got,
                let content = Self.content(
                    UnsafeRawBufferPointer(rebasing: target[offset..<offset + message.byteCount]), message,
                    id: ids[message.index], segment.recordCRC)
            else {
                body(message.index, .damaged)
                continue
            }
            body(message.index, .content(sparse?.append(content) ?? content))
        }
    }

    /// Memory for the contents of messages that lie far apart in the log: each behind 8 bytes that are free to use.
    private struct SparseBlock {
        let memory: UnsafeMutableRawBufferPointer
        private var end = 0

        /// `byteCount`: of the records, which are larger than what is kept of them.
        init(byteCount: Int) { memory = .allocate(byteCount: byteCount, alignment: 16) }

        mutating func append(_ content: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer(rebasing: memory[end + 8..<end + 8 + content.count])
            copy.copyMemory(from: content)
            end += 8 + (content.count + 7) & ~7
            return UnsafeRawBufferPointer(copy)
        }
    }

    /// The content of a record, if it is whole and the one that was meant.
    private static func content(
        _ bytes: UnsafeRawBufferPointer, _ wanted: Wanted, id: UInt64, _ crc: UInt32
    ) -> UnsafeRawBufferPointer? {
        guard let record = bytes.baseAddress else { return nil }
        let payload = Int(record.load(as: UInt32.self))
        guard
            record.load(fromByteOffset: Record.headerCRCOffset, as: UInt32.self)
                == crc32c_number_and_12_bytes(crc, wanted.location, record),
            Record.byteCount(payload: payload) == wanted.byteCount,
            record.load(fromByteOffset: Record.kindOffset, as: UInt8.self) == wanted.form.kind.rawValue,
            record.load(fromByteOffset: Record.payloadCRCOffset, as: UInt32.self)
                == crc32c(0, record + Record.headerByteCount, payload),
            let message = MessageRecord(wanted.form, record + Record.headerByteCount, byteCount: payload),
            message.id == id
        else { return nil }
        return message.content
    }
}
