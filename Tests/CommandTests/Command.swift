import Foundation
import Glibc
import Testing

/// The built `leveret`, or another executable, as a child process. It is killed at the latest when the value goes.
struct Command: ~Copyable {
    let pid: pid_t
    private let output: Int32
    private let errors: Int32
    private var hasExited = false

    /// What a finished process left.
    struct Result {
        /// The exit code, or minus the signal that ended the process.
        let code: Int32
        let output: String
        let errors: String

        /// The lines of standard error.
        var errorLines: [Substring] { errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast() }
    }

    /// Starts the command with no environment but the given one and what the loader needs.
    init(
        _ arguments: [String], environment: [String: String] = [:], executable: String = "leveret"
    ) throws {
        let (outputEnd, childOutput) = try Self.stream()
        let (errorsEnd, childErrors) = try Self.stream()
        defer {
            close(childOutput)
            close(childErrors)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, childOutput, 1)
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

        let path = try Self.path(of: executable)
        var variables = ProcessInfo.processInfo.environment.filter { $0.key == "LD_LIBRARY_PATH" || $0.key == "PATH" }
        variables.merge(environment) { $1 }
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
        try #require(code == 0, "cannot start \(path): \(String(cString: strerror(code)))")
        self.pid = pid
        output = outputEnd
        errors = errorsEnd
    }

    deinit {
        if !hasExited {
            kill(pid, SIGKILL)
            var status: Int32 = 0
            waitpid(pid, &status, 0)
        }
        close(output)
        close(errors)
    }

    /// Runs the command to its end.
    static func run(_ arguments: String...) throws -> Result {
        var command = try Command(arguments, environment: ["HOME": "/nonexistent"])
        return try command.wait()
    }

    /// Runs `leveretctl` to its end.
    static func control(_ arguments: String...) throws -> Result {
        var command = try Command(arguments, executable: "leveretctl")
        return try command.wait()
    }

    /// The lines of standard output up to `ready`, that one included.
    func linesUntilReady() throws -> [String] {
        var lines: [String] = []
        var line: [UInt8] = []
        while lines.last != "ready" {
            let byte = try #require(try read(output, upTo: 1).first, "no ready; so far: \(lines), \(line)")
            if byte == UInt8(ascii: "\n") {
                lines.append(String(decoding: line, as: UTF8.self))
                line = []
            } else {
                line.append(byte)
            }
        }
        return lines
    }

    /// Waits for the end of the process and returns what it wrote since the last reading.
    mutating func wait() throws -> Result {
        let output = try readToEnd(output)
        let errors = try readToEnd(errors)
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
        hasExited = true
        let signal = status & 0x7F
        return Result(code: signal == 0 ? (status >> 8) & 0xFF : -signal, output: output, errors: errors)
    }

    private func readToEnd(_ descriptor: Int32) throws -> String {
        var bytes: [UInt8] = []
        while case let chunk = try read(descriptor, upTo: 4096), !chunk.isEmpty { bytes += chunk }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Some bytes, none at the end. A process that is silent for a minute hangs: a test that waited for it on and on
    /// would say less.
    private func read(_ descriptor: Int32, upTo count: Int) throws -> ArraySlice<UInt8> {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        try #require(poll(&request, 1, 60_000) == 1, "the command is silent")
        var bytes = [UInt8](repeating: 0, count: count)
        let received = Glibc.read(descriptor, &bytes, count)
        try #require(received >= 0)
        return bytes[..<received]
    }

    /// No other child inherits an end, so that the stream ends with its own process. Only for a socket pair does Swift
    /// see a call that says so from the start.
    private static func stream() throws -> (parent: Int32, child: Int32) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// An executable beside the test runner, where the build puts both.
    private static func path(of executable: String) throws -> String {
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: runner).deletingLastPathComponent().appending(path: executable).path
        try #require(
            access(path, X_OK) == 0, "build it first: swift build --product \(executable) (looked for \(path))")
        return path
    }
}

/// A new directory, removed at the end of the scope.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws {
        var template = Array((NSTemporaryDirectory() + "/leveret-command-XXXXXX").utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
        return "\(path)/\(name)"
    }
}

/// A TCP socket on loopback, closed at the end of the scope.
struct LoopbackSocket: ~Copyable {
    private let descriptor: Int32

    /// Listens on a free port.
    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(Self.with(port: 0) { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 1) == 0)
    }

    /// Connects.
    init(connectingTo port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(Self.with(port: port) { connect(descriptor, $0, $1) } == 0)
    }

    deinit { close(descriptor) }

    var port: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutableBytes(of: &address) { bytes in
            getsockname(descriptor, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length)
        }
        return UInt16(bigEndian: address.sin_port)
    }

    func send(_ bytes: [UInt8]) throws {
        try #require(Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count)
    }

    /// Exactly `count` bytes, fewer only when the peer ends or is silent for a minute.
    func receive(_ count: Int) throws -> [UInt8] {
        var patience = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var bytes = [UInt8](repeating: 0, count: count)
        let received = recv(descriptor, &bytes, count, Int32(MSG_WAITALL))
        try #require(received >= 0, "the peer is silent")
        return Array(bytes[..<received])
    }

    private static func with(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
