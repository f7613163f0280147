#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The text of a small file of the system, such as one in `/proc`; nil when it cannot be read.
func readSmallFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65536)
    var count = 0
    while count < bytes.count {
        let received = bytes.withUnsafeMutableBytes {
            read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
        }
        if received < 0, errno == EINTR { continue }
        guard received >= 0 else { return nil }
        if received == 0 { break }
        count += received
    }
    return String(decoding: bytes[..<count], as: UTF8.self)
}
