import Glibc

/// The monotonic clock.
enum MonotonicClock {
    @inline(__always)
    static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// The moment at which waiting ends.
struct Deadline: Sendable {
    let nanoseconds: UInt64

    init(seconds: Double) { nanoseconds = MonotonicClock.nanoseconds + UInt64(max(0, seconds) * 1e9) }

    var isOver: Bool { MonotonicClock.nanoseconds >= nanoseconds }
    /// For `poll`: at least one while there is time left, zero when it is over.
    var remainingMilliseconds: Int32 {
        let now = MonotonicClock.nanoseconds
        return now >= nanoseconds ? 0 : Int32(min((nanoseconds - now) / 1_000_000 + 1, 3_600_000))
    }

    static func earlier(_ one: Deadline, seconds: Double) -> Deadline {
        let other = Deadline(seconds: seconds)
        return one.nanoseconds < other.nanoseconds ? one : other
    }
}
