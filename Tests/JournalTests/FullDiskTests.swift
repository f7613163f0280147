import Glibc
import Testing

@testable import Journal

@Suite struct FullDiskTests {
    let disk = MemoryDisk()
    let configuration = TestJournal.configuration(segment: 16_384) { $0.checkpointByteCount = 1 << 30 }

    private func fill(_ test: TestJournal) throws -> [UInt64] {
        test.publish()
        try test.commit()
        disk.failWith = ENOSPC
        disk.keepsFailing = true
        disk.failAt = 1
        var ids: [UInt64] = []
        for _ in 0..<1000 {
            let fresh = (0..<5).map { _ in test.publish(1, to: [1], 1_000) }
            guard try test.commit() else { break }
            ids += fresh
        }
        #expect(test.journal.isDiskFull)
        #expect(ids.count >= 10)
        return ids
    }

    @Test func publishersWaitAndSettlementsGoOn() throws {
        let test = try TestJournal(disk, configuration)
        let ids = try fill(test)
        #expect(!(try test.commit()))
        // Another journal thread's turn: only settlements, with the reserve.
        var lane = LaneBuffer()
        defer { lane.deallocate() }
        for id in ids { lane.appendSettlement(id: id, holder: 1) }
        var cursor = AppendCursor()
        var outcome = try test.journal.append([lane], from: &cursor, mayUseReserve: false)
        if outcome == .needsSegment { outcome = try test.journal.append([lane], from: &cursor, mayUseReserve: true) }
        #expect(outcome == .complete)
        try test.journal.sync()
        #expect(test.journal.statistics.liveMessageCount <= 6)
        disk.failAt = nil
        test.journal.retryPreparation()
        #expect(try test.commit())
        #expect(!test.journal.isDiskFull)
    }

    @Test func aCheckpointThatFindsNoRoomTakesThatOfAReadySegment() throws {
        let test = try TestJournal(disk, configuration)
        let ids = try fill(test)
        #expect(test.journal.statistics.readySegmentCount == 1)
        var lane = LaneBuffer()
        defer { lane.deallocate() }
        for id in ids { lane.appendSettlement(id: id, holder: 1) }
        [UInt8](repeating: 1, count: 10).withUnsafeBytes { lane.appendStateSnapshot($0) }
        test.journal.requestCheckpoint()
        var cursor = AppendCursor()
        #expect(try test.journal.append([lane], from: &cursor, mayUseReserve: false) == .complete)
        try test.journal.sync()
        try test.maintain()
        #expect(!test.journal.isCheckpointUnderWay)
        // It failed; what it needs is free now, and the next one is due.
        #expect(test.journal.statistics.readySegmentCount == 0)
        #expect(test.journal.checkpoint.lastPosition == 0)
        #expect(test.journal.wantsStateSnapshot)
        disk.failAt = nil
        lane.removeAll()
        [UInt8](repeating: 2, count: 10).withUnsafeBytes { lane.appendStateSnapshot($0) }
        cursor = AppendCursor()
        #expect(try test.journal.append([lane], from: &cursor, mayUseReserve: false) == .complete)
        try test.maintain()
        #expect(test.journal.checkpoint.lastPosition > 0)
        #expect(try test.commit())
        #expect(test.journal.statistics.segmentCount <= 3)
    }

    @Test(arguments: ["checkpoint-a.tmp", "checkpoint-b.tmp"])
    func halfACheckpointLosesNothing(missing: String) throws {
        let test = try TestJournal(disk, configuration)
        var ids = (0..<300).map { _ in test.publish(1, to: [1]) }
        test.journal.requestCheckpoint()
        try test.commit()
        for id in ids.prefix(100) { test.settle(id) }
        try test.commit()
        disk.failsToCreate = missing
        test.journal.requestCheckpoint()
        try test.commit()
        for id in ids[100..<150] { test.settle(id) }
        ids.append(test.publish(1, to: [1]))
        try test.commit()
        disk.failsToCreate = nil
        let second = try TestJournal(MemoryDisk(files: disk.contents), configuration)
        #expect(second.recovery.report.isClean)
        #expect(second.liveIDs == Array(ids[150...]))
        #expect(second.areRight(second.live))
        test.journal.retryPreparation()
        test.journal.requestCheckpoint()
        try test.commit()
        #expect(!test.journal.isCheckpointUnderWay)
        let indexFiles = disk.contents.keys.filter { $0.hasPrefix("index-") }
        #expect(indexFiles.count == test.journal.index.segments.segments.count { $0.indexNumber != 0 })
        let third = try TestJournal(MemoryDisk(files: disk.contents), configuration)
        #expect(third.recovery.report.isClean)
        #expect(third.liveIDs == Array(ids[150...]))
    }

    @Test func afterAFailedSyncNothingIsTaken() throws {
        let test = try TestJournal(disk, configuration)
        test.publish()
        try test.commit()
        test.publish()
        try test.write()
        disk.failAt = disk.operationCount + 1
        #expect(throws: JournalError.self) { try test.journal.sync() }
        disk.failAt = nil
        #expect(throws: JournalError.failedBefore) { try test.journal.sync() }
        #expect(throws: JournalError.failedBefore) { try test.write() }
        #expect(test.journal.nextMaintenance() == nil)
        #expect(throws: Never.self) { try test.journal.close() }
        #expect(disk.openCount == 0)
    }
}
