import Histogram

/// Latencies of one thread, in nanoseconds, of messages that were to be sent within the measured window.
final class LatencyRecorder {
    private(set) var histogram = LatencyRecorder.makeHistogram()
    private let control: RunControl

    init(_ control: RunControl) { self.control = control }

    /// One nanosecond to an hour with three digits.
    static func makeHistogram() -> Histogram<UInt64> {
        Histogram<UInt64>(
            lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
    }

    /// - Parameters:
    ///   - scheduled: when the message was to be sent.
    ///   - now: when what it led to was there.
    @inline(__always)
    func record(from scheduled: UInt64, to now: UInt64) {
        guard control.isMeasured(scheduled) else { return }
        _ = histogram.record(now > scheduled ? now - scheduled : 0)
    }
}
