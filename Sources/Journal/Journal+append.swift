import CRC32C

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// How far an `append` came, so that it can go on when there is a segment.
package struct AppendCursor: Sendable, Equatable {
    package internal(set) var lane = 0
    package internal(set) var offset = 0

    package init() {}
}

package enum AppendOutcome: Sendable, Equatable {
    /// All of it is written.
    case complete
    /// What is before the cursor is written; call again with the same lanes and the same cursor when maintenance has
    /// prepared a segment.
    case needsSegment
}

/// What the next write consists of.
struct WritePlan {
    struct Run {
        let base: UnsafeMutableRawPointer
        let byteCount: Int
        let position: UInt64
    }

    static let batchByteCount = Record.byteCount(payload: 8)
    static let endByteCount = Record.byteCount(payload: 0)

    var runs: [Run] = []
    /// Bytes from `writeOffset` on; 0 as long as there is no batch record.
    var byteCount = 0
    /// Header, batch record and end record, one behind the other.
    let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: SegmentHeader.byteCount + batchByteCount + endByteCount, alignment: 16)
    var vectors: UnsafeMutableBufferPointer<iovec> = .allocate(capacity: 128)

    func deallocate() {
        scratch.deallocate()
        vectors.deallocate()
    }

    mutating func reserve(vectorCount: Int) {
        guard vectors.count < vectorCount else { return }
        vectors.deallocate()
        vectors = .allocate(capacity: vectorCount * 2)
    }
}

extension Journal {
    /// Writes the lanes' records, in the order given (the state's lane first), straight from their memory, and fills in
    /// their CRCs. Nothing is promised before `sync`. A state snapshot among them is not written: it makes its place in
    /// the log the one from which the next checkpoint begins.
    ///
    /// `mayUseReserve`: these are only settlements, and the disk is full.
    package func append(
        _ lanes: [LaneBuffer], from cursor: inout AppendCursor, mayUseReserve: Bool
    ) throws(JournalError) -> AppendOutcome {
        try checkUsable()
        do throws(JournalError) {
            while cursor.lane < lanes.count {
                if !(try appendLane(lanes[cursor.lane].bytes, &cursor.offset, mayUseReserve)) { return .needsSegment }
                cursor.lane += 1
                cursor.offset = 0
            }
            try appendMoved()
            try flush()
            return .complete
        } catch {
            throw fail(error)
        }
    }

    /// False if a segment is needed, and what could be written is.
    func appendLane(
        _ bytes: UnsafeMutableRawBufferPointer, _ offset: inout Int, _ mayUseReserve: Bool
    ) throws(JournalError) -> Bool {
        guard let base = bytes.baseAddress else { return true }
        while offset < bytes.count {
            let size = try Self.recordByteCount(base, offset, bytes.count)
            if (base + offset).load(fromByteOffset: Record.kindOffset, as: UInt8.self)
                == RecordKind.stateSnapshot.rawValue
            {
                try flush()
                beginCheckpoint(
                    UnsafeRawBufferPointer(
                        start: base + offset + Record.headerByteCount,
                        count: Int((base + offset).load(as: UInt32.self))))
                offset += size
                continue
            }
            if !(try makeRoom(size, mayUseReserve)) { return false }
            try addRun(base, &offset, bytes.count)
        }
        return true
    }

    /// Size of the record at an offset of a lane.
    @inline(__always)
    private static func recordByteCount(
        _ base: UnsafeMutableRawPointer, _ offset: Int, _ end: Int
    ) throws(JournalError) -> Int {
        guard end - offset >= Record.headerByteCount else { throw .malformedLane }
        let size = Record.byteCount(payload: Int((base + offset).load(as: UInt32.self)))
        let kind = (base + offset).load(fromByteOffset: Record.kindOffset, as: UInt8.self)
        // The end of a segment is the journal's own.
        guard end - offset >= size, kind >= RecordKind.message.rawValue, kind <= RecordKind.last.rawValue,
            kind != RecordKind.end.rawValue
        else { throw .malformedLane }
        return size
    }

    /// Takes records into the plan as long as they fit into the segment; the first does.
    private func addRun(
        _ base: UnsafeMutableRawPointer, _ offset: inout Int, _ end: Int
    ) throws(JournalError) {
        guard let current else { return }
        let crc = current.recordCRC
        let first = offset
        let room = current.byteCount - WritePlan.endByteCount - writeOffset - plan.byteCount
        let firstPosition = writtenPosition &+ UInt64(plan.byteCount)
        var at = first
        while at < end {
            let size = try Self.recordByteCount(base, at, end)
            let record = base + at
            if at &- first &+ size > room { break }
            if record.load(fromByteOffset: Record.kindOffset, as: UInt8.self) == RecordKind.stateSnapshot.rawValue {
                break
            }
            let payload = Int(record.load(as: UInt32.self))
            record.storeBytes(
                of: crc32c(0, record + Record.headerByteCount, payload), toByteOffset: Record.payloadCRCOffset,
                as: UInt32.self)
            record.storeBytes(
                of: crc32c_number_and_12_bytes(crc, firstPosition &+ UInt64(at &- first), record),
                toByteOffset: Record.headerCRCOffset, as: UInt32.self)
            at &+= size
        }
        plan.runs.append(WritePlan.Run(base: base + first, byteCount: at - first, position: firstPosition))
        plan.byteCount += at - first
        offset = at
    }

    /// Makes sure that a record of this size fits behind the plan. False if a segment is needed, and the plan is
    /// written.
    func makeRoom(_ size: Int, _ mayUseReserve: Bool) throws(JournalError) -> Bool {
        let needed = size + WritePlan.batchByteCount + WritePlan.endByteCount
        if let current,
            writeOffset + max(plan.byteCount, WritePlan.batchByteCount) + size + WritePlan.endByteCount
                <= current.byteCount
        {
            if plan.byteCount == 0 { plan.byteCount = WritePlan.batchByteCount }
            return true
        }
        guard let prepared = takePrepared(needed + SegmentHeader.byteCount, mayUseReserve) else {
            try flush()
            return false
        }
        try flush(sealing: true)
        start(prepared)
        plan.byteCount = WritePlan.batchByteCount
        return true
    }

    private func takePrepared(_ byteCount: Int, _ mayUseReserve: Bool) -> PreparedSegment? {
        let standard = configuration.segmentByteCount
        if byteCount <= standard {
            let indices = pool.indices.filter { pool[$0].byteCount == standard }
            guard let first = indices.first, indices.count > 1 || mayUseReserve else { return nil }
            return pool.remove(at: first)
        }
        if let index = pool.firstIndex(where: { $0.byteCount >= byteCount && $0.byteCount != standard }) {
            wantedLargeByteCount = nil
            return pool.remove(at: index)
        }
        wantedLargeByteCount = byteCount
        return nil
    }

    private func start(_ prepared: PreparedSegment) {
        let header = SegmentHeader(
            sequence: nextSegmentSequence, base: nextBase, fileByteCount: UInt64(prepared.byteCount),
            seed: configuration.makeSeed())
        nextSegmentSequence += 1
        let end = nextBase + UInt64(prepared.byteCount - SegmentHeader.byteCount)
        let segment = Segment(file: prepared.file, fileNumber: prepared.fileNumber, header: header, end: end)
        shared.withLock { index.segments.append(segment) }
        current = segment
        writeOffset = SegmentHeader.byteCount
        isHeaderWritten = false
    }

    /// Writes the plan, if there is any, and lets the index know.
    func flush(sealing: Bool = false) throws(JournalError) {
        guard let current, plan.byteCount > 0 || sealing else { return }
        plan.reserve(vectorCount: plan.runs.count + 3)
        guard let scratch = plan.scratch.baseAddress else { return }
        var count = 0
        var offset = writeOffset
        if !isHeaderWritten {
            current.header.write(
                to: UnsafeMutableRawBufferPointer(start: scratch, count: SegmentHeader.byteCount))
            plan.vectors[count] = iovec(iov_base: scratch, iov_len: SegmentHeader.byteCount)
            count += 1
            offset = 0
        }
        if plan.byteCount > 0 {
            let batch = scratch + SegmentHeader.byteCount
            batch.storeBytes(of: 8 | UInt64(RecordKind.batch.rawValue) << 32, as: UInt64.self)
            (batch + Record.headerByteCount).storeBytes(of: syncedPosition, as: UInt64.self)
            seal(batch, payload: 8, position: writtenPosition, current.recordCRC)
            plan.vectors[count] = iovec(iov_base: batch, iov_len: WritePlan.batchByteCount)
            count += 1
        }
        for run in plan.runs {
            plan.vectors[count] = iovec(iov_base: run.base, iov_len: run.byteCount)
            count += 1
        }
        if sealing {
            let end = scratch + SegmentHeader.byteCount + WritePlan.batchByteCount
            end.storeBytes(of: UInt64(RecordKind.end.rawValue) << 32, as: UInt64.self)
            seal(end, payload: 0, position: writtenPosition + UInt64(plan.byteCount), current.recordCRC)
            plan.vectors[count] = iovec(iov_base: end, iov_len: WritePlan.endByteCount)
            count += 1
            plan.byteCount += WritePlan.endByteCount
        }
        try disk.write(current.file, UnsafeMutableBufferPointer(rebasing: plan.vectors[0..<count]), at: offset)
        isHeaderWritten = true
        writeOffset += plan.byteCount
        writtenPosition += UInt64(plan.byteCount)
        if unsynced.last !== current { unsynced.append(current) }
        try applyPlan(current, sealing: sealing)
    }

    /// Fills in the CRCs of a record.
    func seal(_ record: UnsafeMutableRawPointer, payload: Int, position: UInt64, _ crc: UInt32) {
        record.storeBytes(
            of: crc32c(0, record + Record.headerByteCount, payload), toByteOffset: Record.payloadCRCOffset,
            as: UInt32.self)
        record.storeBytes(
            of: crc32c_number_and_12_bytes(crc, position, record), toByteOffset: Record.headerCRCOffset,
            as: UInt32.self)
    }

    private func applyPlan(_ segment: Segment, sealing: Bool) throws(JournalError) {
        let index = self.index
        let counters = segment.counters
        var isWellFormed = true
        shared.withLock {
            for run in plan.runs {
                var record = UnsafeRawPointer(run.base)
                let end = record + run.byteCount
                var position = run.position
                while record < end {
                    let payload = Int(record.load(as: UInt32.self))
                    let kind = record.load(fromByteOffset: Record.kindOffset, as: UInt8.self)
                    if !index.apply(
                        kind, record + Record.headerByteCount, byteCount: payload, position: position, counters)
                    {
                        isWellFormed = false
                    }
                    let size = Record.byteCount(payload: payload)
                    record += size
                    position &+= UInt64(size)
                }
            }
            if sealing { counters.pointee.end = writtenPosition }
        }
        plan.runs.removeAll(keepingCapacity: true)
        plan.byteCount = 0
        if sealing {
            nextBase = writtenPosition
            current = nil
        }
        if !isWellFormed { throw .malformedLane }
    }

    /// A batch record alone: what was synced before is known to be synced.
    func appendClosingBatch() throws(JournalError) {
        guard let current, isHeaderWritten,
            writeOffset + WritePlan.batchByteCount + WritePlan.endByteCount <= current.byteCount
        else { return }
        plan.byteCount = WritePlan.batchByteCount
        do throws(JournalError) { try flush() } catch { throw fail(error) }
    }
}
