#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where text goes, unbuffered: what is written is out when `write` returns.
package struct TextOutput: Sendable {
    private let descriptor: Int32

    /// For results.
    package static let standard = TextOutput(descriptor: 1)
    /// For mistakes and progress.
    package static let error = TextOutput(descriptor: 2)

    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes all of the text.
    ///
    /// - Returns: nil, or the number of the error that kept some of it from being written.
    @discardableResult
    package func write(_ text: String) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, !rest.isEmpty {
                #if canImport(Glibc)
                    let count = Glibc.write(descriptor, start, rest.count)
                #else
                    let count = Darwin.write(descriptor, start, rest.count)
                #endif
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count < 0 ? errno : EIO }
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            return nil
        }
    }
}
