import Testing

@testable import Journal

@Suite struct InspectionTests {
    let disk = MemoryDisk()

    private func make() throws -> [UInt64] {
        let test = try TestJournal(disk)
        var ids = (0..<10).map { _ in test.publish(1, to: [1, 2]) }
        test.settle(ids[0], 1)
        test.settle(ids[0], 2)
        ids.append(test.replace(1, to: [3], settling: ids[1], of: 1))
        test.change("x")
        try test.commit()
        test.journal.requestCheckpoint()
        try test.commit()
        try test.journal.close()
        return ids
    }

    @Test func countsWhatThereIsAndChangesNothing() throws {
        let ids = try make()
        let before = disk.contents
        let inspection = try JournalInspection(directory: TestJournal.directory, disk: disk)
        let summary = try inspection.check()
        #expect(summary.counts[.message] == 10)
        #expect(summary.counts[.replacement] == 1)
        #expect(summary.counts[.settlements] == 1)
        #expect(summary.counts[.stateChange] == 1)
        #expect(summary.isClean)
        #expect(inspection.recovery.report.liveMessageCount == 10)
        #expect(summary.liveByteCount == inspection.segments.reduce(0) { $0 + $1.liveByteCount })
        #expect(summary.deadByteCount > 0)
        var live: [UInt64] = []
        var settlements: [JournalInspection.Settlement] = []
        try inspection.forEachRecord { record in
            if record.isLive, let id = record.id { live.append(id) }
            settlements += record.settlements
            return true
        }
        #expect(live == Array(ids.dropFirst()))
        #expect(settlements.count == 3)
        inspection.close()
        #expect(disk.contents == before)
        #expect(disk.openCount == 0)
    }

    @Test func showsDamageThatAStartDoesNotMeet() throws {
        _ = try make()
        disk.flip("segment-000001", byte: SegmentHeader.byteCount + 24 + 160 + 60, bit: 0)
        let inspection = try JournalInspection(directory: TestJournal.directory, disk: disk)
        #expect(inspection.recovery.report.isClean)
        let summary = try inspection.check()
        #expect(summary.damagedCount == 1)
        #expect(summary.damagedLiveCount == 1)
        inspection.close()
    }

    @Test func aRunningNodesJournalIsRefused() throws {
        let test = try TestJournal(disk)
        #expect(throws: JournalError.self) {
            _ = try JournalInspection(directory: TestJournal.directory, disk: disk)
        }
        try test.journal.close()
        #expect(throws: JournalError.refused("/journal is not the directory of a journal")) {
            _ = try JournalInspection(directory: "/journal", disk: MemoryDisk(files: ["a": []]))
        }
    }
}
