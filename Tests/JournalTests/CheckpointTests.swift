import Testing

@testable import Journal

@Suite struct CheckpointTests {
    let disk = MemoryDisk()
    let configuration = TestJournal.configuration(segment: 16_384) { $0.checkpointByteCount = 1 << 30 }
    /// With checkpoints of its own.
    let bounded = TestJournal.configuration(segment: 16_384) { $0.checkpointByteCount = 65_536 }

    private func checkpoint(_ test: TestJournal) throws {
        test.journal.requestCheckpoint()
        #expect(test.journal.wantsStateSnapshot)
        try test.commit()
        #expect(!test.journal.isCheckpointUnderWay)
    }

    /// Publishes so many messages, and settles them all once they are written.
    private func pass(_ count: Int, through test: TestJournal) throws {
        let ids = (0..<count).map { _ in test.publish(1, to: [1]) }
        try test.commit()
        for id in ids { test.settle(id) }
    }

    private var segmentFiles: Set<String> { Set(disk.contents.keys.filter { $0.hasPrefix("segment-") }) }
    private func indexFiles() -> [String] { disk.contents.keys.filter { $0.hasPrefix("index-") }.sorted() }

    @Test func replayBeginsAtTheCheckpoint() throws {
        let first = try TestJournal(disk, configuration)
        var ids: [UInt64] = []
        for _ in 0..<20 {
            ids += (0..<20).map { _ in first.publish(1, to: [1, 2]) }
            first.change("x")
            try first.commit()
        }
        for id in ids[100..<200] { first.settle(id, 1) }
        for id in ids[150..<300] { first.settle(id, 2) }
        try first.commit()
        try checkpoint(first)
        ids.append(first.publish(2, to: [3]))
        first.change("y")
        try first.commit()
        let live = first.live
        try first.journal.close()

        let second = try TestJournal(disk, configuration)
        #expect(second.recovery.report.isClean)
        #expect(second.recovery.report.recordCount < 10)
        #expect(second.recovery.stateSnapshot == Array(repeating: UInt8(ascii: "x"), count: 20))
        #expect(second.recovery.stateChanges == [[UInt8(ascii: "y")]])
        #expect(second.live == live)
        #expect(second.liveIDs.count == 351)
        #expect(second.areRight(second.live))
        #expect(second.journal.statistics.liveByteCount == first.journal.statistics.liveByteCount)
    }

    @Test func segmentsWithoutLiveMessagesAreUsedAgain() throws {
        let test = try TestJournal(disk, configuration)
        for round in 0..<40 {
            try pass(50, through: test)
            try test.commit()
            if round % 4 == 3 { try checkpoint(test) }
        }
        #expect(segmentFiles.count <= 8)
        #expect(indexFiles().isEmpty)
        try test.journal.close()
        let second = try TestJournal(disk, configuration)
        #expect(second.liveIDs.isEmpty)
        #expect(second.recovery.report.isClean)
    }

    @Test func onlyTheIndexOfChangedSegmentsIsWrittenAgain() throws {
        let test = try TestJournal(disk, configuration)
        let ids = (0..<600).map { _ in test.publish(1, to: [1]) }
        try test.commit()
        try checkpoint(test)
        let before = Set(indexFiles())
        #expect(before.count > 4)
        test.settle(ids[0])
        try test.commit()
        try checkpoint(test)
        let after = Set(indexFiles())
        // The first one, and the one in which the first checkpoint was.
        #expect(after.subtracting(before).count == 2)
        #expect(before.subtracting(after).count == 2)
    }

    @Test func whatWasPendingAtTheCheckpointStaysPending() throws {
        let first = try TestJournal(disk, configuration)
        let early = MessageID.make(lane: 2, sequence: first.nextSequence[2])
        first.settle(early, 1, lane: 1)
        first.publish(1, to: [5])
        first.lanes[1].appendHolderRemoved(5)
        first.lanes[1].appendHolderRemoved(6)
        let marked = first.publish(1, to: [7])
        first.lanes[1].appendDeliveryMark(holder: 7, lane: 1, sequence: MessageID.sequence(marked))
        try first.commit()
        try checkpoint(first)
        #expect(first.journal.statistics.liveMessageCount == 1)
        #expect(first.publish(2, to: [1]) == early)
        first.publish(2, to: [6])
        try first.commit()
        try first.journal.close()
        let second = try TestJournal(disk, configuration)
        #expect(second.liveIDs == [marked])
        #expect(second.live.map(\.delivered) == [[true]])
    }

    @Test func theLogIsBoundedByCheckpointsOfItsOwn() throws {
        let test = try TestJournal(disk, bounded)
        for _ in 0..<100 { try pass(50, through: test) }
        #expect(segmentFiles.count < 16)
    }

    @Test func whoUsesSegmentsAsFastAsTheyAreMadeKeepsNoCheckpointWaiting() throws {
        let test = try TestJournal(disk, bounded)
        test.runsMaintenance = false
        test.jobsAtATime = 1
        for _ in 0..<300 { try pass(150, through: test) }
        #expect(segmentFiles.count < 24)
    }

    @Test func aSteadyLoadMakesNoNewSegments() throws {
        var configuration = bounded
        configuration.pooledSegmentLimit = 8
        let test = try TestJournal(disk, configuration)
        var early: Set<String> = []
        for round in 0..<200 {
            if round == 100 { early = segmentFiles }
            try pass(50, through: test)
        }
        #expect(segmentFiles == early)
    }

    @Test func aMessageThatIsBeingReadKeepsItsSegment() throws {
        let test = try TestJournal(disk, configuration)
        let id = test.publish(1, to: [1], 9_000)
        test.publish(1, to: [1], 9_000)
        try test.commit()
        let reader = test.journal.makeReader()
        reader.read([id]) { _, outcome in
            test.settle(id)
            _ = try? test.commit()
            _ = try? checkpoint(test)
            for _ in 0..<20 {
                test.publish(1, to: [1], 9_000)
                _ = try? test.commit()
            }
            guard case .content(let bytes) = outcome else {
                Issue.record("not read")
                return
            }
            #expect(Array(bytes) == test.content(id, 9_000))
            #expect(test.journal.checkpoint.retired.count == 1)
        }
        try test.maintain()
        #expect(test.journal.checkpoint.retired.isEmpty)
    }

    @Test func withoutAnIndexFileTheSegmentIsScanned() throws {
        let first = try TestJournal(disk, configuration)
        let ids = (0..<300).map { _ in first.publish(1, to: [1]) }
        first.settle(ids[299])
        try first.commit()
        try checkpoint(first)
        try first.journal.close()
        var files = disk.contents
        let lost = try #require(indexFiles().first)
        files[lost] = nil
        let second = try TestJournal(MemoryDisk(files: files), configuration)
        #expect(second.liveIDs == Array(ids.dropLast()))
        #expect(second.recovery.report.damagedFiles.count == 1)
        #expect(second.areRight(second.live))
    }

    @Test func eitherCopyOfTheCheckpointIsEnough() throws {
        let first = try TestJournal(disk, configuration)
        first.publish()
        first.change("z")
        try checkpoint(first)
        try first.journal.close()
        for (lost, kept) in [("checkpoint-a", "checkpoint-b"), ("checkpoint-b", "checkpoint-a")] {
            let copy = MemoryDisk(files: disk.contents)
            copy.flip(lost, byte: 100, bit: 3)
            let second = try TestJournal(copy, configuration)
            #expect(second.liveIDs.count == 1)
            #expect(second.recovery.stateSnapshot == [UInt8(ascii: "z")])
            #expect(second.recovery.report.damagedFiles.count == 1)
            #expect(copy.contents[lost] == copy.contents[kept])
        }
        var files = disk.contents
        files["checkpoint-a"] = [1]
        files["checkpoint-b"] = []
        let third = try TestJournal(MemoryDisk(files: files), configuration)
        #expect(third.liveIDs.count == 1)
        #expect(third.recovery.stateChanges.count == 1)
    }

    /// The second copy is older and half written anew.
    @Test func aCrashBetweenTheCopiesOfTheCheckpointIsNoHindrance() throws {
        let first = try TestJournal(disk, configuration)
        first.publish()
        try checkpoint(first)
        let older = disk.contents["checkpoint-b"]
        first.publish()
        try checkpoint(first)
        try first.journal.close()
        var files = disk.contents
        files["checkpoint-b"] = older
        files["checkpoint-b.tmp"] = [1, 2, 3]
        let copy = MemoryDisk(files: files)
        let second = try TestJournal(copy, configuration)
        #expect(second.liveIDs.count == 2)
        #expect(copy.contents["checkpoint-a"] == copy.contents["checkpoint-b"])
        #expect(!copy.contents.keys.contains { $0.hasSuffix(".tmp") })
    }

    @Test func aDamagedHeaderIsKnownFromTheCheckpoint() throws {
        let first = try TestJournal(disk, configuration)
        let ids = (0..<300).map { _ in first.publish(1, to: [1]) }
        try first.commit()
        try checkpoint(first)
        try first.journal.close()
        let segment = try #require(disk.contents.keys.filter { $0.hasPrefix("segment-") }.min())
        disk.flip(segment, byte: 20, bit: 1)
        disk.flip(segment, byte: 4096 + 20, bit: 1)
        let second = try TestJournal(disk, configuration)
        #expect(second.liveIDs == ids)
        #expect(second.areRight(second.live))
        #expect(second.recovery.report.damagedFiles.count == 1)
    }

    @Test func aMissingSegmentCostsItsMessagesOnly() throws {
        let first = try TestJournal(disk, configuration)
        (0..<300).forEach { _ in first.publish(1, to: [1]) }
        try first.commit()
        try checkpoint(first)
        try first.journal.close()
        var files = disk.contents
        let segment = try #require(files.keys.filter { $0.hasPrefix("segment-") }.min())
        files[segment] = nil
        let second = try TestJournal(MemoryDisk(files: files), configuration)
        #expect(second.liveIDs.count > 200)
        #expect(second.areRight(second.live))
        #expect(second.recovery.report.damagedFiles.count == 1)
    }
}
