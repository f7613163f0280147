import Foundation
import Glibc
import Processes
import Testing

/// strace, attached to a running broker, makes its system calls slow or makes them fail.
final class Strace: Sendable {
    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    private static let patienceSeconds = 60
    private static let pollMicroseconds: UInt32 = 5000

    private let process: ChildProcess

    /// Whether there is an strace that may attach to a child of this process.
    static func isUsable() async -> Bool {
        await
            (try? onThread {
                let sleeper = try ChildProcess("/bin/sleep", ["60"])
                _ = try Strace(pid: sleeper.pid, options: ["--inject=fdatasync:delay_enter=1"])
                return true
            }) ?? false
    }

    /// Attaches to the broker.
    ///
    /// - Parameters:
    ///   - injection: `fdatasync:delay_enter=120000`, see strace(1).
    ///   - paths: only calls that have to do with these files; empty for all.
    static func attach(
        to broker: BrokerProcess, injection: String, paths: [String] = []
    ) async throws -> Strace {
        try await onThread {
            let options = ["--inject=\(injection)"] + paths.map { "--trace-path=\($0)" }
            return try Strace(pid: broker.pid, options: options)
        }
    }

    private init(pid tracee: pid_t, options: [String]) throws {
        process = try ChildProcess(
            try #require(Self.path),
            ["--follow-forks", "--output=/dev/null"] + options + ["--attach=\(tracee)"])
        for _ in 0..<(Self.patienceSeconds * 1_000_000 / Int(Self.pollMicroseconds)) {
            if process.errors.contains(" attached") { return }
            guard process.isRunning else { throw Refused(description: process.errors) }
            usleep(Self.pollMicroseconds)
        }
        throw Refused(description: "strace does not say that it has attached")
    }

    deinit { detach() }

    /// What was traced goes on by itself. While a call is being delayed strace looks after nothing else, not even
    /// after the end of the process.
    func detach() { _ = try? process.end(SIGKILL) }

    private static var path: String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/strace" }
            .first { access($0, X_OK) == 0 }
    }
}
