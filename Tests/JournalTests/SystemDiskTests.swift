import Glibc
import Testing

@testable import Journal

@Suite struct SystemDiskTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/leveret-journal-XXXXXX".utf8CString)
        let path = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            let disk = SystemDisk()
            for name in (try? disk.names(in: path + "/a/b")) ?? [] { try? disk.unlink(path + "/a/b/" + name) }
            for directory in ["/a/b", "/a", ""] { rmdir(path + directory) }
        }
        try body(path + "/a/b")
    }

    @Test func aJournalLivesInRealFiles() throws {
        try withDirectory { directory in
            var configuration = TestJournal.configuration(segment: 16_384) { $0.checkpointByteCount = 65_536 }
            configuration.directory = directory
            let first = try TestJournal(SystemDisk(), configuration)
            var kept: [UInt64] = []
            for _ in 0..<60 {
                let ids = (0..<20).map { _ in first.publish(1, to: [1]) }
                try first.commit()
                for id in ids.dropFirst() { first.settle(id) }
                kept.append(ids[0])
            }
            try first.commit()
            #expect(throws: JournalError.self) { _ = try TestJournal(SystemDisk(), configuration) }
            try first.journal.close()
            let second = try TestJournal(SystemDisk(), configuration)
            #expect(second.liveIDs == kept)
            #expect(second.areRight(second.live))
            try second.journal.close()
        }
    }

    @Test func failuresSayWhatAndWhere() throws {
        try withDirectory { directory in
            do throws(JournalError) {
                _ = try SystemDisk().open(directory + "/nothing", .read)
                Issue.record("opened")
            } catch {
                #expect(error == .disk(operation: "open", path: directory + "/nothing", errorNumber: ENOENT))
                #expect(error.description.contains("No such file"))
            }
        }
    }
}
