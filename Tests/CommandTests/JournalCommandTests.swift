import Foundation
import Journal
import Processes
import Testing

/// `leveretctl journal` on a journal as brokers leave it.
@Suite(.serialized) struct JournalCommandTests {
    private static let headerByteCount = 8192

    private func lines(_ result: ChildProcess.Result) throws -> [[String: Any]] {
        try result.output.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    @Test func soundJournalIsSummedUpAndNotChanged() throws {
        let fixture = try JournalFixture()
        let before = try fixture.files()
        for path in [fixture.path, fixture.journal, "\(fixture.path)//"] {
            let result = try Command.control("journal", "check", path)
            #expect(result.code == 0, "\(result.errors)")
            #expect(result.errors.isEmpty)
            let lines = result.output.split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("journal ") && $0.hasSuffix("/journal") })
            #expect(lines.contains { $0.hasPrefix("checkpoint  number 1, at position ") })
            #expect(lines.contains("topology    1 virtual host, 1 exchange, 2 queues, 0 bindings"))
            #expect(lines.contains { $0.hasPrefix("live        30 messages, ") })
            #expect(lines.contains { $0.split(separator: " ").prefix(2) == ["message", "40"] })
            #expect(lines.last == "result      sound")
        }
        #expect(try Command.control("journal", "dump", fixture.path).code == 0)
        #expect(try fixture.files() == before)
    }

    /// A copy may have been made without the lock file, and none is made.
    @Test func copyWithoutALockFileIsRead() throws {
        let fixture = try JournalFixture()
        try fixture.remove("lock")
        let before = try fixture.files()
        #expect(try Command.control("journal", "check", fixture.path).code == 0)
        #expect(try fixture.files() == before)
    }

    @Test func everyRecordIsDumped() throws {
        let fixture = try JournalFixture()
        let result = try Command.control("journal", "dump", fixture.path)
        #expect(result.code == 0)
        #expect(result.errors.isEmpty)
        let lines = try lines(result)
        let snapshot = lines.filter { $0["kind"] as? String == "stateSnapshot" }
        #expect(snapshot.map { $0["step"] as? String } == ["virtualHostAdded", "exchangeDeclared", "queueDeclared"])
        let messages = lines.filter { $0["kind"] as? String == "message" }
        #expect(messages.map { $0["sequence"] as? Int } == (1...40).map { $0 })
        #expect(messages.map { $0["live"] as? Bool } == (1...40).map { $0 > 10 })
        for (index, message) in messages.enumerated() {
            let queues = message["queues"] as? [[String: String]]
            #expect(queues == [["virtualHost": "/", "name": index < 20 ? "orders" : "late"]])
            let content = message["message"] as? [String: Any]
            #expect(content?["bodyByteCount"] as? Int == JournalFixture.bodyByteCount)
            #expect(content?["routingKey"] as? String == "k")
        }
        let settled = lines.flatMap { $0["settlements"] as? [[String: Any]] ?? [] }
        #expect(settled.count == 10)
        #expect(settled.allSatisfy { ($0["queue"] as? [String: String])?["name"] == "orders" })
        let positions = lines.dropFirst(snapshot.count).compactMap { $0["position"] as? Int }
        #expect(positions == positions.sorted())
    }

    /// The place of the third message: its file and offset.
    private func place(_ fixture: borrowing JournalFixture) throws -> (file: String, offset: Int, byteCount: Int) {
        let lines = try lines(try Command.control("journal", "dump", fixture.path))
        let message = try #require(lines.first { $0["sequence"] as? Int == 13 })
        return (
            try #require(message["file"] as? String), try #require(message["offset"] as? Int),
            try #require(message["byteCount"] as? Int)
        )
    }

    private func expectDamage(
        _ fixture: borrowing JournalFixture, _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try fixture.files()
        let result = try Command.control("journal", "check", fixture.path)
        #expect(result.code == 1, "\(result.errors)", sourceLocation: sourceLocation)
        for text in expected {
            #expect(result.output.contains(text), "\(result.output)", sourceLocation: sourceLocation)
        }
        #expect(result.output.hasSuffix("result      damaged\n"), sourceLocation: sourceLocation)
        let dump = try Command.control("journal", "dump", fixture.path)
        #expect(dump.code == 1, sourceLocation: sourceLocation)
        _ = try lines(dump)
        #expect(try fixture.files() == before, sourceLocation: sourceLocation)
    }

    @Test func flippedPayloadIsNamed() throws {
        let fixture = try JournalFixture()
        let place = try place(fixture)
        try fixture.change(place.file) { $0[place.offset + place.byteCount / 2] ^= 1 }
        try expectDamage(
            fixture,
            [
                "damage      1 place\n  \(place.file), offset \(place.offset) (position ",
                "the payload fails its CRC (live message)",
            ])
        let lines = try lines(try Command.control("journal", "dump", fixture.path))
        let damaged = lines.filter { $0["crc"] as? String == "payloadDamaged" }
        #expect(damaged.map { $0["offset"] as? Int } == [place.offset])
        #expect(damaged.first?["live"] as? Bool == true)
        #expect(damaged.first?["holders"] == nil)
    }

    @Test func flippedRecordHeaderIsNamed() throws {
        let fixture = try JournalFixture()
        let place = try place(fixture)
        try fixture.change(place.file) { $0[place.offset] ^= 1 }
        try expectDamage(
            fixture,
            [
                "  \(place.file), offset \(place.offset) (position ", "no right record header in ",
                " bytes (1 live message)",
            ])
        let lines = try lines(try Command.control("journal", "dump", fixture.path))
        let damaged = lines.filter { $0["crc"] as? String == "headerDamaged" }
        #expect(damaged.map { $0["offset"] as? Int } == [place.offset])
    }

    @Test func flippedSegmentHeaderIsNamed() throws {
        let fixture = try JournalFixture()
        let place = try place(fixture)
        try fixture.change(place.file) { $0[20] ^= 1 }
        try expectDamage(fixture, ["  \(place.file): a copy of the header is damaged"])
    }

    @Test func truncatedSegmentIsNamed() throws {
        let fixture = try JournalFixture()
        let place = try place(fixture)
        try fixture.change(place.file) { $0 = $0.prefix(Self.headerByteCount + 4000) }
        try expectDamage(fixture, ["  \(place.file) was 24576 bytes long and has \(Self.headerByteCount + 4000)"])
    }

    @Test func missingSegmentIsNamed() throws {
        let fixture = try JournalFixture()
        let place = try place(fixture)
        try fixture.remove(place.file)
        try expectDamage(fixture, ["  \(place.file) is missing, and its messages with it"])
    }

    /// Whatever a single byte of a file becomes: an answer, and nothing changed.
    @Test func anyDamageOfACheckpointIsAnswered() throws {
        let fixture = try JournalFixture()
        for offset in stride(from: 0, to: 700, by: 97) {
            try fixture.change("checkpoint-a") { if offset < $0.count { $0[offset] ^= 0x80 } }
            try expectDamage(fixture, ["checkpoint-a is damaged: its copy is used"])
            try fixture.change("checkpoint-a") { if offset < $0.count { $0[offset] ^= 0x80 } }
        }
    }

    /// What was before the first segment that is left, topology too, is gone with the checkpoints.
    @Test func messagesWithoutTheirQueuesAreTold() throws {
        let fixture = try JournalFixture()
        try fixture.remove("checkpoint-a")
        try fixture.remove("checkpoint-b")
        try fixture.remove("segment-000001")
        let result = try Command.control("journal", "check", fixture.path)
        #expect(result.code == 1)
        #expect(result.output.contains("the segment before this one is missing\n"), "\(result.output)")
        #expect(result.output.contains(" of queues that are not in the topology: a broker's start drops them\n"))
    }

    @Test func journalWithoutCheckpointsIsRead() throws {
        let fixture = try JournalFixture()
        try fixture.remove("checkpoint-a")
        try fixture.remove("checkpoint-b")
        let result = try Command.control("journal", "check", fixture.path)
        #expect(result.output.contains("checkpoint  none\n"))
        #expect(result.output.contains("live        30 messages, "))
    }
}
