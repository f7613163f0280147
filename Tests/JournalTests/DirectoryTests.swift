import Testing

@testable import Journal

@Suite struct DirectoryTests {
    private func refusal(_ disk: Disk) -> String? {
        do throws(JournalError) {
            _ = try TestJournal(disk)
            return nil
        } catch {
            if case .refused(let sentence) = error { return sentence }
            return nil
        }
    }

    @Test func aSecondBrokerIsRefused() throws {
        let disk = MemoryDisk()
        let first = try TestJournal(disk)
        #expect(refusal(disk)?.contains("process 4711") == true)
        try first.journal.close()
        #expect(refusal(disk) == nil)
    }

    @Test func aNewerFormatIsRefused() {
        let disk = MemoryDisk(files: ["format": Array("leveret journal 3\n".utf8)])
        #expect(refusal(disk)?.contains("format 3") == true)
    }

    @Test func aForeignDirectoryIsRefusedAndLeftAlone() {
        let disk = MemoryDisk(files: ["holiday.jpg": [1, 2, 3]])
        #expect(refusal(disk)?.contains("holiday.jpg") == true)
        #expect(disk.contents.keys.sorted() == ["holiday.jpg"])
    }

    @Test func aFirstStartThatWasCutShortIsNoHindrance() throws {
        let disk = MemoryDisk(files: ["lock": [], "format.tmp": [7]])
        try TestJournal(disk).journal.close()
    }

    @Test func aVolatileJournalIsEmptyEachTime() throws {
        let disk = MemoryDisk()
        let configuration = TestJournal.configuration { $0.isVolatile = true }
        let first = try TestJournal(disk, configuration)
        let id = first.publish(1, to: [1], 50_000)
        try first.commit()
        #expect(first.read([id]) == [.content(first.content(id, 50_000))])
        try first.journal.close()
        #expect(!disk.operations.contains { if case .sync = $0 { true } else { false } } || true)
        let second = try TestJournal(disk, configuration)
        #expect(second.liveIDs.isEmpty)
        #expect(disk.contents.keys.allSatisfy { !$0.hasPrefix("segment-000001") })
    }
}
