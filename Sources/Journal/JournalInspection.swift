/// Looks at the journal of a stopped node and changes nothing: for `check` and `dump`. No node can start meanwhile.
package final class JournalInspection {
    private let journal: Journal
    /// What a start would find.
    package let recovery: Recovery
    private let disk: ReadOnlyDisk

    /// Refuses a directory that is no journal, or whose node is running.
    package init(
        directory: String, disk: Disk, progress: @escaping (RecoveryProgress) -> Void = { _ in }
    ) throws(JournalError) {
        let names = try disk.names(in: directory)
        guard names?.contains(JournalFiles.format) == true else {
            throw .refused("\(directory) is not the directory of a journal")
        }
        self.disk = ReadOnlyDisk(disk)
        let configuration = JournalConfiguration(directory: directory) { 0 }
        journal = try Journal.open(configuration, disk: self.disk)
        journal.isInspection = true
        do throws(JournalError) {
            recovery = try journal.recover(progress: progress)
        } catch {
            try? journal.close()
            throw error
        }
    }

    /// Lets the directory go.
    package func close() { try? journal.close() }

    package struct SegmentSummary: Sendable {
        package let path: String
        package let base: UInt64
        package let end: UInt64
        package let byteCount: Int
        package let liveMessageCount: Int
        package let liveByteCount: Int
    }

    /// The segments in use, in the order of the log.
    package var segments: [SegmentSummary] {
        journal.index.segments.segments.map { segment in
            let counters = segment.counters.pointee
            return SegmentSummary(
                path: segment.file.path, base: counters.base, end: counters.end, byteCount: segment.byteCount,
                liveMessageCount: counters.liveCount, liveByteCount: counters.liveByteCount)
        }
    }

    /// The live messages in the order of the journal, with the holders that have not settled them.
    package func forEachLiveMessage(_ body: (LiveMessage) -> Void) { journal.forEachLiveMessage(body) }

    package struct CheckpointSummary: Sendable {
        /// How many there have been, this one included.
        package let generation: UInt64
        /// What came before this position is in the checkpoint.
        package let position: UInt64
        /// The newer of the two copies.
        package let path: String
    }

    /// The checkpoint from which a start would go on; nil if there is none.
    package var checkpoint: CheckpointSummary? {
        guard let name = journal.checkpoint.loadedName else { return nil }
        return CheckpointSummary(
            generation: journal.checkpoint.generation, position: journal.checkpoint.lastPosition,
            path: journal.path(name))
    }

    package struct Summary: Sendable {
        /// Records by kind.
        package internal(set) var counts: [RecordKind: Int] = [:]
        package internal(set) var byteCounts: [RecordKind: Int] = [:]
        /// Bytes of the live messages' records, and of all other records.
        package internal(set) var liveByteCount = 0
        package internal(set) var deadByteCount = 0
        /// Records of which the payload fails its CRC.
        package internal(set) var damagedCount = 0
        /// Live messages in what is damaged, with or without a right header.
        package internal(set) var damagedLiveCount = 0
        /// Stretches without a right header, before the end of their segment.
        package internal(set) var strangeByteCount = 0

        package var isClean: Bool { damagedCount == 0 && strangeByteCount == 0 }
    }

    /// Reads every record of all segments in use, those before the checkpoint too, which a start does not read.
    package func check() throws(JournalError) -> Summary {
        var summary = Summary()
        try forEachRecord { record in
            let byteCount = record.byteCount
            if record.isLive { summary.liveByteCount += byteCount } else { summary.deadByteCount += byteCount }
            switch record.condition {
            case .whole:
                guard let kind = record.kind else { break }
                summary.counts[kind, default: 0] += 1
                summary.byteCounts[kind, default: 0] += byteCount
            case .damaged:
                summary.damagedCount += 1
                summary.damagedLiveCount += record.liveMessageCount
            case .strange:
                summary.strangeByteCount += byteCount
                summary.damagedLiveCount += record.liveMessageCount
            }
            return true
        }
        return summary
    }

    package enum Condition: Sendable {
        case whole
        /// The header is right, and the payload fails its CRC or is not what the kind says.
        case damaged
        /// No right header: not a record, but what lies before the next one.
        case strange
    }

    package struct InspectedRecord {
        package let position: UInt64
        package let path: String
        package let offset: Int
        /// Header and padding included.
        package let byteCount: Int
        package internal(set) var condition: Condition
        /// Nil if unknown, or if there is no right header.
        package internal(set) var kind: RecordKind?
        /// The kind as its number, which may be none we know; nil if there is no right header.
        package internal(set) var kindNumber: UInt8?
        /// Valid until the closure returns; nil if it fails its CRC or there is no right header.
        package internal(set) var payload: UnsafeRawBufferPointer?
        /// A message's id, and the holders its record names.
        package internal(set) var id: UInt64?
        package internal(set) var holders: [UInt32] = []
        package internal(set) var contentByteCount = 0
        /// Position of a moved message's first record.
        package internal(set) var order: UInt64?
        /// What is settled, by a `settlements` or a `replacement`.
        package internal(set) var settlements: [Settlement] = []
        /// A batch's.
        package internal(set) var synced: UInt64?
        /// A message that is alive and has its place here.
        package var isLive: Bool { liveMessageCount > 0 }
        /// Of a stretch without a right header, how many live messages have their places there.
        package internal(set) var liveMessageCount = 0
    }

    package struct Settlement: Sendable, Equatable {
        package let id: UInt64
        package let holder: UInt32
    }

    /// Calls the closure for each record in the order of the log, until it returns false.
    package func forEachRecord(_ body: (InspectedRecord) -> Bool) throws(JournalError) {
        var scanner = SegmentScanner(disk)
        defer { scanner.deallocate() }
        for segment in journal.index.segments.segments {
            scanner.begin(
                segment.file, recordCRC: segment.recordCRC, base: segment.header.base, at: SegmentHeader.byteCount,
                limit: segment.offset(of: segment.counters.pointee.end))
            walk: while true {
                let record: InspectedRecord
                switch try scanner.next() {
                case .record(let kind, let payload, let byteCount):
                    record = inspect(scanner, kind, payload, byteCount)
                case .badPayload(let kind, _):
                    var damaged = found(scanner, .damaged)
                    damaged.kind = RecordKind(rawValue: kind)
                    damaged.kindNumber = kind
                    damaged.liveMessageCount = liveMessageCount(damaged, segment)
                    record = damaged
                case .badHeader:
                    _ = try scanner.findNextHeader()
                    var strange = found(scanner, .strange)
                    strange.liveMessageCount = liveMessageCount(strange, segment)
                    record = strange
                case .finished: break walk
                }
                guard body(record) else { return }
                if record.kind == .end, record.condition == .whole { break walk }
            }
        }
    }

    private func found(_ scanner: SegmentScanner, _ condition: Condition) -> InspectedRecord {
        InspectedRecord(
            position: scanner.position, path: scanner.file.path, offset: scanner.recordOffset,
            byteCount: scanner.offset - scanner.recordOffset, condition: condition)
    }

    /// What is damaged does not say which messages it is, but the index may.
    private func liveMessageCount(_ record: InspectedRecord, _ segment: Segment) -> Int {
        let locations = liveLocations(segment)
        let end = record.position + UInt64(record.byteCount)
        return Self.firstIndex(locations, end) - Self.firstIndex(locations, record.position)
    }

    /// Index of the first that is not below the bound.
    private static func firstIndex(_ sorted: [UInt64], _ bound: UInt64) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < bound { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private var locations: (segment: ObjectIdentifier, sorted: [UInt64])?

    private func liveLocations(_ segment: Segment) -> [UInt64] {
        if let locations, locations.segment == ObjectIdentifier(segment) { return locations.sorted }
        var found: [UInt64] = []
        journal.index.forEachUnmoved(segment) { found.append($1.location) }
        for message in journal.liveMoved(segment) {
            if let entry = journal.index.find(message.id) { found.append(entry.pointee.location) }
        }
        found.sort()
        locations = (ObjectIdentifier(segment), found)
        return found
    }

    private func inspect(
        _ scanner: SegmentScanner, _ kind: UInt8, _ payload: UnsafeRawPointer, _ byteCount: Int
    ) -> InspectedRecord {
        var record = found(scanner, .whole)
        record.kind = RecordKind(rawValue: kind)
        record.kindNumber = kind
        record.payload = UnsafeRawBufferPointer(start: payload, count: byteCount)
        if !Self.fits(record.kind, payload, byteCount) {
            record.condition = .damaged
            return record
        }
        switch record.kind {
        case .settlements?:
            record.settlements = (0..<byteCount / 12).map { settlement(payload + $0 * 12) }
        case .batch?: record.synced = payload.loadUnaligned(as: UInt64.self)
        case .message?, .replacement?, .moved?: inspectMessage(&record, payload, byteCount)
        default: break
        }
        return record
    }

    /// Whether a payload can be what its kind says, by its size; of messages, `MessageRecord` knows.
    private static func fits(_ kind: RecordKind?, _ payload: UnsafeRawPointer, _ byteCount: Int) -> Bool {
        switch kind {
        case .batch?: return byteCount >= 8
        case .settlements?: return byteCount % 12 == 0
        case .deliveryMark?:
            return byteCount == 16
                && payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self) < UInt32(MessageID.laneLimit)
        case .deliveryCount?: return byteCount == 16
        case .delivered?:
            return byteCount >= 8
                && byteCount == 8 + Int(payload.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) * 8
        case .holderRemoved?: return byteCount >= 4
        case .message?, .replacement?, .moved?, .stateChange?, .end?: return true
        case .stateSnapshot?, nil: return false
        }
    }

    private func settlement(_ pair: UnsafeRawPointer) -> Settlement {
        Settlement(
            id: pair.loadUnaligned(as: UInt64.self), holder: pair.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }

    private func inspectMessage(_ record: inout InspectedRecord, _ payload: UnsafeRawPointer, _ byteCount: Int) {
        guard let form = record.kind.flatMap({ MessageForm($0) }),
            let message = MessageRecord(form, payload, byteCount: byteCount)
        else {
            record.condition = .damaged
            return
        }
        record.id = message.id
        record.holders = (0..<message.holderCount).map {
            message.holders.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)
        }
        record.contentByteCount = message.content.count
        record.order = message.order
        if let settled = message.settled { record.settlements = [Settlement(id: settled.id, holder: settled.holder)] }
        if journal.index.find(message.id)?.pointee.location == record.position { record.liveMessageCount = 1 }
    }
}
