import Foundation
import Glibc
import Synchronization

/// A directory for brokers one after the other: their data, their configuration and what they said on standard error.
package final class Workspace: Sendable {
    private let directory: TemporaryDirectory
    package let configuration: String

    package var path: String { directory.path }
    package var data: String { "\(path)/data" }
    package var errorLog: String { "\(path)/errors.log" }

    /// - Parameter settings: lines of the configuration.
    package init(settings: [String] = []) throws {
        directory = try TemporaryDirectory()
        configuration = try directory.write(settings.joined(separator: "\n") + "\n", to: "leveret.conf")
    }

    /// A fault was found: its traces stay.
    package func keep() { directory.keep() }

    /// All that brokers wrote to standard error here.
    package var errors: String { (try? String(contentsOfFile: errorLog, encoding: .utf8)) ?? "" }
}

/// The built `leveret` on free ports of loopback. It is killed at the latest when the value goes.
package final class BrokerProcess: Sendable {
    /// The smallest: each of many brokers fills some files with zeros.
    package static let smallJournal = "leveret.journal_segment_size = 1MiB"

    package let workspace: Workspace
    private let process: ChildProcess
    private let ports = Mutex((amqp: 0, http: 0))

    package var pid: pid_t { process.pid }
    /// Known once the broker is ready, like the other port.
    package var port: Int { ports.withLock { $0.amqp } }
    package var httpPort: Int { ports.withLock { $0.http } }
    package var uri: String { "amqp://guest:guest@127.0.0.1:\(port)/" }
    /// Of the HTTP API.
    package var url: String { "http://127.0.0.1:\(httpPort)" }

    /// Starts it on the workspace's data and does not wait for it.
    package init(in workspace: Workspace, shards: Int = 2, data: String? = nil, logLevel: String = "warning") throws {
        self.workspace = workspace
        let arguments = [
            "--config", workspace.configuration, "--data-dir", data ?? workspace.data, "--port", "0",
            "--http-port", "0", "--shards", "\(shards)", "--log-level", logLevel,
        ]
        process = try ChildProcess(built: "leveret", arguments, errors: .file(workspace.errorLog))
    }

    /// Starts it, on data of its own, and waits until clients may connect.
    package convenience init(settings: [String] = [smallJournal], shards: Int = 2) throws {
        try self.init(in: Workspace(settings: settings), shards: shards)
        try becomeReady()
    }

    /// Waits until clients may connect.
    package func becomeReady() throws {
        let lines = try process.lines(upTo: "ready")
        func port(behind prefix: String) -> Int? {
            lines.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.count).prefix { $0 != "/" }
                .split(separator: ":").last.flatMap { Int($0) }
        }
        guard let amqp = port(behind: "listening on ") else {
            throw ChildProcess.Failure(description: "it does not say where it listens: \(lines)")
        }
        ports.withLock { $0 = (amqp, port(behind: "HTTP API on http://") ?? 0) }
    }

    /// Waits for the end, after a signal if one is given. Returns the exit code, or minus the signal that ended it.
    @discardableResult
    package func end(_ signal: Int32? = nil) throws -> Int32 {
        try signal.map { try process.end($0).code } ?? process.end().code
    }

    /// Whether it runs, as far as is known without waiting.
    package var isRunning: Bool { process.isRunning }
}
