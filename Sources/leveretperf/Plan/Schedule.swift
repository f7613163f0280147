/// When each message of a producer is to be sent: at fixed times, whatever the broker does. Latencies are counted from
/// these times. If they were counted from the moment of sending, a broker that stops for a second would be charged for
/// one message, not for all that should have been sent meanwhile ("coordinated omission").
struct Schedule: Equatable, Sendable {
    /// Nanoseconds of the monotonic clock.
    let start: UInt64
    let intervalNanoseconds: Double
    let offsetNanoseconds: Double

    /// - Parameters:
    ///   - rate: messages a second over all producers.
    ///   - producer: of `producers`, which take turns.
    init(start: UInt64, rate: Double, producer: Int, of producers: Int) {
        self.start = start
        intervalNanoseconds = 1e9 * Double(producers) / rate
        offsetNanoseconds = 1e9 * Double(producer) / rate
    }

    /// The time of message `index`.
    @inline(__always)
    func time(of index: Int) -> UInt64 {
        start &+ UInt64(offsetNanoseconds + Double(index) * intervalNanoseconds)
    }

    /// How many messages should have been sent by now.
    @inline(__always)
    func dueCount(at now: UInt64) -> Int {
        guard now >= start else { return 0 }
        let elapsed = Double(now - start) - offsetNanoseconds
        var count = elapsed < 0 ? 0 : Int(elapsed / intervalNanoseconds) + 1
        // Rounding must neither send ahead of time nor sleep until a time that has come.
        while count > 0, time(of: count - 1) > now { count -= 1 }
        while time(of: count) <= now { count += 1 }
        return count
    }
}
