import Foundation
import Testing

/// Other people's clients against the built `leveret`: each script of `Clients/` on a broker of its own.
@Suite(.serialized) struct RealClientTests {
    @Test(arguments: try ClientScript.all())
    func client(script: ClientScript) async throws {
        try await run(script, shards: 1)
    }

    /// Publishers, queues and consumers on different event loops.
    @Test(arguments: try ClientScript.all().filter { !$0.isSlow })
    func clientOverTwoShards(script: ClientScript) async throws {
        try await run(script, shards: 2)
    }

    private func run(_ script: ClientScript, shards: Int) async throws {
        let result = try await onThread {
            let broker = try BrokerProcess(shards: shards)
            return try script.run(port: broker.port)
        }
        #expect(result.code == 0, "\(result.lastLine)")
    }
}

/// Runs what blocks on a thread of its own: the threads of tasks are as many as cores, and other tests need them.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { waiter in
        Thread.detachNewThread { waiter.resume(with: .init(catching: body)) }
    }
}

/// One script of `Clients/`.
struct ClientScript: CustomTestStringConvertible, Sendable {
    let name: String

    var testDescription: String { name }

    /// Scripts that sit out heartbeats or open a thousand connections: once is enough.
    var isSlow: Bool { name.contains("heartbeat") || name.contains("1000") || name.contains("limits") }

    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Clients")

    static func all() throws -> [ClientScript] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            .filter { ($0.hasSuffix(".py") && !$0.hasPrefix("common")) || $0 == "amqp_tools.sh" }
            .map { ClientScript(name: $0) }
    }

    /// Runs it to its end; the scripts have deadlines of their own.
    func run(port: Int) throws -> (code: Int32, lastLine: String) {
        let script = Self.directory.appending(path: name)
        let options = ["--host", "127.0.0.1", "--port", "\(port)"]
        let (code, text) =
            name.hasSuffix(".py") ? try runPython(script, options) : try runProcess(script, options)
        return (code, text.split(separator: "\n").last.map(String.init) ?? "")
    }
}

/// Runs a script with the installed clients, to its end.
func runPython(_ script: URL, _ arguments: [String]) throws -> (code: Int32, output: String) {
    let python = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: ".build-clients/bin/python")
    try #require(
        FileManager.default.isExecutableFile(atPath: python.path),
        "no clients installed: run Tests/RealClientTests/Clients/install.sh, as `make test` does")
    return try runProcess(python, [script.path] + arguments)
}

private func runProcess(_ executable: URL, _ arguments: [String]) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
}

/// The built `leveret` on a free port of loopback, ended when the value goes.
final class BrokerProcess {
    let port: Int
    private let process = Process()
    private let directory: URL

    init(shards: Int) throws {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let executable = URL(filePath: runner).deletingLastPathComponent().appending(path: "leveret")
        try #require(
            FileManager.default.isExecutableFile(atPath: executable.path),
            "build it first: swift build --product leveret")
        directory = FileManager.default.temporaryDirectory.appending(path: "leveret-clients-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let configuration = directory.appending(path: "leveret.conf")
        // Small files: each of many brokers fills some with zeros.
        let settings = "leveret.connection_placement = spread\nleveret.journal_segment_size = 1MiB\n"
        try settings.write(to: configuration, atomically: false, encoding: .utf8)
        process.executableURL = executable
        process.arguments = [
            "--config", configuration.path, "--data-dir", directory.path, "--port", "0",
            "--http-port", "0", "--shards", "\(shards)",
            "--log-level", "critical",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var text = ""
        while !text.hasSuffix("ready\n") {
            let bytes = output.fileHandleForReading.availableData
            try #require(!bytes.isEmpty, "leveret did not start: \(text)")
            text += String(decoding: bytes, as: UTF8.self)
        }
        let listening = text.split(separator: "\n").first { $0.hasPrefix("listening on ") }
        port = try #require(listening?.split(separator: ":").last.flatMap { Int($0) }, "\(text)")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }
}
