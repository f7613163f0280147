#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What a file system has left.
enum DiskSpace {
    /// The bytes that this process may still write where `path` lies; nil when the system does not say.
    static func freeBytes(path: String) -> Int? {
        var status = statvfs()
        while statvfs(path, &status) != 0 {
            guard errno == EINTR else { return nil }
        }
        return freeBytes(blocks: UInt64(status.f_bavail), blockByteCount: UInt64(status.f_frsize))
    }

    static func freeBytes(blocks: UInt64, blockByteCount: UInt64) -> Int {
        let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockByteCount)
        return overflow ? Int.max : Int(clamping: bytes)
    }

    /// As in RabbitMQ: what is just enough is enough, both for the alarm and for its end.
    static func isLow(freeBytes: Int, limitBytes: Int) -> Bool { freeBytes < limitBytes }
}
