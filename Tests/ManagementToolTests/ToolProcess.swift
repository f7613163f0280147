import Foundation
import Processes
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

/// Runs a tool to its end, on a thread of its own: the threads of tasks are as many as cores.
func runTool(_ executable: URL, _ arguments: [String]) async throws -> ChildProcess.Result {
    try #require(Tools.isThere(executable), "\(Tools.hint)")
    return try await onThread {
        try ChildProcess(executable.path, arguments, errors: .withOutput, silenceSeconds: 1200).end()
    }
}

/// A script of `Tools/`, with the installed Python.
func runScript(_ name: String, _ arguments: [String]) async throws -> ChildProcess.Result {
    try await runTool(Tools.python, [Tools.directory.appending(path: name).path] + arguments)
}

typealias ManagedBroker = BrokerProcess

extension BrokerProcess {
    /// - Parameter settings: lines for its configuration file.
    convenience init(settings: String) throws { try self.init(settings: [Self.smallJournal, settings]) }
}
