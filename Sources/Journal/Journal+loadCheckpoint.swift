extension Journal {
    /// No checkpoint is larger: what claims to be is damaged.
    private static let fileByteLimit = 8 << 30

    /// The newest checkpoint that is whole. Both copies say the same afterwards.
    func loadCheckpoint(_ names: [String], _ report: inout RecoveryReport) throws(JournalError) -> CheckpointContent? {
        var found: [(name: String, content: CheckpointContent, bytes: [UInt8])] = []
        var damaged: [String] = []
        for name in JournalFiles.checkpoints where names.contains(name) {
            let bytes = (try? disk.contents(path(name), limit: Self.fileByteLimit)) ?? []
            if let content = bytes.withUnsafeBytes({ CheckpointContent($0) }) {
                found.append((name, content, bytes))
            } else {
                damaged.append(name)
            }
        }
        let newest = found.max { $0.content.generation < $1.content.generation }
        for name in damaged {
            report.damage(
                "\(path(name)) is damaged: "
                    + (newest != nil ? "its copy is used" : "everything in the segments is taken, settled or not"))
        }
        guard let newest else { return nil }
        // What the other copy may still say is about to be overwritten.
        for name in JournalFiles.checkpoints
        where found.first(where: { $0.name == name })?.content.generation != newest.content.generation {
            var failure: JournalError?
            newest.bytes.withUnsafeBytes { bytes in
                do throws(JournalError) {
                    try disk.replaceFile(path(name), in: configuration.directory, bytes)
                } catch { failure = error }
            }
            if let failure { throw failure }
        }
        checkpoint.generation = newest.content.generation
        checkpoint.lastPosition = newest.content.position
        checkpoint.loadedName = newest.name
        return newest.content
    }

    /// Takes in what was alive at the checkpoint, and what was known then.
    func loadIndexFiles(
        _ content: CheckpointContent, _ chain: SegmentChain, _ report: inout RecoveryReport
    ) throws(JournalError) {
        for lane in content.laneHighest.indices { index.lanes[lane].highest = content.laneHighest[lane] }
        index.highestSequence.raise(to: content.highestSequence)
        var rescues: [(Segment, [Range<UInt64>])] = []
        for listed in content.segments where listed.indexNumber != 0 {
            checkpoint.nextIndexNumber = max(checkpoint.nextIndexNumber, listed.indexNumber + 1)
            let isOpen = index.segments.segments.first { $0.header.sequence == listed.header.sequence }
            guard let segment = isOpen else { continue }
            let name = JournalFiles.index(listed.fileNumber, use: listed.indexNumber)
            let bytes = (try? disk.contents(path(name), limit: Self.fileByteLimit)) ?? []
            let end = min(segment.counters.pointee.end, content.position)
            let damaged = bytes.withUnsafeBytes { IndexFile.read($0, segment) { index.load($0, segment) } }
                .map { $0.clamped(to: segment.header.base..<max(segment.header.base, end)) }
            segment.indexNumber = listed.indexNumber
            segment.counters.pointee.isChanged = !damaged.isEmpty || listed.end > content.position
            if !damaged.isEmpty { rescues.append((segment, damaged)) }
        }
        for (segment, ranges) in rescues { try rescue(segment, ranges, &report) }
        for pair in content.early { index.early.insert(pair.id, pair.holder) }
        for removed in content.removedHolders { index.holders.slot(removed.holder).pointee.state = removed.state }
        for (holder, known) in content.marks { index.marks.set(holder, known) }
    }

    /// Takes messages from the segment itself, since its index file does not say which of them are alive.
    private func rescue(
        _ segment: Segment, _ ranges: [Range<UInt64>], _ report: inout RecoveryReport
    ) throws(JournalError) {
        var scanner = SegmentScanner(disk)
        defer { scanner.deallocate() }
        for range in ranges {
            let before = index.liveCount
            scanner.begin(
                segment.file, recordCRC: segment.recordCRC, base: segment.header.base,
                at: segment.offset(of: range.lowerBound), limit: segment.offset(of: range.upperBound))
            walk: while true {
                switch try scanner.next() {
                case .record(let kind, let payload, let byteCount):
                    guard let kind = RecordKind(rawValue: kind), kind != .deliveryMark, kind != .delivered,
                        kind != .holderRemoved, kind != .deliveryCount
                    else { continue }
                    _ = index.apply(
                        kind.rawValue, payload, byteCount: byteCount, position: scanner.position, segment.counters)
                case .badPayload(let kind, let byteCount):
                    report.quarantine(
                        .init(
                            position: scanner.position, byteCount: UInt64(byteCount), path: segment.file.path,
                            offset: scanner.recordOffset, reason: "the payload of kind \(kind) fails its CRC"))
                case .badHeader: _ = try scanner.findNextHeader()
                case .finished: break walk
                }
            }
            report.damage(
                "\(path(JournalFiles.index(segment.fileNumber, use: segment.indexNumber))) is damaged or missing: "
                    + "\(index.liveCount - before) messages of positions \(range.lowerBound) to \(range.upperBound) "
                    + "are taken from the segment, some of which may have been settled before")
        }
    }
}
