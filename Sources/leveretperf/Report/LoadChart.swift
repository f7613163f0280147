import Console
import Glibc

/// The picture of one run: latency percentiles, or rates over time.
enum LoadChart {
    static func svg(_ result: LoadResult) -> String {
        result.latency == nil ? rates(result) : percentiles(result)
    }

    static func percentiles(_ result: LoadResult) -> String {
        let summaries = [("publish to delivery", result.latency), ("publish to confirm", result.confirmLatency)]
            .compactMap { name, summary in summary.flatMap { $0.count > 0 ? (name, $0) : nil } }
        return percentiles(
            summaries, title: title(result),
            subtitle: "\(Quantity.grouped(result.plan.rate ?? 0)) messages/s of \(result.plan.bodyByteCount) B, "
                + "counted from the time each was to be sent")
    }

    /// Each further nine takes the same room: 90 %, 99 %, 99.9 %.
    static func percentiles(_ summaries: [(String, LatencySummary)], title: String, subtitle: String) -> String {
        let series = summaries.map { name, summary in
            LineChart.Series(
                name: name,
                points: summary.curve().map { (log10(100 / max(100 - $0.percentile, 1e-9)), $0.nanoseconds) })
        }
        let most = summaries.map { Double($0.1.count) }.max() ?? 10
        let nines = max(1, Int(log10(max(most, 10)).rounded(.up)))
        let ticks = (0...nines).map { place in
            LineChart.Tick(value: Double(place), label: percentileLabel(place))
        }
        let values = series.flatMap { $0.points.map(\.y) }
        let yTicks = LineChart.logarithmicTicks(from: values.min() ?? 1000, to: values.max() ?? 1e6) {
            Quantity.plain(Quantity.duration(nanoseconds: $0))
        }
        return LineChart(
            title: title, subtitle: subtitle, xName: "percentile", yName: "latency", xTicks: ticks, yTicks: yTicks,
            isLogarithmic: true, series: series
        ).svg
    }

    private static func percentileLabel(_ nines: Int) -> String {
        switch nines {
        case 0: "0 %"
        case 1: "90 %"
        case 2: "99 %"
        default: "99." + String(repeating: "9", count: nines - 2) + " %"
        }
    }

    static func rates(_ result: LoadResult) -> String {
        let samples = result.window.samples
        let start = samples.first?.time ?? 0
        func series(_ name: String, _ count: (CounterSample) -> Int) -> LineChart.Series? {
            let points = zip(samples, samples.dropFirst()).compactMap { before, after -> (x: Double, y: Double)? in
                let seconds = Double(after.time - before.time) / 1e9
                guard seconds > 0 else { return nil }
                return (Double(after.time - start) / 1e9, Double(max(0, count(after) - count(before))) / seconds)
            }
            return points.contains { $0.y > 0 } ? LineChart.Series(name: name, points: points) : nil
        }
        let lines = [
            series("published", \.published), series("confirmed", \.confirmed), series("consumed", \.consumed),
        ].compactMap(\.self)
        let end = Double((samples.last?.time ?? start) - start) / 1e9
        let most = lines.flatMap { $0.points.map(\.y) }.max() ?? 1
        return LineChart(
            title: title(result), subtitle: subtitle(result), xName: "seconds", yName: "messages a second",
            xTicks: LineChart.linearTicks(upTo: max(end, 0.01)) { Quantity.plain(Quantity.short($0)) },
            yTicks: LineChart.linearTicks(upTo: most) { Quantity.plain(Quantity.short($0)) }, isLogarithmic: false,
            series: lines
        ).svg
    }

    private static func title(_ result: LoadResult) -> String {
        result.plan.scenario.rawValue + (result.product.isEmpty ? "" : ": \(result.product)")
    }

    private static func subtitle(_ result: LoadResult) -> String {
        let plan = result.plan
        return "\(Quantity.count(plan.producers, "producer")), \(Quantity.count(plan.consumers, "consumer")), "
            + "\(Quantity.count(plan.queues, "queue")), \(plan.bodyByteCount) B"
            + (plan.isPersistent ? " persistent" : "") + ", ack \(plan.acknowledgement.text)"
            + (plan.confirmWindow > 0 ? ", confirm \(plan.confirmWindow)" : "")
    }
}
