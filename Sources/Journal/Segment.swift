import CRC32C

/// What a segment file begins with: which use of the file this is. Two copies, so that one bad sector does not cost the
/// segment.
struct SegmentHeader: Equatable {
    static let byteCount = 8192
    static let copyByteCount = 4096
    static let version: UInt32 = 1
    private static let magic: UInt64 = 0x544e_4d47_4553_564c
    private static let fieldByteCount = 48

    /// Rises by one with each use of any file.
    var sequence: UInt64
    /// Position of the first record.
    var base: UInt64
    /// Size of the file.
    var fileByteCount: UInt64
    var seed: UInt64

    /// What the CRCs of record headers begin with.
    var recordCRC: UInt32 { crc32c_number(0, seed) }

    func write(to buffer: UnsafeMutableRawBufferPointer) {
        guard let base = buffer.baseAddress, buffer.count >= Self.byteCount else { return }
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        for copy in [base, base + Self.copyByteCount] {
            copy.storeBytes(of: Self.magic, as: UInt64.self)
            copy.storeBytes(of: Self.version, toByteOffset: 8, as: UInt32.self)
            copy.storeBytes(of: sequence, toByteOffset: 16, as: UInt64.self)
            copy.storeBytes(of: self.base, toByteOffset: 24, as: UInt64.self)
            copy.storeBytes(of: fileByteCount, toByteOffset: 32, as: UInt64.self)
            copy.storeBytes(of: seed, toByteOffset: 40, as: UInt64.self)
            copy.storeBytes(
                of: crc32c(0, copy, Self.fieldByteCount), toByteOffset: Self.fieldByteCount, as: UInt32.self)
        }
    }

    /// What both copies say.
    enum Reading: Equatable {
        /// Never used, or given back.
        case blank
        /// Neither copy can be trusted.
        case damaged
        /// `isWhole` is false if the other copy is damaged.
        case header(SegmentHeader, isWhole: Bool)
    }

    static func read(_ buffer: UnsafeRawBufferPointer) -> Reading {
        guard buffer.count >= byteCount else { return .damaged }
        let copies = [0, copyByteCount].map { copy(UnsafeRawBufferPointer(rebasing: buffer[$0..<$0 + copyByteCount])) }
        switch (copies[0], copies[1]) {
        // A crash while a header was written leaves the old one beside the new one; the old segment was free.
        case (let first?, let second?):
            return .header(first.sequence >= second.sequence ? first : second, isWhole: true)
        case (let header?, nil): return .header(header, isWhole: isBlank(buffer[copyByteCount..<byteCount]))
        case (nil, let header?): return .header(header, isWhole: isBlank(buffer[..<copyByteCount]))
        case (nil, nil): return buffer.allSatisfy { $0 == 0 } ? .blank : .damaged
        }
    }

    /// A power loss may have left one copy unwritten.
    private static func isBlank(_ copy: Slice<UnsafeRawBufferPointer>) -> Bool { copy.allSatisfy { $0 == 0 } }

    private static func copy(_ buffer: UnsafeRawBufferPointer) -> SegmentHeader? {
        guard let base = buffer.baseAddress, buffer.load(as: UInt64.self) == magic,
            buffer.load(fromByteOffset: 8, as: UInt32.self) == version,
            buffer.load(fromByteOffset: fieldByteCount, as: UInt32.self) == crc32c(0, base, fieldByteCount)
        else { return nil }
        return SegmentHeader(
            sequence: buffer.load(fromByteOffset: 16, as: UInt64.self),
            base: buffer.load(fromByteOffset: 24, as: UInt64.self),
            fileByteCount: buffer.load(fromByteOffset: 32, as: UInt64.self),
            seed: buffer.load(fromByteOffset: 40, as: UInt64.self))
    }
}

/// The sequences of one lane's messages in one segment, both ends included. None when `first` is above `last`.
struct LaneRange {
    var first = UInt64.max
    var last: UInt64 = 0
}

/// What changes with every message and every settlement, apart from `Segment` so that it is reached by one pointer.
struct SegmentCounters {
    var base: UInt64
    /// Position behind the last record; of the segment that is being written, behind the last that it can hold.
    var end: UInt64
    var liveCount = 0
    /// Bytes of the live messages' records.
    var liveByteCount = 0
    /// Since its index file was written.
    var isChanged = true
    /// One for each lane. Since a lane's messages are written in order, this is enough to find those of a segment
    /// again.
    let lanes: UnsafeMutablePointer<LaneRange>
    unowned(unsafe) let segment: Segment
}

/// A message that was moved here, and its place in the order.
struct MovedMessage {
    let id: UInt64
    let order: UInt64
}

/// A segment in use. Belongs to the journal's thread, but for the reader, which looks at it under the index's lock.
final class Segment {
    let file: DiskFile
    let fileNumber: Int
    let header: SegmentHeader
    let recordCRC: UInt32
    private(set) var counters: UnsafeMutablePointer<SegmentCounters>
    var moved: [MovedMessage] = []
    /// Readings under way: the file keeps its content as long as there are any.
    var pinCount = 0
    /// The number behind the index file's name; 0 if there is none.
    var indexNumber = 0
    /// A record could not be moved, so compaction leaves the segment alone.
    var isUnreadable = false

    init(file: DiskFile, fileNumber: Int, header: SegmentHeader, end: UInt64) {
        self.file = file
        self.fileNumber = fileNumber
        self.header = header
        recordCRC = header.recordCRC
        let lanes = UnsafeMutablePointer<LaneRange>.allocate(capacity: MessageID.laneLimit)
        lanes.initialize(repeating: LaneRange(), count: MessageID.laneLimit)
        counters = .allocate(capacity: 1)
        counters.initialize(to: SegmentCounters(base: header.base, end: end, lanes: lanes, segment: self))
    }

    deinit {
        counters.pointee.lanes.deallocate()
        counters.deallocate()
    }

    var byteCount: Int { Int(header.fileByteCount) }

    /// Offset in the file of a position in this segment.
    @inline(__always)
    func offset(of position: UInt64) -> Int { Int(position &- header.base) + SegmentHeader.byteCount }
}

/// The segments in use in the order of the log, found by position.
struct SegmentTable {
    private(set) var segments: [Segment] = []
    private var last: UnsafeMutablePointer<SegmentCounters>?

    mutating func append(_ segment: Segment) {
        segments.append(segment)
        last = segment.counters
    }

    mutating func remove(_ segment: Segment) {
        segments.removeAll { $0 === segment }
        last = nil
    }

    /// As `find`, for the reader: changes nothing.
    func segment(at position: UInt64) -> Segment? {
        let index = firstIndex(endingAfter: position)
        guard index < segments.count, segments[index].counters.pointee.base <= position else { return nil }
        return segments[index]
    }

    @inline(__always)
    mutating func find(_ position: UInt64) -> UnsafeMutablePointer<SegmentCounters>? {
        if let last, position >= last.pointee.base, position < last.pointee.end { return last }
        return search(position)
    }

    @inline(never)
    private mutating func search(_ position: UInt64) -> UnsafeMutablePointer<SegmentCounters>? {
        let index = firstIndex(endingAfter: position)
        guard index < segments.count, segments[index].counters.pointee.base <= position else { return nil }
        last = segments[index].counters
        return last
    }

    private func firstIndex(endingAfter position: UInt64) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].counters.pointee.end <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
