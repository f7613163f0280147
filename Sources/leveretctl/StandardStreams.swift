#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Standard output, for results. A reader that goes away ends the process (SIGPIPE), as with any filter.
enum StandardOutput {
    static func write(_ text: String) { writeAll(text, to: 1) }
}

/// Standard error, for mistakes and progress.
enum StandardError {
    static func write(_ text: String) { writeAll(text, to: 2) }
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

private func writeAll(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
        var rest = UnsafeRawBufferPointer(bytes)
        while let start = rest.baseAddress, !rest.isEmpty {
            let count = write(descriptor, start, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}
