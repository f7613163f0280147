import Foundation
import Glibc
import Synchronization
import Testing

/// Runs what blocks on a thread of its own: the threads of tasks are as many as cores, and other tests need them.
func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { waiter in
        Thread.detachNewThread { waiter.resume(with: .init(catching: body)) }
    }
}

/// A directory for one test: the broker's data, its configuration and what it said on standard error. Removed with the
/// value.
final class Workspace: Sendable {
    let path: String
    private let isKept = Atomic<Bool>(false)

    var data: String { "\(path)/data" }
    var configuration: String { "\(path)/leveret.conf" }
    var errorLog: String { "\(path)/errors.log" }

    /// - Parameter settings: lines of the configuration.
    init(settings: [String] = []) throws {
        let name = "leveret-durability-\(UUID().uuidString)"
        path = FileManager.default.temporaryDirectory.appending(path: name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // Publishers, queues and consumers shall meet on different shards.
        let lines = ["leveret.connection_placement = spread"] + settings + [""]
        try lines.joined(separator: "\n").write(toFile: configuration, atomically: false, encoding: .utf8)
    }

    deinit { if !isKept.load(ordering: .relaxed) { try? FileManager.default.removeItem(atPath: path) } }

    /// A fault was found: its traces stay.
    func keep() { isKept.store(true, ordering: .relaxed) }

    /// All that brokers wrote to standard error here.
    var errors: String { (try? String(contentsOfFile: errorLog, encoding: .utf8)) ?? "" }

    /// What of it is not about clients, who lose connections and ask for what is not there: nothing, unless the broker
    /// found fault with its data.
    /// That memory is scarce is no complaint: it is where rounds with little of it want the broker to be.
    var complaints: [Substring] {
        errors.split(separator: "\n").filter { !$0.contains("connection") && !$0.contains("memory is insufficient") }
    }
}

/// The built `leveret` as a child process on a free port of loopback. It is killed at the latest when the value goes.
final class BrokerProcess: Sendable {
    struct Silence: Error, CustomStringConvertible {
        let description: String
    }

    /// Longer than anything here takes on a busy machine: a test that waited on and on would say less.
    private static let patienceSeconds = 60

    let pid: pid_t
    private let workspace: Workspace
    /// The parent's end of standard output.
    private let output: Int32
    private let exitCode = Mutex<Int32?>(nil)
    private let listeningPort = Mutex<Int>(0)
    private let managementPort = Mutex<Int>(0)

    /// The port, once the broker is ready.
    var port: Int { listeningPort.withLock { $0 } }

    /// The HTTP API's port, once the broker is ready.
    var httpPort: Int { managementPort.withLock { $0 } }

    /// Starts `leveret` on the workspace's data and does not wait for it.
    init(in workspace: Workspace, shards: Int, data: String? = nil) throws {
        self.workspace = workspace
        let arguments = [
            "--config", workspace.configuration, "--data-dir", data ?? workspace.data, "--port", "0",
            "--http-port", "0",
            "--shards", "\(shards)", "--log-level", "warning",
        ]
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        output = ends[0]
        defer { close(ends[1]) }
        pid = try Self.spawn(Self.executable(), arguments, output: ends[1], errorLog: workspace.errorLog)
    }

    deinit {
        if exitCode.withLock({ $0 }) == nil {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(output)
    }

    /// Starts a broker and waits until clients may connect.
    static func start(in workspace: Workspace, shards: Int) async throws -> BrokerProcess {
        let process = try BrokerProcess(in: workspace, shards: shards)
        try await process.becomeReady()
        return process
    }

    /// Waits for the line `ready`.
    func becomeReady() async throws {
        try await onThread { [self] in
            var text = ""
            while !text.hasSuffix("ready\n") {
                let bytes = try read()
                if bytes.isEmpty { throw Silence(description: "leveret did not start: \(text)\(workspace.errors)") }
                text += String(decoding: bytes, as: UTF8.self)
            }
            let line = text.split(separator: "\n").first { $0.hasPrefix("listening on ") }
            let port = try #require(line?.split(separator: ":").last.flatMap { Int($0) }, "\(text)")
            listeningPort.withLock { $0 = port }
            let httpLine = text.split(separator: "\n").first { $0.hasPrefix("HTTP API on ") }
            let httpPort = httpLine?.dropLast("/api/".count).split(separator: ":").last.flatMap { Int($0) }
            managementPort.withLock { $0 = httpPort ?? 0 }
        }
    }

    /// Sends the signal and waits for the end. Returns the exit code, or minus the signal that ended the process.
    @discardableResult
    func end(_ signal: Int32) async throws -> Int32 {
        kill(pid, signal)
        return try await ended()
    }

    /// Waits for the end, which nobody here has asked for. Returns the exit code, or minus the signal.
    func ended() async throws -> Int32 {
        try await onThread { [self] in
            while try !read().isEmpty {}
            return exitCode.withLock { exitCode in
                if let exitCode { return exitCode }
                var status: Int32 = 0
                waitpid(pid, &status, 0)
                let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
                exitCode = code
                return code
            }
        }
    }

    /// Whether it runs, as far as is known without waiting.
    var isRunning: Bool {
        var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) == 0 || request.revents & Int16(POLLHUP) == 0
    }

    /// Some bytes of standard output; none at its end.
    private func read() throws -> ArraySlice<UInt8> {
        var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, Int32(Self.patienceSeconds) * 1000) == 1 else {
            throw Silence(description: "leveret is silent, and does not end: \(workspace.errors)")
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(output, &bytes, bytes.count)
        return bytes[..<max(0, count)]
    }

    /// `leveret` beside the test runner, where the build puts both, or what `LEVERET_EXECUTABLE` names.
    private static func executable() throws -> String {
        if let path = ProcessInfo.processInfo.environment["LEVERET_EXECUTABLE"] { return path }
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: runner).deletingLastPathComponent().appending(path: "leveret").path
        try #require(access(path, X_OK) == 0, "build it first: swift build --product leveret (looked for \(path))")
        return path
    }

    /// Starts a program. The runner's own blocked or ignored signals do not reach it.
    static func spawn(_ path: String, _ arguments: [String], output: Int32, errorLog: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, errorLog, O_WRONLY | O_CREAT | O_APPEND, 0o600)

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

        let variables = ProcessInfo.processInfo.environment.filter {
            $0.key == "LD_LIBRARY_PATH" || $0.key == "PATH"
        }
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
        try #require(code == 0, "cannot start \(path): \(String(cString: strerror(code)))")
        return pid
    }
}
