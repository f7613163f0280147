#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import Console

/// Standard output, for results. A reader that goes away ends the process (SIGPIPE), as with any filter.
enum StandardOutput {
    static func write(_ text: String) {
        guard let code = TextOutput.standard.write(text) else { return }
        TextOutput.error.write("leveretctl: cannot write the result: \(String(cString: strerror(code)))\n")
        exit(2)
    }
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
