import Foundation
import Glibc
import Synchronization
import Testing

/// strace, attached to a running broker, makes its system calls slow or makes them fail.
final class Strace: Sendable {
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private static let patienceSeconds = 60
    private static let pollMicroseconds: UInt32 = 5000

    private let pid: pid_t
    private let discarded: Int32
    private let isDetached = Atomic<Bool>(false)

    /// Whether there is an strace that may attach to a child of this process.
    static func isUsable() async -> Bool {
        await
            (try? onThread {
                let workspace = try Workspace()
                var ends: [Int32] = [0, 0]
                try #require(pipe(&ends) == 0)
                defer { for end in ends { close(end) } }
                let sleeper = try BrokerProcess.spawn(
                    "/bin/sleep", ["60"], output: ends[1], errorLog: workspace.errorLog)
                defer {
                    kill(sleeper, SIGKILL)
                    waitpid(sleeper, nil, 0)
                }
                _ = try Strace(pid: sleeper, options: ["--inject=fdatasync:delay_enter=1"], in: workspace)
                return true
            }) ?? false
    }

    /// Attaches to the broker.
    ///
    /// - Parameters:
    ///   - injection: `fdatasync:delay_enter=120000`, see strace(1).
    ///   - paths: only calls that have to do with these files; empty for all.
    static func attach(
        to broker: BrokerProcess, injection: String, paths: [String] = [], in workspace: Workspace
    ) async throws -> Strace {
        try await onThread {
            let options = ["--inject=\(injection)"] + paths.map { "--trace-path=\($0)" }
            return try Strace(pid: broker.pid, options: options, in: workspace)
        }
    }

    private init(pid tracee: pid_t, options: [String], in workspace: Workspace) throws {
        let log = "\(workspace.path)/strace-\(tracee).log"
        discarded = open("/dev/null", O_WRONLY | O_CLOEXEC)
        let path = try #require(Self.path)
        pid = try BrokerProcess.spawn(
            path, ["--follow-forks", "--output=/dev/null"] + options + ["--attach=\(tracee)"], output: discarded,
            errorLog: log)
        for _ in 0..<(Self.patienceSeconds * 1_000_000 / Int(Self.pollMicroseconds)) {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            if text.contains(" attached") { return }
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { throw Refused(description: text) }
            usleep(Self.pollMicroseconds)
        }
        throw Refused(description: "strace does not say that it has attached")
    }

    deinit {
        detach()
        close(discarded)
    }

    /// What was traced goes on by itself. While a call is being delayed strace looks after nothing else, not even
    /// after the end of the process.
    func detach() {
        guard !isDetached.exchange(true, ordering: .sequentiallyConsistent) else { return }
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
    }

    private static var path: String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/strace" }
            .first { access($0, X_OK) == 0 }
    }
}
