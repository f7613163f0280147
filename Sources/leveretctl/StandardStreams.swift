#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Standard output, for results. A reader that goes away ends the process (SIGPIPE), as with any filter.
enum StandardOutput {
    static func write(_ text: String) {
        guard let code = writeAll(text, to: 1) else { return }
        StandardError.write("leveretctl: cannot write the result: \(String(cString: strerror(code)))\n")
        exit(2)
    }
}

/// Standard error, for mistakes and progress.
enum StandardError {
    static func write(_ text: String) { _ = writeAll(text, to: 2) }
}

/// Lines that are collected and written in large pieces: a dump has millions of them.
struct LineBuffer: ~Copyable {
    private var text = ""

    mutating func append(_ line: String) {
        text += line
        text += "\n"
        if text.utf8.count >= 65536 { flush() }
    }

    mutating func flush() {
        StandardOutput.write(text)
        text = ""
    }
}

/// Returns nil, or the error's number.
private func writeAll(_ text: String, to descriptor: Int32) -> Int32? {
    var text = text
    return text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = write(descriptor, start, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 ? errno : EIO }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return nil
    }
}
