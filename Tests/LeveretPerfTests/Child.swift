import Foundation
import Glibc
import Testing

/// A built executable as a child process. It is killed at the latest when the value goes.
final class Child: @unchecked Sendable {
    // Used by one test at a time.
    struct Result {
        /// The exit code, or minus the signal that ended the process.
        let code: Int32
        let output: String
        let errors: String
    }

    let pid: pid_t
    private let output: Int32
    private let errorPath: String
    private var code: Int32?

    init(_ executable: String, _ arguments: [String]) throws {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: runner).deletingLastPathComponent().appending(path: executable).path
        try #require(access(path, X_OK) == 0, "build it first: swift build --product \(executable)")
        errorPath = NSTemporaryDirectory() + "/leveretperf-\(UUID().uuidString)"
        // No other child inherits an end, so that the stream ends with its own process.
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        output = ends[0]
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT, 0o600)
        // The test runner's own blocked or ignored signals must not reach the child.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, &argv, environ)
        try #require(code == 0, "cannot start \(path)")
        self.pid = pid
    }

    deinit {
        if code == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(output)
        unlink(errorPath)
    }

    /// Some bytes of standard output, none at its end. A process that is silent for a minute hangs.
    func read() throws -> String {
        var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        try #require(poll(&request, 1, 60_000) == 1, "the command is silent: \(errors)")
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(output, &bytes, bytes.count)
        try #require(count >= 0)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    /// Waits for the end.
    func end() throws -> Result {
        var text = ""
        while case let more = try read(), !more.isEmpty { text += more }
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
        self.code = code
        return Result(code: code, output: text, errors: errors)
    }
}

/// The built `leveret` on a free port of loopback, with a data directory of its own.
final class TestBroker: Sendable {
    let process: Child
    let directory: String
    let uri: String

    init() throws {
        directory = NSTemporaryDirectory() + "/leveretperf-\(UUID().uuidString)"
        process = try Child("leveret", ["--port", "0", "--http-port", "0", "--data-dir", directory, "--shards", "2"])
        var text = ""
        while !text.hasSuffix("ready\n") {
            let more = try process.read()
            try #require(!more.isEmpty, "leveret did not start: \(text)\(process.errors)")
            text += more
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("listening on ") }
        let port = try #require(line?.split(separator: ":").last.flatMap { Int($0) })
        uri = "amqp://guest:guest@127.0.0.1:\(port)/"
    }

    deinit {
        kill(process.pid, SIGKILL)
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs `leveretperf` against it to the end.
    func run(_ arguments: String...) throws -> Child.Result {
        try Child("leveretperf", arguments + ["--uri", uri, "--timeout", "60"]).end()
    }

    /// The same with `--json`; the run must succeed.
    func json(_ arguments: String...) throws -> [String: Any] {
        let result = try Child("leveretperf", arguments + ["--uri", uri, "--timeout", "60", "--json"]).end()
        try #require(result.code == 0, "\(result.output)\(result.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return try #require(object as? [String: Any])
    }
}
