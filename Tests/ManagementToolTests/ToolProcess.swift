import Foundation
import Testing

/// What `install.sh` has installed.
enum Tools {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Tools")
    static let root = directory.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let installed = root.appending(path: ".build-tools")

    static let python = installed.appending(path: "python/bin/python")
    static let schemathesis = installed.appending(path: "python/bin/schemathesis")
    static let promtool = installed.appending(path: "prometheus/usr/bin/promtool")
    static let prometheus = installed.appending(path: "prometheus/usr/bin/prometheus")
    static let rabbitmqadmin = installed.appending(path: "rabbitmq-server/usr/bin/rabbitmqadmin")
    /// Debian's, which the distribution's package management installs.
    static let rabbitmq = URL(filePath: "/usr/lib/rabbitmq/bin/rabbitmq-server")

    static func isThere(_ tool: URL) -> Bool { FileManager.default.fileExists(atPath: tool.path) }

    static let hint = "no tools installed: run Tests/ManagementToolTests/Tools/install.sh, as `make test` does"
}

struct ToolResult: Sendable {
    let code: Int32
    let output: String
}

/// Runs a tool to its end, on a thread of its own: the threads of tasks are as many as cores.
func runTool(_ executable: URL, _ arguments: [String], input: Data? = nil) async throws -> ToolResult {
    try #require(Tools.isThere(executable), "\(Tools.hint)")
    return try await onThread {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        if let input {
            let file = FileManager.default.temporaryDirectory.appending(path: "leveret-input-\(UUID().uuidString)")
            try input.write(to: file)
            process.standardInput = try FileHandle(forReadingFrom: file)
            try FileManager.default.removeItem(at: file)
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return ToolResult(code: process.terminationStatus, output: text)
    }
}

/// A script of `Tools/`, with the installed Python.
func runScript(_ name: String, _ arguments: [String]) async throws -> ToolResult {
    try await runTool(Tools.python, [Tools.directory.appending(path: name).path] + arguments)
}

func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { waiter in
        Thread.detachNewThread { waiter.resume(with: .init(catching: body)) }
    }
}

/// The built `leveret` on free ports of loopback, ended when the value goes.
final class ManagedBroker: Sendable {
    let port: Int
    let httpPort: Int
    private let process: Process
    private let directory: URL

    /// - Parameter settings: lines for its configuration file.
    init(settings: String = "") throws {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let executable = URL(filePath: runner).deletingLastPathComponent().appending(path: "leveret")
        try #require(Tools.isThere(executable), "build it first: swift build --product leveret")
        directory = FileManager.default.temporaryDirectory.appending(path: "leveret-tools-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let configuration = directory.appending(path: "leveret.conf")
        try "leveret.journal_segment_size = 1MiB\n\(settings)\n"
            .write(to: configuration, atomically: false, encoding: .utf8)
        let process = Process()
        process.executableURL = executable
        process.arguments = [
            "--config", configuration.path, "--data-dir", directory.path, "--port", "0", "--http-port", "0",
            "--shards", "2", "--log-level", "critical",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        self.process = process
        var text = ""
        while !text.hasSuffix("ready\n") {
            let bytes = output.fileHandleForReading.availableData
            try #require(!bytes.isEmpty, "leveret did not start: \(text)")
            text += String(decoding: bytes, as: UTF8.self)
        }
        func number(behind prefix: String) -> Int? {
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else { return nil }
            let address = line.dropFirst(prefix.count).prefix { $0 != "/" }
            return address.split(separator: ":").last.flatMap { Int($0) }
        }
        port = try #require(number(behind: "listening on "), "\(text)")
        httpPort = try #require(number(behind: "HTTP API on http://"), "\(text)")
    }

    deinit {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }
}
