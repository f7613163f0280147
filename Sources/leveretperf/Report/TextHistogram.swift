import Console
import Histogram

/// A distribution as bars of text: a line for each range, ranges growing by the same factor.
enum TextHistogram {
    static let width = 40
    /// Bounds of ranges in each power of ten.
    private static let steps: [Double] = [1, 2, 5]

    static func lines(_ summary: LatencySummary) -> [String] {
        guard summary.count > 0 else { return ["no messages were measured"] }
        let ranges = self.ranges(from: Double(summary.histogram.min), to: summary.max)
        var counts = Array(repeating: 0, count: ranges.count)
        for value in summary.histogram.recordedValues() {
            let middle = Double(summary.histogram.medianEquivalentForValue(value.value))
            let index = ranges.firstIndex { middle < $0.upper } ?? ranges.count - 1
            counts[index] += Int(value.count)
        }
        let most = Double(max(1, counts.max() ?? 1))
        var below = 0
        return zip(ranges, counts).map { range, count in
            below += count
            let label =
                "\(left(Quantity.duration(nanoseconds: range.lower), 9)) -"
                + " \(left(Quantity.duration(nanoseconds: range.upper), 9))"
            let share = Double(below) / Double(summary.count) * 100
            let bar = String(repeating: "#", count: Int((Double(count) / most * Double(width)).rounded(.up)))
            let figures = "\(left(Quantity.grouped(count), 12)) \(left(Quantity.fixed(share, 3), 8)) %"
            return "\(label) \(figures)  \(bar)"
        }
    }

    static func ranges(from low: Double, to high: Double) -> [(lower: Double, upper: Double)] {
        var bounds: [Double] = []
        var decade = 1.0
        while decade <= 1e13 {
            bounds += steps.map { $0 * decade }
            decade *= 10
        }
        let first = (bounds.firstIndex { $0 > low } ?? 1) - 1
        let last = max(first + 1, bounds.firstIndex { $0 > high } ?? bounds.count - 1)
        return (max(0, first)..<last).map { (bounds[$0], bounds[$0 + 1]) }
    }

    private static func left(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
