extension Journal {
    /// Reads what the directory holds. Has to be called once, after `open` and before anything else; the thread is of no
    /// matter. `progress` is told about every 64 MiB.
    ///
    /// Damage does not stop it: what cannot be read is left out and reported.
    package func recover(progress: @escaping (RecoveryProgress) -> Void = { _ in }) throws(JournalError) -> Recovery {
        guard !isRecovered, !hasFailed else { throw .failedBefore }
        do throws(JournalError) {
            let recovery = configuration.isVolatile ? Recovery() : try recoverLog(progress)
            isRecovered = true
            return recovery
        } catch {
            throw fail(error)
        }
    }

    private func recoverLog(_ progress: @escaping (RecoveryProgress) -> Void) throws(JournalError) -> Recovery {
        let names = try disk.names(in: configuration.directory) ?? []
        let directory = try SegmentDirectory.read(configuration.directory, names, disk)
        nextFileNumber = (directory.files.map(\.number).max() ?? 0) + 1
        var report = RecoveryReport()
        let links = chain(directory, &report)
        var scan = RecoveryScan(index, disk, links, synced: 0, progress: progress)
        defer { scan.deallocate() }
        scan.recovery.report = report
        let end = try scan.run()
        try settleEnd(end, scan)
        try reclaim(directory, names)
        return finishRecovery(scan.recovery)
    }

    /// The segments of the log, in its order.
    private func chain(_ directory: SegmentDirectory, _ report: inout RecoveryReport) -> [RecoveryLink] {
        var found: [(SegmentDirectory.File, SegmentHeader)] = []
        for file in directory.files {
            switch file.reading {
            case .blank: continue
            case .damaged: report.damage("\(file.file.path): both copies of the header are damaged")
            case .header(let header, let isWhole):
                if !isWhole { report.damage("\(file.file.path): a copy of the header is damaged") }
                if header.fileByteCount > UInt64(file.byteCount) {
                    report.damage(
                        "\(file.file.path): \(header.fileByteCount) bytes long once, and now \(file.byteCount)")
                }
                found.append((file, header))
            }
        }
        found.sort { $0.1.sequence < $1.1.sequence }
        var ordered: [(SegmentDirectory.File, SegmentHeader)] = []
        for item in found {
            if let last = ordered.last, last.1.sequence == item.1.sequence || last.1.base > item.1.base {
                report.damage("\(item.0.file.path): its header contradicts that of \(last.0.file.path)")
                continue
            }
            ordered.append(item)
        }
        nextSegmentSequence = (found.last?.1.sequence ?? 0) + 1
        return ordered.enumerated().map { number, item in
            let next = number + 1 < ordered.count ? ordered[number + 1].1.base : .max
            return link(item.0, item.1, nextBase: next)
        }
    }

    private func link(_ file: SegmentDirectory.File, _ header: SegmentHeader, nextBase: UInt64) -> RecoveryLink {
        let whole = min(Int(header.fileByteCount), max(file.byteCount, SegmentHeader.byteCount))
        let room = UInt64(whole - SegmentHeader.byteCount)
        let end = min(header.base + room, max(nextBase, header.base))
        let segment = Segment(file: file.file, fileNumber: file.number, header: header, end: end)
        index.segments.append(segment)
        return RecoveryLink(
            segment: segment, start: SegmentHeader.byteCount, limit: segment.offset(of: end))
    }

    /// Makes sure that what was found is on stable storage and that what lies behind the end is never taken for valid,
    /// whatever comes.
    private func settleEnd(_ end: RecoveryScan.End?, _ scan: RecoveryScan) throws(JournalError) {
        guard let end else { return }
        nextBase = end.position
        for (number, link) in scan.links.enumerated() {
            let segment = link.segment
            if number > end.link || (number == end.link && end.position == segment.header.base) {
                try discard(segment)
                continue
            }
            if number == end.link {
                if !end.isSealed, segment.offset(of: end.position) + WritePlan.endByteCount <= segment.byteCount {
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
    private func reclaim(_ directory: SegmentDirectory, _ names: [String]) throws(JournalError) {
        for name in names where JournalFiles.isTemporary(name) && JournalFiles.isContent(name) {
            try disk.unlink(path(name))
        }
        let used = Set(index.segments.segments.map(\.fileNumber) + pool.map(\.fileNumber))
        for file in directory.files where !used.contains(file.number) {
            if file.reading != .blank {
                disk.close(file.file)
            } else if file.byteCount == configuration.segmentByteCount, pool.count < configuration.pooledSegmentLimit {
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
