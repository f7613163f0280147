import Testing

@testable import Journal

@Suite struct RoundTripTests {
    let disk = MemoryDisk()

    @Test func messagesComeBackInOrderAndCanBeRead() throws {
        let first = try TestJournal(disk)
        var ids: [UInt64] = []
        for round in 0..<50 {
            ids.append(first.publish(1, to: [1], round * 37))
            ids.append(first.publish(2, to: [1, 2, 3], 100))
            try first.commit()
        }
        #expect(first.journal.syncedPosition == first.journal.writtenPosition)
        try first.journal.close()

        let second = try TestJournal(disk)
        #expect(second.liveIDs == ids)
        #expect(second.areRight(second.live))
        #expect(second.recovery.report.isClean)
        #expect(second.recovery.report.liveMessageCount == 100)
        #expect(second.recovery.nextSequence == 51)
        #expect(second.live[1].holders == [1, 2, 3])
        try second.journal.close()
        #expect(disk.openCount == 0)
    }

    @Test func theOrderIsThatOfTheLanesInTheWrites() throws {
        let first = try TestJournal(disk)
        let second = first.publish(2)
        let early = first.publish(1)
        try first.commit()
        let last = first.publish(1)
        try first.commit()
        try first.journal.close()
        #expect(try TestJournal(disk).liveIDs == [early, second, last])
    }

    @Test func settledMessagesStayAway() throws {
        let first = try TestJournal(disk)
        let ids = (0..<100).map { _ in first.publish(1, to: [1, 2]) }
        try first.commit()
        for id in ids { first.settle(id, 1) }
        for id in ids.prefix(60) { first.settle(id, 2) }
        first.settle(ids[0], 2)
        first.settle(ids[70], 9)
        try first.commit()
        #expect(first.read([ids[0]]) == [.missing])
        #expect(first.journal.statistics.liveMessageCount == 40)
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.liveIDs == Array(ids.suffix(40)))
        #expect(second.live.allSatisfy { $0.holders == [2] })
    }

    @Test func aSettlementMayComeBeforeItsMessage() throws {
        let first = try TestJournal(disk)
        let id = MessageID.make(lane: 2, sequence: first.nextSequence[2])
        let other = MessageID.make(lane: 2, sequence: first.nextSequence[2] + 1)
        first.settle(id, 1, lane: 1)
        first.settle(other, 2, lane: 1)
        try first.commit()
        #expect(first.publish(2) == id)
        #expect(first.publish(2, to: [1, 2]) == other)
        try first.commit()
        #expect(first.journal.statistics.liveMessageCount == 1)
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.live.map(\.holders) == [[1]])
    }

    @Test func aReplacementSettlesInTheSameStep() throws {
        let first = try TestJournal(disk)
        let old = first.publish()
        try first.commit()
        let new = first.replace(1, to: [7], settling: old, of: 1)
        try first.commit()
        #expect(first.read([old, new]) == [.missing, .content(first.content(new, 100))])
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.live.map(\.holders) == [[7]])
        #expect(second.areRight(second.live))
    }

    @Test func aRemovedHolderTakesItsMessagesAlong() throws {
        let first = try TestJournal(disk)
        let alone = first.publish(1, to: [1])
        let shared = first.publish(1, to: [1, 2])
        first.lanes[0].appendHolderRemoved(1)
        try first.commit()
        first.lanes[0].appendHolderRemoved(1)
        try first.commit()
        // Sent on its way before its lane knew.
        first.publish(2, to: [1])
        try first.commit()
        #expect(alone != shared)
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.live.map(\.id) == [shared])
        #expect(second.live.map(\.holders) == [[2]])
        #expect(second.recovery.report.liveMessageCount == 1)
    }

    @Test func whatIsLargerThanASegmentGetsItsOwn() throws {
        let first = try TestJournal(disk)
        first.publish(1, to: [1], 60_000)
        let large = first.publish(1, to: [1], 300_000)
        first.publish(1, to: [1], 10)
        try first.commit()
        #expect(first.read([large]) == [.content(first.content(large, 300_000))])
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.live.map(\.byteCount) == [60_000, 300_000, 10])
        #expect(second.areRight(second.live))
    }

    @Test func stateChangesComeBackInOrder() throws {
        let first = try TestJournal(disk)
        first.change("a")
        first.publish()
        try first.commit()
        first.change("b")
        try first.commit()
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.recovery.stateChanges == [Array("a".utf8), Array("b".utf8)])
        #expect(second.recovery.stateSnapshot == nil)
    }

    @Test func whatMayHaveBeenDeliveredIsKnown() throws {
        let first = try TestJournal(disk)
        let ids = (0..<4).map { _ in first.publish(1, to: [1, 2]) }
        first.lanes[2].appendDeliveryMark(holder: 1, lane: 1, sequence: MessageID.sequence(ids[1]))
        first.lanes[2].appendDeliveryMark(holder: 1, lane: 1, sequence: MessageID.sequence(ids[0]))
        first.lanes[2].appendDeliveryMark(holder: 2, lane: 2, sequence: 1000)
        try first.commit()
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.live.map(\.delivered) == [[true, false], [true, false], [false, false], [false, false]])
        #expect(second.recovery.nextSequence == 1001)
        second.lanes[0].appendDelivered(holder: 1, ids: [ids[3]])
        second.lanes[0].appendDelivered(holder: 1, ids: [ids[2]])
        try second.commit()
        try second.journal.close()
        let third = try TestJournal(disk)
        #expect(third.live.map(\.delivered) == [[false, false], [false, false], [true, false], [true, false]])
    }

    @Test func afterARestartSequencesAreNewWhateverWasNamed() throws {
        let first = try TestJournal(disk)
        first.publish()
        first.settle(MessageID.make(lane: 2, sequence: 77))
        try first.commit()
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.recovery.nextSequence == 78)
        let id = second.publish(2)
        try second.commit()
        try second.journal.close()
        #expect(try TestJournal(disk).liveIDs.last == id)
    }

    @Test func manyHoldersSettleOneByOne() throws {
        let first = try TestJournal(disk)
        let holders = (1...100).map { UInt32($0 * 7 % 101) }
        let id = first.publish(1, to: holders + [7, 14])
        for holder in holders.dropLast() { first.settle(id, holder) }
        try first.commit()
        #expect(first.journal.statistics.liveMessageCount == 1)
        first.settle(id, holders[99])
        try first.commit()
        #expect(first.journal.statistics.liveMessageCount == 0)
        #expect(first.journal.statistics.liveByteCount == 0)
    }
}
