import Foundation
import Glibc
import Synchronization

/// A program that a test has started. It is killed at the latest when the value goes.
package final class ChildProcess: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What a process left that has ended.
    package struct Result: Sendable {
        /// The exit code, or minus the signal that ended the process.
        package let code: Int32
        /// Standard output since the last reading.
        package let output: String
        package let errors: String

        package var errorLines: [Substring] {
            errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        }
    }

    /// Where standard error goes.
    package enum Errors: Sendable {
        /// To `Result.errors`.
        case apart
        /// To the end of this file, from where they are read too.
        case file(String)
        case withOutput
    }

    package let pid: pid_t
    private let output: Int32
    /// A file; -1 where errors are part of the output.
    private let errorFile: Int32
    private let silenceSeconds: Int32
    private let exitCode = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - environment: nil for this process's own.
    ///   - input: a file for standard input.
    ///   - silenceSeconds: longer than it takes on a busy machine to say something: a test that waited on and on would
    ///     say less.
    package init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        input: String = "/dev/null", errors: Errors = .apart, silenceSeconds: Int32 = 60
    ) throws {
        self.silenceSeconds = silenceSeconds
        // No other child inherits an end, so that the stream ends with its own process. Only for a socket pair does
        // Swift see a call that says so from the start.
        var ends: [Int32] = [0, 0]
        try Self.check(
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends), "make a stream")
        output = ends[0]
        defer { close(ends[1]) }
        errorFile = try Self.openFile(for: errors)
        let childErrors = errorFile < 0 ? ends[1] : errorFile

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, childErrors, 2)

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

        let variables = environment ?? ProcessInfo.processInfo.environment
        let argv = ([executable] + arguments).map { strdup($0) } + [nil]
        let envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, argv, envp)
        guard code == 0 else {
            close(output)
            if errorFile >= 0 { close(errorFile) }
            throw Failure(description: "cannot start \(executable): \(String(cString: strerror(code)))")
        }
        self.pid = pid
    }

    /// An executable of this package, with no environment but the given one and what the loader needs.
    package convenience init(
        built name: String, _ arguments: [String] = [], environment: [String: String] = [:], errors: Errors = .apart
    ) throws {
        let needed = ProcessInfo.processInfo.environment.filter { $0.key == "LD_LIBRARY_PATH" || $0.key == "PATH" }
        try self.init(
            BuiltExecutable.path(name), arguments, environment: needed.merging(environment) { $1 }, errors: errors)
    }

    deinit {
        if exitCode.withLock({ $0 }) == nil {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(output)
        if errorFile >= 0 { close(errorFile) }
    }

    private static func openFile(for errors: Errors) throws -> Int32 {
        let path: String
        switch errors {
        case .withOutput: return -1
        case .file(let name): path = name
        case .apart: path = FileManager.default.temporaryDirectory.appending(path: "leveret-\(UUID().uuidString)").path
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try check(descriptor, "open \(path)")
        if case .apart = errors { unlink(path) }
        return descriptor
    }

    private static func check(_ result: Int32, _ action: String) throws {
        guard result < 0 else { return }
        throw Failure(description: "cannot \(action): \(String(cString: strerror(errno)))")
    }

    /// What it has written to standard error so far, and who else writes to the same file.
    package var errors: String {
        guard errorFile >= 0 else { return "" }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = pread(errorFile, &chunk, chunk.count, off_t(bytes.count)), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Some bytes of standard output; none at its end.
    package func read(upTo count: Int = 65536) throws -> ArraySlice<UInt8> {
        var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, silenceSeconds * 1000) == 1 else {
            throw Failure(description: "the process is silent, and does not end: \(errors)")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        return bytes[..<max(0, Glibc.read(output, &bytes, count))]
    }

    /// The lines of standard output up to `last`, that one included.
    package func lines(upTo last: String) throws -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        while lines.last != last {
            guard let byte = try read(upTo: 1).first else {
                throw Failure(description: "it ended without '\(last)', after \(lines): \(errors)")
            }
            if byte == UInt8(ascii: "\n") {
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
        return lines
    }

    /// Waits for the end, which comes by itself or was asked for.
    @discardableResult
    package func end() throws -> Result {
        var bytes: [UInt8] = []
        while case let more = try read(), !more.isEmpty { bytes += more }
        let code = exitCode.withLock { exitCode in
            if let exitCode { return exitCode }
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let code = Self.code(status)
            exitCode = code
            return code
        }
        return Result(code: code, output: String(decoding: bytes, as: UTF8.self), errors: errors)
    }

    /// Sends the signal and waits for the end.
    @discardableResult
    package func end(_ signal: Int32) throws -> Result {
        if isRunning { kill(pid, signal) }
        return try end()
    }

    /// Whether it runs, as far as its standard output tells.
    package var isRunning: Bool {
        guard exitCode.withLock({ $0 }) == nil else { return false }
        var request = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) == 0 || request.revents & Int16(POLLHUP) == 0
    }

    private static func code(_ status: Int32) -> Int32 {
        status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
    }
}

/// What the build puts beside the test runner.
package enum BuiltExecutable {
    package static func folder() throws -> URL {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: runner).deletingLastPathComponent()
    }

    /// `LEVERET_EXECUTABLE` names another `leveret`.
    package static func path(_ name: String) throws -> String {
        if name == "leveret", let path = ProcessInfo.processInfo.environment["LEVERET_EXECUTABLE"] { return path }
        let path = try folder().appending(path: name).path
        guard access(path, X_OK) == 0 else {
            throw ChildProcess.Failure(
                description: "build it first: swift build --product \(name) (looked for \(path))")
        }
        return path
    }
}

/// Runs what blocks on a thread of its own: the threads of tasks are as many as cores, and other tests need them.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { waiter in
        Thread.detachNewThread { waiter.resume(with: .init(catching: body)) }
    }
}
