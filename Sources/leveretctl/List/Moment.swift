#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
import Console

/// Points in time as people read them, in universal time.
enum Moment {
    /// - Parameter milliseconds: since 1970.
    static func text(milliseconds: Int) -> String {
        var seconds = Int((Double(milliseconds) / 1000).rounded(.down))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { Quantity.padded(Int(number), digits: 2) }
        return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    }
}
