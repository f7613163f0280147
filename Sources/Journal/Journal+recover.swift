extension Journal {
    /// Reads what the directory holds. Has to be called once, after `open` and before anything else; the thread is of
    /// no matter. `progress` is told about every 64 MiB.
    ///
    /// Damage does not stop it: what cannot be read is left out and reported.
    package func recover(progress: @escaping (RecoveryProgress) -> Void = { _ in }) throws(JournalError) -> Recovery {
        guard !isRecovered, !hasFailed else { throw .failedBefore }
        do throws(JournalError) {
            let recovery = try recoverLog(progress)
            isRecovered = true
            return recovery
        } catch {
            throw fail(error)
        }
    }

    private func recoverLog(_ progress: @escaping (RecoveryProgress) -> Void) throws(JournalError) -> Recovery {
        let names = try removeTemporaries(try disk.names(in: configuration.directory) ?? [])
        var report = RecoveryReport()
        let checkpoint = try loadCheckpoint(names, &report)
        let position = checkpoint?.position ?? 0
        let directory = try SegmentDirectory.read(configuration.directory, names, disk)
        nextFileNumber = (directory.files.map(\.number).max() ?? 0) + 1
        let chain = SegmentChain(directory, checkpoint, &report)
        nextSegmentSequence = chain.highestSequence + 1
        let links = open(chain, from: position)
        if let checkpoint { try loadIndexFiles(checkpoint, chain, &report) }
        var scan = RecoveryScan(index, disk, links, from: position, progress: progress)
        defer { scan.deallocate() }
        scan.recovery.report = report
        scan.recovery.stateSnapshot = checkpoint?.state
        let end = try scan.run()
        try settleEnd(end, links, from: position)
        try reclaim(directory, chain)
        return finishRecovery(scan.recovery)
    }

    /// What was half written when the node ended goes before anything else: recovery writes files by such names itself.
    /// Returns the names that are left.
    private func removeTemporaries(_ names: [String]) throws(JournalError) -> [String] {
        for name in names where JournalFiles.isTemporary(name) && JournalFiles.isContent(name) {
            try disk.unlink(path(name))
        }
        return names.filter { !JournalFiles.isTemporary($0) }
    }

    /// Makes segments of all in the chain, and links of those that lie behind a position.
    private func open(_ chain: SegmentChain, from position: UInt64) -> [RecoveryLink] {
        var links: [RecoveryLink] = []
        for item in chain.items {
            let segment = Segment(
                file: item.file.file, fileNumber: item.file.number, header: item.header, end: item.end)
            index.segments.append(segment)
            guard item.end > position || item.header.base >= position else { continue }
            links.append(
                RecoveryLink(
                    segment: segment, start: segment.offset(of: max(position, item.header.base)),
                    limit: segment.offset(of: item.end)))
        }
        return links
    }

    /// Makes sure that what was found is on stable storage and that what lies behind the end is never taken for valid,
    /// whatever comes.
    private func settleEnd(
        _ end: RecoveryScan.End?, _ links: [RecoveryLink], from position: UInt64
    ) throws(JournalError) {
        nextBase = max(end?.position ?? position, position)
        for (number, link) in links.enumerated() {
            let segment = link.segment
            guard let end, number <= end.link, number < end.link || end.position > segment.header.base else {
                try discard(segment)
                continue
            }
            if number == end.link {
                if !end.isSealed, !isInspection,
                    segment.offset(of: end.position) + WritePlan.endByteCount <= segment.byteCount
                {
                    try writeEnd(segment, at: end.position)
                    nextBase = end.position + UInt64(WritePlan.endByteCount)
                }
                segment.counters.pointee.end = nextBase
            }
            try disk.sync(segment.file)
        }
        writtenPosition = nextBase
        syncedPosition = nextBase
    }

    private func discard(_ segment: Segment) throws(JournalError) {
        try Self.blank(segment.file, disk)
        try disk.sync(segment.file)
        index.segments.remove(segment)
        pool.append(
            PreparedSegment(file: segment.file, fileNumber: segment.fileNumber, byteCount: segment.byteCount))
    }

    /// Makes a segment's header say that it is free.
    static func blank(_ file: DiskFile, _ disk: Disk) throws(JournalError) {
        let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: SegmentHeader.byteCount, alignment: 16)
        defer { zeros.deallocate() }
        zeros.initializeMemory(as: UInt8.self, repeating: 0)
        try disk.write(file, UnsafeRawBufferPointer(zeros), at: 0)
    }

    private func writeEnd(_ segment: Segment, at position: UInt64) throws(JournalError) {
        let record = UnsafeMutableRawBufferPointer.allocate(byteCount: WritePlan.endByteCount, alignment: 16)
        defer { record.deallocate() }
        guard let base = record.baseAddress else { return }
        base.storeBytes(of: UInt64(RecordKind.end.rawValue) << 32, as: UInt64.self)
        seal(base, payload: 0, position: position, segment.recordCRC)
        try disk.write(segment.file, UnsafeRawBufferPointer(record), at: segment.offset(of: position))
    }

    /// Segments that hold nothing are ready for use, as many as are wanted; the rest of them goes. Those that cannot be
    /// understood stay as they are: they may be all that is left of something.
    private func reclaim(_ directory: SegmentDirectory, _ chain: SegmentChain) throws(JournalError) {
        // Mending a copy of the checkpoint has changed them.
        let names = try disk.names(in: configuration.directory) ?? []
        for name in names where JournalFiles.isTemporary(name) && JournalFiles.isContent(name) {
            try disk.unlink(path(name))
        }
        let used = Set(index.segments.segments.map { JournalFiles.index($0.fileNumber, use: $0.indexNumber) })
        for name in names where JournalFiles.isIndex(name) && !used.contains(name) {
            try disk.unlink(path(name))
        }
        let kept = Set(chain.items.map(\.file.number))
        for file in directory.files where !kept.contains(file.number) {
            if chain.strange.contains(file.number) {
                disk.close(file.file)
            } else if file.byteCount == configuration.segmentByteCount, pool.count < configuration.pooledSegmentLimit {
                if file.reading != .blank {
                    try Self.blank(file.file, disk)
                    try disk.sync(file.file)
                }
                pool.append(PreparedSegment(file: file.file, fileNumber: file.number, byteCount: file.byteCount))
            } else {
                disk.close(file.file)
                try disk.unlink(file.file.path)
            }
        }
    }

    private func finishRecovery(_ found: Recovery) -> Recovery {
        // Messages that did not come before the end do not come any more.
        index.early.removeAll()
        for lane in 0..<MessageID.laneLimit { index.lanes[lane].highest = index.highestSequence }
        if var sweep = index.beginSweep() { while index.go(on: &sweep, chunkCount: 1024) {} }
        var recovery = found
        recovery.nextSequence = index.highestSequence + 1
        recovery.report.segmentCount = index.segments.segments.count
        recovery.report.liveMessageCount = index.liveCount
        recovery.report.liveByteCount = index.liveByteCount
        return recovery
    }
}
