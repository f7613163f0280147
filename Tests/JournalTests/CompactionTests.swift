import Testing

@testable import Journal

@Suite struct CompactionTests {
    let disk = MemoryDisk()
    let configuration = TestJournal.configuration(segment: 16_384) {
        $0.checkpointByteCount = 65_536
        $0.movedByteCountPerBatch = 2_000
    }

    /// Every twentieth message stays, and the segments go nevertheless.
    private func sparse(_ test: TestJournal, count: Int, size: Int = 100) throws -> [UInt64] {
        var kept: [UInt64] = []
        for _ in 0..<count / 100 {
            let ids = (0..<100).map {
                $0 % 20 == 7 ? test.publish(1, to: [1, 2], size) : test.publish(1, to: [1], size)
            }
            try test.commit()
            for (number, id) in ids.enumerated() {
                if number % 20 == 7 { kept.append(id) } else { test.settle(id) }
            }
            for id in ids where kept.contains(id) { test.settle(id, 2) }
            try test.commit()
        }
        while test.journal.hasPendingMoves { try test.commit() }
        return kept
    }

    @Test func oldMessagesDoNotKeepTheDisk() throws {
        let test = try TestJournal(disk, configuration)
        let kept = try sparse(test, count: 6000)
        #expect(test.journal.index.segments.segments.contains { !$0.moved.isEmpty })
        let statistics = test.journal.statistics
        #expect(statistics.liveMessageCount == kept.count)
        #expect(statistics.segmentByteCount < 2 * statistics.liveByteCount + 12 * 16_384)
        #expect(test.read(kept) == kept.map { .content(test.content($0, 100)) })
        #expect(test.liveIDs == kept)
        #expect(test.live.allSatisfy { $0.holders == [1] })
        try test.journal.close()
        let second = try TestJournal(disk, configuration)
        #expect(second.recovery.report.isClean)
        #expect(second.liveIDs == kept)
        #expect(second.areRight(second.live))
        #expect(second.journal.statistics.liveByteCount == statistics.liveByteCount)
    }

    @Test func whatIsSettledOnItsWayStaysSettled() throws {
        let test = try TestJournal(disk, configuration)
        test.runsMaintenance = false
        let ids = (0..<2000).map { _ in test.publish(1, to: [1, 2]) }
        try test.commit()
        for (number, id) in ids.enumerated() where number % 20 != 0 {
            test.settle(id, 1)
            test.settle(id, 2)
        }
        try test.commit()
        try test.maintain()
        #expect(test.journal.hasPendingMoves)
        // In the same write as the moves themselves.
        for id in ids { test.settle(id, 1) }
        test.settle(ids[0], 2)
        while test.journal.hasPendingMoves { try test.commit() }
        let left = ids.enumerated().filter { $0.offset % 20 == 0 && $0.offset > 0 }.map(\.element)
        #expect(test.liveIDs == left)
        #expect(test.live.allSatisfy { $0.holders == [2] })
        try test.journal.close()
        let second = try TestJournal(disk, configuration)
        #expect(second.liveIDs == left)
        #expect(second.live.allSatisfy { $0.holders == [2] })
    }

    @Test func aDamagedMessageStaysWhereItIs() throws {
        let test = try TestJournal(disk, configuration)
        test.runsMaintenance = false
        let ids = (0..<2000).map { _ in test.publish(1, to: [1]) }
        try test.commit()
        for (number, id) in ids.enumerated() where number % 20 != 0 { test.settle(id, 1) }
        try test.commit()
        let segment = try #require(test.journal.index.segments.segment(at: test.journal.index.peek(ids[0])!.location))
        disk.flip(
            JournalFiles.segment(segment.fileNumber),
            byte: segment.offset(of: test.journal.index.peek(ids[0])!.location) + 60, bit: 0)
        test.runsMaintenance = true
        for _ in 0..<200 { try test.commit() }
        let left = ids.enumerated().filter { $0.offset % 20 == 0 }.map(\.element)
        #expect(test.liveIDs == left)
        #expect(test.read(left) == left.map { $0 == ids[0] ? .damaged : .content(test.content($0, 100)) })
    }
}
