import Foundation
import Processes
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
            let broker = try BrokerProcess.spread(shards: shards)
            return try script.run(port: broker.port)
        }
        #expect(result.code == 0, "\(result.lastLine)")
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
    let result = try ChildProcess(executable.path, arguments, errors: .withOutput, silenceSeconds: 1200).end()
    return (result.code, result.output)
}

extension BrokerProcess {
    /// Publishers, queues and consumers meet on different shards, where there are several.
    static func spread(shards: Int) throws -> BrokerProcess {
        try BrokerProcess(settings: ["leveret.connection_placement = spread", smallJournal], shards: shards)
    }
}
