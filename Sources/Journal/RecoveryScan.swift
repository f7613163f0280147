/// A segment of the log and what of it is to be scanned.
struct RecoveryLink {
    let segment: Segment
    /// Where in the file the scan begins and where it ends at the latest.
    let start: Int
    let limit: Int
}

/// The scan of the log during a recovery: takes in what is right, tells damage from the torn end.
///
/// A record that is bad is damaged if some later batch record says that it had been synced; otherwise the log ends
/// there: it was never promised, and what lies behind it is not taken.
struct RecoveryScan {
    let index: LiveIndex
    let disk: Disk
    let links: [RecoveryLink]
    var recovery = Recovery()
    /// Everything before was synced, as far as is known.
    var synced: UInt64
    private let start: UInt64
    private let progress: (RecoveryProgress) -> Void
    private var scanner: SegmentScanner
    private var totalByteCount = 0
    private var reportedByteCount = 0
    /// All of the log behind the first bad record was searched for batch records, so `synced` cannot rise any more.
    private var hasLookedAhead = false

    /// Where the log ends: the link whose segment holds the end, and the position.
    struct End {
        var link: Int
        var position: UInt64
        /// The segment says itself that it ends here.
        var isSealed: Bool
    }

    private static let progressByteCount = 64 << 20

    /// `start`: the checkpoint's position, where the log has to begin.
    init(
        _ index: LiveIndex, _ disk: Disk, _ links: [RecoveryLink], from start: UInt64,
        progress: @escaping (RecoveryProgress) -> Void
    ) {
        self.index = index
        self.disk = disk
        self.links = links
        self.start = start
        synced = start
        self.progress = progress
        scanner = SegmentScanner(disk)
        totalByteCount = links.reduce(0) { $0 + max(0, $1.limit - $1.start) }
    }

    func deallocate() { scanner.deallocate() }

    /// Scans all links. Nil if there are none.
    mutating func run() throws(JournalError) -> End? {
        let end = try scanLinks()
        if scanner.unreadableByteCount > 0 {
            recovery.report.damage("the disk could not read \(scanner.unreadableByteCount) bytes of the segments")
        }
        return end
    }

    private mutating func scanLinks() throws(JournalError) -> End? {
        var end: End?
        for number in links.indices {
            let link = links[number]
            let reached = end?.position ?? start
            if reached < link.segment.header.base, !(try bridge(from: end, to: number)) { return end }
            let found = try scan(number)
            end = found.end
            if found.isTorn {
                recovery.report.tornByteCount = try countWhole(from: found.end)
                return end
            }
        }
        progress(RecoveryProgress(byteCount: totalByteCount, totalByteCount: totalByteCount))
        return end
    }

    /// A segment between two others is missing: damage, or the log ends before it. True to go on.
    private mutating func bridge(from end: End?, to number: Int) throws(JournalError) -> Bool {
        let base = links[number].segment.header.base
        let position = end?.position ?? start
        guard try wasSynced(position, from: number, at: links[number].start) else {
            recovery.report.tornByteCount = try countWhole(from: number, at: links[number].start)
            return false
        }
        let segment = links[number].segment
        quarantine(
            position, base - position, segment.file.path, SegmentHeader.byteCount,
            "the segment before this one is missing")
        return true
    }

    private mutating func quarantine(
        _ position: UInt64, _ byteCount: UInt64, _ path: String, _ offset: Int, _ reason: String
    ) {
        recovery.report.quarantine(
            .init(position: position, byteCount: byteCount, path: path, offset: offset, reason: reason))
    }

    private mutating func begin(_ number: Int, at offset: Int) {
        let link = links[number]
        scanner.begin(
            link.segment.file, recordCRC: link.segment.recordCRC, base: link.segment.header.base, at: offset,
            limit: link.limit)
    }

    private mutating func scan(_ number: Int) throws(JournalError) -> (end: End, isTorn: Bool) {
        begin(number, at: links[number].start)
        let counters = links[number].segment.counters
        while true {
            switch try scanner.next() {
            case .record(let kind, let payload, let byteCount):
                recovery.report.recordCount += 1
                if kind == RecordKind.end.rawValue {
                    recovery.report.scannedByteCount += scanner.offset - links[number].start
                    return (End(link: number, position: positionOfOffset(), isSealed: true), false)
                }
                if !take(kind, payload, byteCount, counters) {
                    quarantine(
                        scanner.position, UInt64(Record.byteCount(payload: byteCount)), scanner.file.path,
                        scanner.recordOffset, "the payload is not what its kind \(kind) says")
                }
                reportProgress(number)
            case .badPayload(let kind, let byteCount):
                guard try wasSyncedHere(number) else { return torn(number) }
                quarantine(
                    scanner.position, UInt64(byteCount), scanner.file.path, scanner.recordOffset,
                    "the payload of kind \(kind) fails its CRC")
            case .badHeader:
                guard try wasSyncedHere(number) else { return torn(number) }
                let position = scanner.position
                let offset = scanner.recordOffset
                _ = try scanner.findNextHeader()
                quarantine(
                    position, UInt64(scanner.offset - offset), scanner.file.path, offset,
                    "no right record header")
            case .finished:
                recovery.report.scannedByteCount += scanner.offset - links[number].start
                return (End(link: number, position: positionOfOffset(), isSealed: false), false)
            }
        }
    }

    private func positionOfOffset() -> UInt64 { scanner.position + UInt64(scanner.offset - scanner.recordOffset) }

    private mutating func torn(_ number: Int) -> (end: End, isTorn: Bool) {
        recovery.report.scannedByteCount += scanner.recordOffset - links[number].start
        return (End(link: number, position: scanner.position, isSealed: false), true)
    }

    private mutating func reportProgress(_ number: Int) {
        let done = recovery.report.scannedByteCount + scanner.offset - links[number].start
        guard done - reportedByteCount >= Self.progressByteCount else { return }
        reportedByteCount = done
        progress(RecoveryProgress(byteCount: done, totalByteCount: totalByteCount))
    }

    private mutating func take(
        _ kind: UInt8, _ payload: UnsafeRawPointer, _ byteCount: Int, _ counters: UnsafeMutablePointer<SegmentCounters>
    ) -> Bool {
        guard index.apply(kind, payload, byteCount: byteCount, position: scanner.position, counters) else {
            return false
        }
        if kind == RecordKind.stateChange.rawValue {
            recovery.stateChanges.append([UInt8](UnsafeRawBufferPointer(start: payload, count: byteCount)))
        } else if kind == RecordKind.batch.rawValue {
            guard byteCount >= 8 else { return false }
            synced.raise(to: min(payload.loadUnaligned(as: UInt64.self), scanner.position))
        }
        return true
    }

    // MARK: Looking ahead

    /// Whether the record of the last step had been synced. The scanner is where it was before.
    private mutating func wasSyncedHere(_ number: Int) throws(JournalError) -> Bool {
        let record = scanner.recordOffset
        let mustReturn = scanner.position >= synced && !hasLookedAhead
        let answer = try wasSynced(scanner.position, from: number, at: record)
        if mustReturn {
            begin(number, at: record)
            _ = try scanner.next()
        }
        return answer
    }

    /// Whether `position` had been synced, according to the batch records from a place of the log on.
    private mutating func wasSynced(_ position: UInt64, from number: Int, at offset: Int) throws(JournalError) -> Bool {
        if position < synced { return true }
        if hasLookedAhead { return false }
        hasLookedAhead = true
        var highest: UInt64 = 0
        try lookAhead(from: number, at: offset) { kind, payload, byteCount, position in
            if kind == RecordKind.batch.rawValue, byteCount >= 8 {
                highest.raise(to: min(payload.loadUnaligned(as: UInt64.self), position))
            }
        }
        synced.raise(to: highest)
        return position < synced
    }

    private mutating func countWhole(from end: End) throws(JournalError) -> Int {
        try countWhole(from: end.link, at: links[end.link].segment.offset(of: end.position))
    }

    private mutating func countWhole(from number: Int, at offset: Int) throws(JournalError) -> Int {
        var count = 0
        try lookAhead(from: number, at: offset) { _, _, byteCount, _ in count += Record.byteCount(payload: byteCount) }
        return count
    }

    /// All whole records from a place of the log on, none of which is taken in.
    private mutating func lookAhead(
        from number: Int, at offset: Int, _ body: (UInt8, UnsafeRawPointer, Int, UInt64) -> Void
    ) throws(JournalError) {
        for later in number..<links.count {
            begin(later, at: later == number ? offset : links[later].start)
            walk: while true {
                switch try scanner.next() {
                case .record(let kind, let payload, let byteCount):
                    body(kind, payload, byteCount, scanner.position)
                    if kind == RecordKind.end.rawValue { break walk }
                case .badPayload: continue
                case .badHeader: _ = try scanner.findNextHeader()
                case .finished: break walk
                }
            }
        }
    }
}
