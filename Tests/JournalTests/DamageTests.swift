import Glibc
import Testing

@testable import Journal

@Suite struct DamageTests {
    static let configuration = TestJournal.configuration(segment: 10_240) { $0.checkpointByteCount = 1 << 30 }

    /// A journal of every kind of record, with a checkpoint in the middle, or none.
    private func make(withCheckpoint: Bool) throws -> [String: [UInt8]] {
        let disk = MemoryDisk()
        let test = try TestJournal(disk, Self.configuration)
        var ids: [UInt64] = []
        for round in 0..<8 {
            ids += (0..<5).map { _ in test.publish(1, to: round % 2 == 0 ? [1] : [1, 2, 3], 40) }
            test.settle(ids[round], 1)
            ids.append(test.replace(2, to: [2], settling: ids[round * 2], of: 1, 30))
            test.change("change \(round)")
            test.lanes[0].appendDeliveryMark(holder: 1, lane: 1, sequence: UInt64(round))
            if round == 4, withCheckpoint { test.journal.requestCheckpoint() }
            try test.commit()
        }
        test.lanes[0].appendDelivered(holder: 2, ids: [ids[20]])
        test.lanes[0].appendHolderRemoved(9)
        test.publish(1, to: [1], 2_500)
        test.publish(1, to: [1], 700)
        try test.commit()
        test.publish(2, to: [1], 40)
        try test.commit()
        try test.journal.close()
        return disk.contents
    }

    /// Where in a file something is written: of long stretches of zeros only every 97th byte matters to us.
    private func interesting(_ bytes: [UInt8]) -> [Int] {
        var result: [Int] = []
        var zeros = 0
        for (index, byte) in bytes.enumerated() {
            zeros = byte == 0 ? zeros + 1 : 0
            if zeros < 16 || index % 97 == 0 { result.append(index) }
        }
        return result
    }

    private func check(_ files: [String: [UInt8]], name: String, byte: Int, against whole: [UInt64: [UInt32]]) throws {
        let disk = MemoryDisk(files: files)
        disk.flip(name, byte: byte, bit: byte % 8)
        let what = "\(name), byte \(byte)"
        let test: TestJournal
        do throws(JournalError) {
            test = try TestJournal(disk, Self.configuration)
        } catch {
            guard name == "format", case .refused = error else { throw error }
            return
        }
        let live = test.live
        let reads = test.read(live.map(\.id))
        var damagedCount = 0
        for (message, read) in zip(live, reads) {
            if read == .damaged {
                damagedCount += 1
            } else {
                #expect(read == .content(test.content(message.id, message.byteCount)), "\(what)")
            }
        }
        let missing = Set(whole.keys).subtracting(live.map(\.id)).count
        #expect(missing + damagedCount <= 1, "\(what): \(missing) missing, \(damagedCount) damaged")
        let report = test.recovery.report
        let isSame = live.map(\.id).sorted() == whole.keys.sorted() && live.allSatisfy { whole[$0.id] == $0.holders }
        if report.isClean, report.tornByteCount == 0 {
            #expect(isSame, "\(what): another result and no report")
        }
    }

    @Test(arguments: [false, true]) func aFlippedBitCostsNoMoreThanItsRecord(withCheckpoint: Bool) throws {
        let files = try make(withCheckpoint: withCheckpoint)
        let test = try TestJournal(MemoryDisk(files: files), Self.configuration)
        #expect(test.recovery.report.isClean)
        let whole = Dictionary(uniqueKeysWithValues: test.live.map { ($0.id, $0.holders) })
        #expect(whole.count > 40)
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            for byte in interesting(bytes) { try check(files, name: name, byte: byte, against: whole) }
        }
    }

    @Test func aDamagedPayloadIsReportedAndEverythingElseGoesOn() throws {
        let disk = MemoryDisk()
        let first = try TestJournal(disk, Self.configuration)
        var ids: [UInt64] = []
        for _ in 0..<10 {
            ids.append(first.publish())
            try first.commit()
        }
        let location = first.journal.index.peek(ids[4])!.location
        try first.journal.close()
        disk.flip("segment-000001", byte: SegmentHeader.byteCount + Int(location) + 50, bit: 1)
        let second = try TestJournal(disk, Self.configuration)
        #expect(second.liveIDs == ids.filter { $0 != ids[4] })
        let found = try #require(second.recovery.report.quarantined.first)
        #expect(second.recovery.report.quarantinedCount == 1)
        #expect(found.position == location)
        #expect(found.offset == SegmentHeader.byteCount + Int(location))
        #expect(found.path.hasSuffix("segment-000001"))
        #expect(found.reason.contains("CRC"))
    }

    @Test func whatLooksLikeARecordInAPayloadIsNotTakenForOne() throws {
        let disk = MemoryDisk()
        let first = try TestJournal(disk, Self.configuration)
        let victim = first.publish()
        try first.commit()
        // A whole record of the same segment as the content of a message, whose own header is damaged then.
        let location = first.journal.index.peek(victim)!.location
        let bytes = try #require(disk.contents["segment-000001"])
        let start = SegmentHeader.byteCount + Int(location)
        let record = Array(bytes[start..<start + 144])
        let id = MessageID.make(lane: 1, sequence: first.nextSequence[1])
        first.nextSequence[1] += 1
        [UInt32(1)].withUnsafeBufferPointer { holders in
            record.withUnsafeBytes { first.lanes[1].appendMessage(id: id, holders: holders, content: $0) }
        }
        first.settle(victim)
        try first.commit()
        first.publish()
        try first.commit()
        let second = Int(first.journal.index.peek(id)!.location)
        try first.journal.close()
        disk.flip("segment-000001", byte: SegmentHeader.byteCount + second + 5, bit: 0)
        let recovered = try TestJournal(disk, Self.configuration)
        #expect(recovered.liveIDs.count == 1)
        #expect(recovered.recovery.report.quarantinedCount == 1)
    }

    @Test func aTornEndIsCutAndNeverComesBack() throws {
        let disk = MemoryDisk()
        let first = try TestJournal(disk, Self.configuration)
        let kept = first.publish()
        try first.commit()
        let torn = first.publish()
        first.publish()
        try first.write()
        first.publish()
        try first.write()
        let location = first.journal.index.peek(torn)!.location
        var files = disk.contents
        files["segment-000001"]?[SegmentHeader.byteCount + Int(location) + 3] ^= 1
        let next = MemoryDisk(files: files)
        let second = try TestJournal(next, Self.configuration)
        #expect(second.liveIDs == [kept])
        #expect(second.recovery.report.isClean)
        #expect(second.recovery.report.tornByteCount > 100)
        let later = second.publish(1, to: [1], 10)
        try second.commit()
        try second.journal.close()
        let third = try TestJournal(next, Self.configuration)
        #expect(third.liveIDs == [kept, later])
        #expect(third.recovery.report.tornByteCount == 0)
    }
}

/// A disk some sectors of which cannot be read.
private final class BadSectors: Disk, @unchecked Sendable {
    let disk: MemoryDisk
    let bad: Range<Int>

    override init() { fatalError("needs a disk") }

    init(_ disk: MemoryDisk, _ bad: Range<Int>) {
        self.disk = disk
        self.bad = bad
        super.init()
    }

    override func open(_ path: String, _ mode: DiskOpenMode) throws(JournalError) -> DiskFile {
        try disk.open(path, mode)
    }
    override func close(_ file: DiskFile) { disk.close(file) }
    override func byteCount(_ file: DiskFile) throws(JournalError) -> Int { try disk.byteCount(file) }
    override func write(
        _ file: DiskFile, _ vectors: UnsafeMutableBufferPointer<iovec>, at offset: Int
    ) throws(JournalError) { try disk.write(file, vectors, at: offset) }
    override func read(
        _ file: DiskFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int {
        if file.path.hasSuffix("segment-000001"), bad.overlaps(offset..<offset + buffer.count) {
            throw .disk(operation: "read", path: file.path, errorNumber: EIO)
        }
        return try disk.read(file, into: buffer, at: offset)
    }
    override func sync(_ file: DiskFile) throws(JournalError) { try disk.sync(file) }
    override func rename(_ path: String, to newPath: String) throws(JournalError) {
        try disk.rename(path, to: newPath)
    }
    override func unlink(_ path: String) throws(JournalError) { try disk.unlink(path) }
    override func syncDirectory(_ path: String) throws(JournalError) { try disk.syncDirectory(path) }
    override func names(in path: String) throws(JournalError) -> [String]? { try disk.names(in: path) }
    override func lock(_ file: DiskFile) throws(JournalError) -> Bool { try disk.lock(file) }
}

extension DamageTests {
    @Test func aSectorThatCannotBeReadCostsWhatIsInIt() throws {
        let disk = MemoryDisk()
        let first = try TestJournal(disk)
        let ids = (0..<200).map { _ in first.publish() }
        try first.commit()
        first.publish()
        try first.commit()
        try first.journal.close()
        let second = try TestJournal(BadSectors(disk, 16_500..<16_600))
        #expect(second.recovery.report.damagedFiles.count == 1)
        #expect(second.recovery.report.quarantinedCount > 0)
        let lost = ids.count + 1 - second.liveIDs.count
        #expect(lost > 20 && lost < 40)
    }
}
