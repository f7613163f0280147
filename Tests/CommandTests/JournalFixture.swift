import AMQPWire
import Foundation
import Glibc
import Journal
import Processes
import Testing

@testable import Broker

/// A data directory with a small journal, as a broker that was stopped leaves it.
struct JournalFixture: ~Copyable {
    let directory: TemporaryDirectory
    /// What `--data-dir` would name.
    var path: String { directory.path }
    var journal: String { "\(directory.path)/journal" }
    static let bodyByteCount = 1000

    /// Exchange `x` and queue `orders` in a checkpoint, queue `late` after it; 40 messages, of which 10 are settled, in
    /// several segments, the checkpoint between them.
    init() throws {
        let directory = try TemporaryDirectory()
        try Self.fill("\(directory.path)/journal")
        self.directory = directory
    }

    private static func fill(_ path: String) throws {
        var configuration = JournalConfiguration(directory: path) { 0x5EED }
        configuration.segmentByteCount = 24 << 10
        configuration.checkpointByteCount = .max
        let journal = try Journal.open(configuration, disk: SystemDisk())
        _ = try journal.recover()
        try Self.write(journal) { buffer in
            for step in Self.early { buffer.append(step) }
            for sequence in 1...20 { Self.appendMessage(UInt64(sequence), to: 1, &buffer) }
            for sequence in 1...10 {
                buffer.appendSettlement(id: MessageID.make(lane: 1, sequence: UInt64(sequence)), holder: 1)
            }
        }
        journal.requestCheckpoint()
        try Self.write(journal) { buffer in
            Self.withSnapshot { buffer.appendStateSnapshot($0) }
            buffer.append(.queueDeclared(virtualHost: "/", Self.queue("late", 2)))
            for sequence in 21...40 { Self.appendMessage(UInt64(sequence), to: 2, &buffer) }
        }
        try Self.write(journal) { _ in }
        try journal.close()
    }

    static func queue(_ name: ShortString, _ number: UInt32) -> DurableQueue {
        DurableQueue(name: name, journalNumber: number, isAutoDelete: false, arguments: ["x-max-length": .int32(5)])
    }

    private static let early: [TopologyStep] = [
        .virtualHostAdded("/"),
        .exchangeDeclared(
            virtualHost: "/",
            DurableExchange(name: "x", type: "topic", isAutoDelete: false, isInternal: false, arguments: [:])),
        .queueDeclared(virtualHost: "/", queue("orders", 1)),
    ]

    private static func withSnapshot(_ body: (UnsafeRawBufferPointer) -> Void) {
        var bytes = OutboundBuffer()
        bytes.write(UInt8(1))
        bytes.write(UInt32(2))
        for step in early { step.write(to: &bytes) }
        body(bytes.bytes)
        bytes.deallocate()
    }

    /// To exchange `x` with key `k`.
    private static func appendMessage(_ sequence: UInt64, to holder: UInt32, _ buffer: inout LaneBuffer) {
        var content: [UInt8] = [1, 0, 0, 0, 0, 1, 4, 0, 2, 0, 0, 0]
        content += withUnsafeBytes(of: UInt32(bodyByteCount).littleEndian) { [UInt8]($0) }
        content += [UInt8](repeating: 0, count: 16)
        content += [1, UInt8(ascii: "x"), 1, UInt8(ascii: "k"), 0, 0]
        content += [UInt8](repeating: UInt8(ascii: "b"), count: bodyByteCount)
        content.withUnsafeBytes { content in
            withUnsafeBytes(of: holder) { holder in
                buffer.appendMessage(
                    id: MessageID.make(lane: 1, sequence: sequence), holders: holder.bindMemory(to: UInt32.self),
                    content: content)
            }
        }
    }

    private static func write(_ journal: Journal, _ fill: (inout LaneBuffer) -> Void) throws {
        var buffer = LaneBuffer()
        defer { buffer.deallocate() }
        fill(&buffer)
        var cursor = AppendCursor()
        while try journal.append([buffer], from: &cursor, mayUseReserve: false) == .needsSegment {
            try #require(try maintain(journal))
        }
        try journal.sync()
        try maintain(journal)
    }

    @discardableResult
    private static func maintain(_ journal: Journal) throws -> Bool {
        var hasWorked = false
        while let job = journal.nextMaintenance() {
            job.run()
            try journal.finish(job)
            hasWorked = true
        }
        return hasWorked
    }

    // MARK: What happens to disks

    struct File: Equatable {
        let bytes: Data
        let seconds: Int
        let nanoseconds: Int
    }

    /// Every file's bytes, and when it and the directory were changed.
    func files() throws -> [String: File] {
        var files: [String: File] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: journal) + ["."] {
            var status = stat()
            try #require(stat("\(journal)/\(name)", &status) == 0)
            files[name] = File(
                bytes: name == "." ? Data() : try Data(contentsOf: URL(filePath: "\(journal)/\(name)")),
                seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
        }
        return files
    }

    func change(_ name: String, _ body: (inout Data) -> Void) throws {
        let url = URL(filePath: "\(journal)/\(name)")
        var bytes = try Data(contentsOf: url)
        body(&bytes)
        try bytes.write(to: url)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(journal)/\(name)") }
}
