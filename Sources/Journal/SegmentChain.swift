/// Which of a directory's segment files the log consists of, and in which order.
struct SegmentChain {
    struct Item {
        let file: SegmentDirectory.File
        let header: SegmentHeader
        /// Position at which its records end, or end at the latest.
        var end: UInt64
    }

    private(set) var items: [Item] = []
    /// Files that may hold something, but nobody can tell what.
    private(set) var strange: Set<Int> = []
    private(set) var highestSequence: UInt64 = 0

    init(_ directory: SegmentDirectory, _ checkpoint: CheckpointContent?, _ report: inout RecoveryReport) {
        var listed: [Int: CheckpointContent.SegmentInUse] = [:]
        for segment in checkpoint?.segments ?? [] { listed[segment.fileNumber] = segment }
        highestSequence = checkpoint?.highestSegmentSequence ?? 0
        for file in directory.files {
            let known = listed.removeValue(forKey: file.number)
            guard let header = header(file, known, checkpoint, &report) else { continue }
            add(file, header)
            // Sealed before the checkpoint.
            if let known, let checkpoint, known.header == header, known.end <= checkpoint.position {
                items[items.count - 1].end = min(items[items.count - 1].end, known.end)
            }
        }
        for missing in listed.values.sorted(by: { $0.header.sequence < $1.header.sequence })
        where missing.indexNumber != 0 {
            report.damage("\(JournalFiles.segment(missing.fileNumber)) is missing, and its messages with it")
        }
        order(&report)
    }

    /// The header to believe, or nil if the file is not part of the log.
    private mutating func header(
        _ file: SegmentDirectory.File, _ known: CheckpointContent.SegmentInUse?, _ checkpoint: CheckpointContent?,
        _ report: inout RecoveryReport
    ) -> SegmentHeader? {
        switch file.reading {
        case .header(let header, let isWhole):
            highestSequence = max(highestSequence, header.sequence)
            if !isWhole { report.damage("\(file.file.path): a copy of the header is damaged") }
            if let known, known.header == header { return header }
            if let known, known.indexNumber != 0 {
                report.damage("\(file.file.path) is not what the checkpoint says, and its messages are lost")
            }
            // After the checkpoint; or free since then, with a header that was not blanked yet.
            return header.sequence > checkpoint?.highestSegmentSequence ?? 0 ? header : nil
        case .blank:
            guard let known, known.header.base < checkpoint?.position ?? 0 else { return nil }
            report.damage("\(file.file.path): the header is blank, the checkpoint's is used")
            return known.header
        case .damaged:
            if let known {
                report.damage("\(file.file.path): both copies of the header are damaged, the checkpoint's is used")
                return known.header
            }
            report.damage(
                "\(file.file.path): both copies of the header are damaged, and no checkpoint knows it; it is left alone"
            )
            strange.insert(file.number)
            return nil
        }
    }

    private mutating func add(_ file: SegmentDirectory.File, _ header: SegmentHeader) {
        let whole = min(Int(header.fileByteCount), max(file.byteCount, SegmentHeader.byteCount))
        items.append(
            Item(file: file, header: header, end: header.base + UInt64(whole - SegmentHeader.byteCount) & ~7))
    }

    private mutating func order(_ report: inout RecoveryReport) {
        items.sort { $0.header.sequence < $1.header.sequence }
        var ordered: [Item] = []
        for item in items {
            if item.header.fileByteCount > UInt64(item.file.byteCount) {
                report.damage(
                    "\(item.file.file.path) was \(item.header.fileByteCount) bytes long and has \(item.file.byteCount)")
            }
            if let last = ordered.last,
                last.header.sequence == item.header.sequence || last.header.base > item.header.base
            {
                report.damage("\(item.file.file.path): its header contradicts that of \(last.file.file.path)")
                strange.insert(item.file.number)
                continue
            }
            ordered.append(item)
        }
        for number in ordered.indices.dropLast() {
            ordered[number].end = min(ordered[number].end, ordered[number + 1].header.base)
        }
        items = ordered
    }
}
