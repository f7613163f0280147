import CRC32C

/// What a checkpoint says: all that is needed to go on from a position of the log, apart from the index files.
struct CheckpointContent {
    struct SegmentInUse {
        var fileNumber: Int
        var header: SegmentHeader
        var end: UInt64
        /// 0 if there is no index file.
        var indexNumber: Int
    }

    /// Rises with each checkpoint.
    var generation: UInt64 = 0
    /// The log is to be replayed from here.
    var position: UInt64 = 0
    var highestSequence: UInt64 = 0
    /// Segments with a higher sequence came later; others that are not listed are free.
    var highestSegmentSequence: UInt64 = 0
    var laneHighest = [UInt64](repeating: 0, count: MessageID.laneLimit)
    var segments: [SegmentInUse] = []
    var early: [EarlySettlements.Pair] = []
    /// Holder and state, as `HolderTable` has them.
    var removedHolders: [(holder: UInt32, state: UInt32)] = []
    var marks: [UInt32: DeliveryMarks.Holder] = [:]
    var state: [UInt8] = []

    private static let magic: UInt64 = 0x5450_4b43_5456_4c4c
    private static let prefixByteCount = 24

    func make() -> ByteWriter {
        let writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(UInt64(0))
        writer.append(UInt64(0))
        for number in [generation, position, highestSequence, highestSegmentSequence] { writer.append(number) }
        for highest in laneHighest { writer.append(highest) }
        writer.append(UInt64(segments.count))
        for segment in segments {
            writer.append(UInt64(segment.fileNumber))
            writer.append(segment.header.sequence)
            writer.append(segment.header.base)
            writer.append(segment.header.fileByteCount)
            writer.append(segment.header.seed)
            writer.append(segment.end)
            writer.append(UInt64(segment.indexNumber))
        }
        writer.append(UInt64(early.count))
        for pair in early {
            writer.append(pair.id)
            writer.append(UInt64(pair.holder))
        }
        writer.append(UInt64(removedHolders.count))
        for removed in removedHolders {
            writer.append(removed.holder)
            writer.append(removed.state)
        }
        makeMarks(writer)
        writer.append(UInt64(state.count))
        state.withUnsafeBytes { writer.append($0) }
        finish(writer)
        return writer
    }

    private func makeMarks(_ writer: ByteWriter) {
        writer.append(UInt64(marks.count))
        for (holder, known) in marks {
            writer.append(holder)
            writer.append(UInt32(known.isListOpen ? 1 : 0))
            writer.append(UInt64(known.marks.count))
            for (lane, sequence) in known.marks {
                writer.append(UInt64(lane))
                writer.append(sequence)
            }
            writer.append(UInt64(known.delivered.count))
            for id in known.delivered { writer.append(id) }
            writer.append(UInt64(known.counts.count))
            for (id, count) in known.counts {
                writer.append(id)
                writer.append(UInt64(count))
            }
        }
    }

    private func finish(_ writer: ByteWriter) {
        guard let base = writer.bytes.baseAddress else { return }
        let prefix = Self.prefixByteCount
        let count = UInt64(writer.count - prefix)
        writer.store(UInt32(truncatingIfNeeded: count), at: 16)
        writer.store(UInt32(truncatingIfNeeded: count >> 32), at: 20)
        writer.store(crc32c(0, base + 16, writer.count - 16), at: 8)
    }

    /// Nil if anything is wrong with the file.
    init?(_ file: UnsafeRawBufferPointer) {
        var reader = ByteReader(file)
        guard reader.number(UInt64.self) == Self.magic, let crc = reader.number(UInt32.self),
            reader.number(UInt32.self) == 0, let count = reader.number(UInt64.self), count == UInt64(reader.left),
            let base = file.baseAddress, crc == crc32c(0, base + 16, file.count - 16),
            let generation = reader.number(UInt64.self), let position = reader.number(UInt64.self),
            let highest = reader.number(UInt64.self), let highestSegment = reader.number(UInt64.self)
        else { return nil }
        self.generation = generation
        self.position = position
        highestSequence = highest
        highestSegmentSequence = highestSegment
        for lane in laneHighest.indices {
            guard let highest = reader.number(UInt64.self) else { return nil }
            laneHighest[lane] = highest
        }
        guard readSegments(&reader), readEarly(&reader), readMarks(&reader), let stateCount = reader.count(of: 1),
            let state = reader.bytes(stateCount)
        else { return nil }
        self.state = Array(state)
    }

    init() {}

    private mutating func readSegments(_ reader: inout ByteReader) -> Bool {
        guard let count = reader.count(of: 56) else { return false }
        for _ in 0..<count {
            let numbers = (0..<7).compactMap { _ in reader.number(UInt64.self) }
            guard numbers.count == 7 else { return false }
            let header = SegmentHeader(
                sequence: numbers[1], base: numbers[2], fileByteCount: numbers[3], seed: numbers[4])
            guard SegmentDirectory.isPlausible(header), numbers[0] < 1 << 50, numbers[6] < 1 << 50,
                numbers[5] >= header.base
            else { return false }
            segments.append(
                SegmentInUse(
                    fileNumber: Int(numbers[0]), header: header, end: numbers[5], indexNumber: Int(numbers[6])))
        }
        return true
    }

    private mutating func readEarly(_ reader: inout ByteReader) -> Bool {
        guard let count = reader.count(of: 16) else { return false }
        for _ in 0..<count {
            guard let id = reader.number(UInt64.self), let holder = reader.number(UInt64.self) else { return false }
            early.append(EarlySettlements.Pair(id: id, holder: UInt32(truncatingIfNeeded: holder)))
        }
        guard let removedCount = reader.count(of: 8) else { return false }
        for _ in 0..<removedCount {
            guard let holder = reader.number(UInt32.self), let state = reader.number(UInt32.self) else { return false }
            removedHolders.append((holder, state))
        }
        return true
    }

    private mutating func readMarks(_ reader: inout ByteReader) -> Bool {
        guard let count = reader.count(of: 32) else { return false }
        for _ in 0..<count {
            guard let holder = reader.number(UInt32.self), let flags = reader.number(UInt32.self),
                let markCount = reader.count(of: 16)
            else { return false }
            var known = DeliveryMarks.Holder()
            known.isListOpen = flags & 1 != 0
            for _ in 0..<markCount {
                guard let lane = reader.number(UInt64.self), let sequence = reader.number(UInt64.self),
                    lane < MessageID.laneLimit
                else { return false }
                known.marks[Int(lane)] = sequence
            }
            guard let deliveredCount = reader.count(of: 8) else { return false }
            for _ in 0..<deliveredCount {
                guard let id = reader.number(UInt64.self) else { return false }
                known.delivered.insert(id)
            }
            guard let countCount = reader.count(of: 16) else { return false }
            for _ in 0..<countCount {
                guard let id = reader.number(UInt64.self), let count = reader.number(UInt64.self) else { return false }
                known.counts[id] = UInt32(clamping: count)
            }
            marks[holder] = known
        }
        return true
    }
}
