import Console
import Histogram
import JSON

/// A distribution of times, as it is reported.
struct LatencySummary: Sendable {
    /// In nanoseconds.
    let histogram: Histogram<UInt64>

    var count: Int { Int(histogram.totalCount) }
    var mean: Double { count == 0 ? 0 : histogram.mean }
    var max: Double { count == 0 ? 0 : Double(histogram.max) }
    func percentile(_ percentile: Double) -> Double {
        count == 0 ? 0 : Double(min(histogram.valueAtPercentile(percentile), histogram.max))
    }

    /// All threads' recorders together.
    init(_ recorders: [LatencyRecorder]) {
        var sum = LatencyRecorder.makeHistogram()
        for recorder in recorders { sum.add(recorder.histogram) }
        histogram = sum
    }

    init(_ histogram: Histogram<UInt64>) { self.histogram = histogram }

    init(nanoseconds: [UInt64]) {
        var histogram = LatencyRecorder.makeHistogram()
        for time in nanoseconds { _ = histogram.record(time) }
        self.histogram = histogram
    }

    static let percentiles: [(name: String, key: String, value: Double)] = [
        ("50 %", "p50", 50), ("90 %", "p90", 90), ("99 %", "p99", 99), ("99.9 %", "p999", 99.9),
        ("99.99 %", "p9999", 99.99),
    ]

    /// In microseconds.
    var json: JSONObject {
        var line = JSONObject()
        line.add("n", count)
        line.add("mean", mean / 1e3, decimals: 1)
        for percentile in Self.percentiles {
            line.add(percentile.key, self.percentile(percentile.value) / 1e3, decimals: 1)
        }
        line.add("max", max / 1e3, decimals: 1)
        return line
    }

    /// The percentiles on one line.
    var text: String {
        let parts = Self.percentiles.map { "\($0.name) \(Quantity.duration(nanoseconds: percentile($0.value)))" }
        return (parts + ["max \(Quantity.duration(nanoseconds: max))"]).joined(separator: ", ")
    }

    /// The percentile curve: points that lie evenly on a scale where each further nine takes the same room.
    func curve() -> [(percentile: Double, nanoseconds: Double)] {
        guard count > 0 else { return [] }
        var points: [(percentile: Double, nanoseconds: Double)] = [(0, Double(histogram.min))]
        var rest = 1.0
        // Ten points for each halving of what lies above, down to a single message.
        let smallest = 1 / Double(count)
        while rest > smallest {
            rest *= 0.933_032_991_536_807_4
            let percentile = 100 * (1 - rest)
            points.append((percentile, self.percentile(percentile)))
        }
        return points
    }
}
