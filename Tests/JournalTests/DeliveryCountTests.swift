import Testing

@testable import Journal

/// How often deliveries of a message to a holder have failed.
@Suite struct DeliveryCountTests {
    let disk = MemoryDisk()

    private func counts(_ test: TestJournal) -> [[Int]] {
        var counts: [[Int]] = []
        test.journal.forEachLiveMessage { message in counts.append(message.holders.map(\.deliveryCount)) }
        return counts
    }

    @Test(arguments: [false, true])
    func theyComeBackWithTheirMessages(throughACheckpoint: Bool) throws {
        let first = try TestJournal(disk)
        let ids = (0..<3).map { _ in first.publish(1, to: [1, 2]) }
        try first.commit()
        first.lanes[2].appendDeliveryCount(holder: 1, id: ids[0], count: 1)
        first.lanes[2].appendDeliveryCount(holder: 2, id: ids[1], count: 1)
        first.lanes[2].appendDeliveryCount(holder: 2, id: ids[1], count: 7)
        try first.commit()
        if throughACheckpoint {
            first.journal.requestCheckpoint()
            try first.commit()
            #expect(!first.journal.isCheckpointUnderWay)
        }
        try first.journal.close()
        let second = try TestJournal(disk)
        #expect(second.recovery.report.isClean)
        #expect(counts(second) == [[1, 0], [0, 7], [0, 0]])
    }

    /// The search for the next record behind damage knows this kind too.
    @Test func oneIsFoundBehindDamage() throws {
        let first = try TestJournal(disk)
        let kept = first.publish(1, to: [1], 40)
        try first.commit()
        // In one write, so that nothing lies between them.
        let damaged = first.publish(1, to: [1], 40)
        first.lanes[2].appendDeliveryCount(holder: 1, id: kept, count: 2)
        try first.commit()
        first.publish(1, to: [1], 40)
        try first.commit()
        let contents = [kept, damaged].map { first.content($0, 40) }
        let files = disk.contents
        try first.journal.close()

        let (name, bytes) = try #require(files.first { $0.value.contains(contents[1]) })
        let places = try contents.map { try #require(bytes.firstRange(of: $0)) }
        for byte in places[0].upperBound..<places[1].lowerBound {
            let copy = MemoryDisk(files: files)
            copy.flip(name, byte: byte, bit: byte % 8)
            let second = try TestJournal(copy)
            #expect(counts(second).first == [2], "byte \(byte)")
            try second.journal.close()
        }
    }
}
