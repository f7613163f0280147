#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Standard output or standard error, unbuffered: what is written is out when `write` returns.
struct StandardStream: Sendable {
    let descriptor: Int32

    /// Writes all of `text`. A stream that nobody reads any more is not worth stopping a broker for, so errors are
    /// ignored.
    func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty {
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, start, rest.count)
                #else
                    let count = Darwin.write(descriptor, start, rest.count)
                #endif
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
        }
    }
}

let standardOutput = StandardStream(descriptor: 1)
let standardError = StandardStream(descriptor: 2)
