#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import Console

/// Passwords come from a terminal without echo, or from standard input; never from arguments, which everybody sees.
enum Password {
    private static let byteLimit = 4096

    static func fromStandardInput(of name: String) throws -> String {
        guard let line = StandardInput.line(upTo: byteLimit) else {
            throw ControlError(
                "no password for '\(name)' on standard input. For example: pass show broker | leveretctl status "
                    + "--password-stdin")
        }
        return line
    }

    /// - Parameter alternative: what else gives the password, for where there is no terminal.
    static func prompt(_ question: String, insteadGive alternative: String) throws -> String {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard terminal >= 0 else {
            throw ControlError(
                "there is no terminal to ask for the \(question.dropLast(2)): give it with \(alternative)")
        }
        defer { close(terminal) }
        var settings = termios()
        guard tcgetattr(terminal, &settings) == 0 else {
            throw ControlError(
                "there is no terminal to ask for the \(question.dropLast(2)): give it with \(alternative)")
        }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        EchoGuard.begin(terminal, settings)
        tcsetattr(terminal, TCSAFLUSH, &silent)
        defer {
            tcsetattr(terminal, TCSAFLUSH, &settings)
            EchoGuard.end()
        }
        _ = question.withCString { write(terminal, $0, strlen($0)) }
        defer { _ = write(terminal, "\n", 1) }
        guard let line = StandardInput.line(upTo: byteLimit, from: terminal) else {
            throw ControlError("no password was given")
        }
        return line
    }

    /// The password that a user shall have: asked for twice, or the next line of standard input.
    static func new(for user: String) throws -> String {
        guard isatty(0) == 1 else {
            guard let line = StandardInput.line(upTo: byteLimit) else {
                throw ControlError(
                    "no new password for '\(user)' on standard input. For example: openssl rand -base64 24 | "
                        + "leveretctl users add \(user)")
            }
            return line
        }
        let first = try prompt("new password of \(user): ", insteadGive: "standard input")
        let second = try prompt("once more: ", insteadGive: "standard input")
        guard first == second else { throw ControlError("the two passwords differ: nothing was changed") }
        return first
    }
}

/// Who gives up at a prompt (Ctrl-C) gets a terminal that echoes again.
private enum EchoGuard {
    // Read by the handler of signals that are only handled while a prompt waits.
    nonisolated(unsafe) private static var terminal: Int32 = -1
    nonisolated(unsafe) private static var settings = termios()

    static func begin(_ terminal: Int32, _ settings: termios) {
        self.terminal = terminal
        self.settings = settings
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { number in
                tcsetattr(EchoGuard.terminal, TCSAFLUSH, &EchoGuard.settings)
                _exit(128 + number)
            }
        }
    }

    static func end() {
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
    }
}

enum StandardInput {
    /// One line without its end. It is read byte by byte, so that what follows stays for the next reader.
    ///
    /// nil at the end, or when the line is longer than `limit` bytes or no UTF-8.
    static func line(upTo limit: Int, from descriptor: Int32 = 0) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else {
                if bytes.isEmpty { return nil }
                break
            }
            if byte == UInt8(ascii: "\n") { break }
            guard bytes.count < limit else { return nil }
            bytes.append(byte)
        }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Everything up to the end.
    static func all(upTo limit: Int) throws -> [UInt8] { try collect(0, "standard input", upTo: limit) }

    static func file(_ path: String, upTo limit: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ControlError("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        return try collect(descriptor, path, upTo: limit)
    }

    private static func collect(_ descriptor: Int32, _ name: String, upTo limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let capacity = chunk.count
            let count = read(descriptor, &chunk, capacity)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw ControlError("cannot read \(name): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw ControlError("\(name) is larger than \(Quantity.bytes(limit)), too large for this command")
            }
        }
    }
}
