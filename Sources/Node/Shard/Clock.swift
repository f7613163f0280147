import Broker

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The clocks of the system, which the engine never reads itself.
package enum Clock {
    static var now: Moment {
        Moment(
            monotonicMilliseconds: read(CLOCK_MONOTONIC) / 1_000_000,
            wallMilliseconds: read(CLOCK_REALTIME) / 1_000_000)
    }

    /// CPU time of the calling thread.
    package static var threadNanoseconds: UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }
    package static var monotonicNanoseconds: UInt64 { read(CLOCK_MONOTONIC) }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
