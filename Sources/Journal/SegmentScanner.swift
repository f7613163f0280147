import CRC32C

/// Reads the records of a segment one after the other. Trusts nothing that has not passed its CRC, and allocates
/// nothing that a record may ask for before its header has.
struct SegmentScanner {
    enum Step {
        /// Valid until the next step.
        case record(kind: UInt8, payload: UnsafeRawPointer, byteCount: Int)
        /// The header is right and the payload is not.
        case badPayload(kind: UInt8, byteCount: Int)
        case badHeader
        /// The end of what there can be.
        case finished
    }

    private let disk: Disk
    private(set) var file: DiskFile
    private var recordCRC: UInt32 = 0
    private var base: UInt64 = 0
    private var limit = 0
    private var buffer: UnsafeMutableRawBufferPointer
    private var bufferOffset = 0
    private var bufferCount = 0
    /// Where in the file the next step begins.
    private(set) var offset = 0
    /// Where the record of the last step is.
    private(set) var recordOffset = 0
    /// What the disk could not read.
    private(set) var unreadableByteCount = 0
    private static let bufferByteCount = 1 << 20
    private static let pieceByteCount = 4096

    init(_ disk: Disk) {
        self.disk = disk
        file = DiskFile(descriptor: -1, path: "")
        buffer = .allocate(byteCount: Self.bufferByteCount, alignment: 16)
    }

    func deallocate() { buffer.deallocate() }

    /// `limit`: offset in the file at which records end at the latest.
    mutating func begin(_ file: DiskFile, recordCRC: UInt32, base: UInt64, at offset: Int, limit: Int) {
        self.file = file
        self.recordCRC = recordCRC
        self.base = base
        self.offset = offset
        self.limit = limit
        recordOffset = offset
        bufferOffset = offset
        bufferCount = 0
    }

    /// As `begin`, and keeps what is in the buffer, which must be of the same file.
    mutating func goOn(_ file: DiskFile, recordCRC: UInt32, base: UInt64, at offset: Int, limit: Int) {
        let kept = self.file == file ? (bufferOffset, bufferCount) : (offset, 0)
        begin(file, recordCRC: recordCRC, base: base, at: offset, limit: limit)
        (bufferOffset, bufferCount) = kept
    }

    /// Position of the record of the last step.
    var position: UInt64 { base + UInt64(recordOffset - SegmentHeader.byteCount) }

    /// Makes the bytes from `offset` on available.
    @inline(__always)
    private mutating func fill(_ offset: Int, _ count: Int) throws(JournalError) -> Bool {
        if offset >= bufferOffset, offset &+ count <= bufferOffset &+ bufferCount { return true }
        return try refill(offset, count)
    }

    private mutating func refill(_ offset: Int, _ count: Int) throws(JournalError) -> Bool {
        if count > buffer.count {
            buffer.deallocate()
            buffer = .allocate(byteCount: count, alignment: 16)
        }
        bufferOffset = offset
        bufferCount = 0
        let wanted = min(buffer.count, limit - offset)
        guard wanted >= count else { return false }
        let target = UnsafeMutableRawBufferPointer(rebasing: buffer[0..<wanted])
        do throws(JournalError) {
            bufferCount = try disk.read(file, into: target, at: offset)
        } catch {
            bufferCount = try readPieces(target, at: offset)
        }
        return bufferCount >= count
    }

    /// A bad sector must not cost the rest: what cannot be read counts as zeros.
    private mutating func readPieces(
        _ target: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int {
        var done = 0
        while done < target.count {
            let end = min(target.count, done + Self.pieceByteCount - (offset + done) % Self.pieceByteCount)
            let piece = UnsafeMutableRawBufferPointer(rebasing: target[done..<end])
            do throws(JournalError) {
                guard try disk.read(file, into: piece, at: offset + done) == piece.count else { return done }
            } catch {
                piece.initializeMemory(as: UInt8.self, repeating: 0)
                unreadableByteCount += piece.count
            }
            done = end
        }
        return done
    }

    /// The payload's byte count, if there is a right header at an offset that is in the buffer.
    @inline(__always)
    private func header(at offset: Int) -> Int? {
        let record = UnsafeRawPointer(buffer.baseAddress.unsafelyUnwrapped + (offset &- bufferOffset))
        let position = base &+ UInt64(offset &- SegmentHeader.byteCount)
        guard
            record.load(fromByteOffset: Record.headerCRCOffset, as: UInt32.self)
                == crc32c_number_and_12_bytes(recordCRC, position, record)
        else { return nil }
        let payload = Int(record.load(as: UInt32.self))
        return offset &+ Record.byteCount(payload: payload) <= limit ? payload : nil
    }

    mutating func next() throws(JournalError) -> Step {
        recordOffset = offset
        guard offset + Record.headerByteCount <= limit else { return .finished }
        guard try fill(offset, Record.headerByteCount), let payload = header(at: offset) else { return .badHeader }
        let size = Record.byteCount(payload: payload)
        guard try fill(offset, size), let base = buffer.baseAddress else { return .badHeader }
        let record = base + (offset - bufferOffset)
        let kind = record.load(fromByteOffset: Record.kindOffset, as: UInt8.self)
        offset += size
        guard
            record.load(fromByteOffset: Record.payloadCRCOffset, as: UInt32.self)
                == crc32c(0, record + Record.headerByteCount, payload)
        else { return .badPayload(kind: kind, byteCount: size) }
        return .record(kind: kind, payload: UnsafeRawPointer(record + Record.headerByteCount), byteCount: payload)
    }

    /// Goes from a bad header to the next right one; false if there is none, and the next step is `finished`.
    mutating func findNextHeader() throws(JournalError) -> Bool {
        var at = recordOffset + Record.alignment
        while at + Record.headerByteCount <= limit {
            guard try fill(at, Record.headerByteCount), let base = buffer.baseAddress else { break }
            let last = min(bufferOffset + bufferCount, limit) - Record.headerByteCount
            while at <= last {
                // Kind and reserved bytes: what is not a header nearly always fails here.
                let word = (base + (at - bufferOffset)).load(fromByteOffset: Record.kindOffset, as: UInt32.self)
                if word >= 1, word <= RecordKind.last.rawValue, header(at: at) != nil {
                    offset = at
                    return true
                }
                at += Record.alignment
            }
        }
        offset = limit
        return false
    }
}
