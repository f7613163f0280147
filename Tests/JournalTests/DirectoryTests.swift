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
}
