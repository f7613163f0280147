import AMQPWire
import Foundation
import FuzzTargets
import Testing

/// Replays what fuzzing has found, and the seeds it started from: a finding stays a test for ever.
struct CorpusTests {
    @Test func framesOfTheCorpusDoNoHarm() throws {
        let inputs = try inputs(of: "Frames")
        #expect(!inputs.isEmpty)
        for input in inputs { input.withUnsafeBytes(fuzzFrames) }
    }

    @Test func connectionsOfTheCorpusDoNoHarm() throws {
        let inputs = try inputs(of: "Connection")
        #expect(!inputs.isEmpty)
        for input in inputs { input.withUnsafeBytes(fuzzConnection) }
    }

    /// Every beginning of a seed is another input.
    @Test func truncatedConnectionsDoNoHarm() throws {
        for input in try inputs(of: "Connection") {
            for count in stride(from: 0, to: input.count, by: 7) {
                input.prefix(count).withUnsafeBytes(fuzzConnection)
            }
        }
    }

    private func inputs(of target: String) throws -> [Data] {
        let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Corpus/\(target)")
        return try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }.map { try Data(contentsOf: $0) }
    }
}
