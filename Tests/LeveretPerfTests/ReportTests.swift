import Console
import Foundation
import JSON
import Testing

@testable import leveretperf

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Whether the text is well-formed XML, by a parser of other people's; and the elements in it.
private func elements(_ text: String) -> [String]? {
    final class Names: NSObject, XMLParserDelegate {
        var names: [String] = []
        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            names.append(name)
        }
    }
    let names = Names()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = names
    return parser.parse() ? names.names : nil
}

private func summary(_ times: some Sequence<Int>) -> LatencySummary {
    LatencySummary(nanoseconds: times.map { UInt64($0) })
}

/// A result of a run with a hostile product name.
private func result(_ scenario: Scenario) -> LoadResult {
    var plan = LoadPlan(scenario: scenario)
    plan.rate = 5000
    var result = LoadResult(plan: plan, product: "<Broker> & \"more\" \u{1B}[1m", place: "host:5672")
    for index in 0...20 {
        var sample = CounterSample()
        sample.time = 1_000_000_000 + UInt64(index) * 100_000_000
        sample.published = index * 100_000
        sample.consumed = index * 90_000
        result.window.samples.append(sample)
    }
    result.window.start = result.window.samples[0]
    result.window.end = result.window.samples[20]
    if scenario == .latency { result.latency = summary((1...10_000).map { $0 * 1000 }) }
    return result
}

@Suite struct HistogramTests {
    @Test func percentilesAreThoseOfTheValues() {
        let summary = summary((1...100_000).map { $0 * 1000 })
        // Three digits: a tenth of a percent.
        for percentile in [50.0, 90, 99, 99.9] {
            let exact = percentile * 1_000_000
            #expect(abs(summary.percentile(percentile) - exact) <= exact * 0.002)
        }
        #expect(abs(summary.max - 1e8) <= 1e5)
        #expect(summary.text.hasPrefix("50 % ") && summary.text.hasSuffix(" 100 ms"))
    }

    @Test func everyValueIsInOneBar() throws {
        let summary = summary([900, 1500, 1600, 30_000, 31_000, 32_000, 7_000_000])
        let lines = TextHistogram.lines(summary)
        let counts = try lines.map { line in
            try #require(
                line.split(separator: " ", omittingEmptySubsequences: true).dropFirst(5).first.flatMap { Int($0) })
        }
        #expect(counts.reduce(0, +) == 7)
        #expect(counts.first == 1 && counts.last == 1)
        #expect(lines.last?.contains("100.000 %") == true)
        // The fullest range has the longest bar.
        let bars = lines.map { $0.count { $0 == "#" } }
        #expect(bars.max() == TextHistogram.width)
        #expect(bars[try #require(counts.firstIndex(of: 3))] == TextHistogram.width)
    }

    @Test func nothingMeasuredIsSaid() {
        let empty = summary([])
        #expect(TextHistogram.lines(empty) == ["no messages were measured"])
        #expect(empty.percentile(99) == 0 && empty.curve().isEmpty)
        #expect(empty.json.compact.contains("\"n\":0"))
    }

    @Test func aCurveRisesToTheLargestValue() {
        let curve = summary((1...1000).map { $0 * 100 }).curve()
        #expect(zip(curve, curve.dropFirst()).allSatisfy { $0.nanoseconds <= $1.nanoseconds })
        #expect(curve.last.map { $0.percentile >= 99.9 } == true)
        #expect(curve.count < 200)
    }
}

@Suite struct ChartTests {
    @Test(arguments: [Scenario.latency, .throughput, .fanout, .backlog])
    func chartsAreWellFormedXML(scenario: Scenario) throws {
        let svg = LoadChart.svg(result(scenario))
        let names = try #require(elements(svg))
        #expect(names.first == "svg" && names.contains("polyline") && names.contains("text"))
        #expect(svg.contains("&lt;Broker&gt; &amp; &quot;more&quot;"))
    }

    @Test func anEmptyRunHasAChartToo() throws {
        var empty = result(.throughput)
        empty.window = Coordinator.Window()
        #expect(try #require(elements(LoadChart.svg(empty))).first == "svg")
        var nothing = result(.latency)
        nothing.latency = summary([])
        #expect(try #require(elements(LoadChart.svg(nothing))).first == "svg")
    }

    @Test func ticksAreRoundAndReachOverTheValues() {
        let ticks = LineChart.linearTicks(upTo: 3_170_000) { Quantity.short($0) }
        #expect(ticks.first?.value == 0 && ticks.last.map { $0.value >= 3_170_000 } == true && ticks.count <= 7)
        let logarithmic = LineChart.logarithmicTicks(from: 43_000, to: 5_100_000) { Quantity.short($0) }
        #expect(logarithmic.first?.value == 20_000 && logarithmic.last?.value == 10_000_000)
        for high in [0, 1e-12, 1e15] { #expect(LineChart.linearTicks(upTo: high) { "\($0)" }.count >= 2) }
    }
}

@Suite struct ComparisonTests {
    private func metric(_ value: Double, _ key: String = "consume_rate") -> Metric {
        Metric(key: key, name: "consumed", unit: .perSecond, value: value)
    }

    private var comparison: Comparison {
        Comparison(
            brokers: [.init(name: "A <1>", place: "a:1"), .init(name: "B", place: "b:2")],
            groups: [
                .init(
                    scenario: .throughput,
                    runs: [
                        [[metric(9)], [metric(3000)], [metric(2000)]], [[metric(500)], [metric(100)], [metric(600)]],
                    ])
            ])
    }

    @Test func theMedianIsTheMiddleOne() {
        #expect(Metric.median([]) == nil)
        #expect(Metric.median([5]) == 5)
        #expect(Metric.median([9, 1, 5]) == 5)
        #expect(Metric.median([1, 9, 3, 5]) == 4)
    }

    @Test func rowsHaveMediansAndTheRatioOfTheFirst() throws {
        let row = try #require(comparison.rows(comparison.groups[0]).first)
        #expect(row.medians == [2000, 500])
        #expect(row.ratio(to: 1) == 4)
        #expect(comparison.text.contains("2,000/s") && comparison.text.contains("4.00"))
    }

    @Test func whatOneBrokerLacksIsLeftOpen() {
        var comparison = comparison
        comparison.groups[0].runs[0] = comparison.groups[0].runs[0].map { $0 + [metric(7, "confirm_rate")] }
        let rows = comparison.rows(comparison.groups[0])
        #expect(rows.last?.medians == [7, nil])
        #expect(comparison.text.contains("-"))
        #expect(comparison.json.compact.contains("\"median\":[7.0,null]"))
    }

    @Test func theChartAndTheJSONAreWellFormed() throws {
        let names = try #require(elements(comparison.svg))
        // A bar for each broker, on the background.
        #expect(names.count { $0 == "rect" } == 3)
        let json = try JSONSerialization.jsonObject(with: Data(comparison.json.compact.utf8)) as? [String: Any]
        #expect((json?["brokers"] as? [[String: Any]])?.first?["name"] as? String == "A <1>")
    }
}

@Suite struct LineTests {
    @Test(arguments: [Scenario.latency, .throughput, .backlog])
    func resultsAreOneLineOfJSON(scenario: Scenario) throws {
        let text = LoadReport(result: result(scenario)).json.compact
        #expect(!text.contains("\n"))
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(json["scenario"] as? String == scenario.rawValue)
        #expect(json["published"] as? Int == 2_000_000)
        #expect(json["publish_rate"] as? Double == 1_000_000)
    }

    @Test func progressShowsRatesSinceTheLastLine() {
        var last = CounterSample()
        last.time = 2_000_000_000
        last.published = 1000
        var sample = last
        sample.time = 4_000_000_000
        sample.published = 5000
        sample.consumed = 3000
        let line = Progress.line("throughput", from: last, to: sample, start: 1_000_000_000, seconds: 2)
        #expect(line == "throughput 3.0 s: published 2,000/s, consumed 1,500/s")
    }

    @Test func theProcessTimeIsReadBehindTheName() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194560 100 0 0 0 12 34 0 0 20 0 1 0 55 1000 100"
        #expect(ProcessorTime.usedTicks(stat: stat) == 46)
        #expect(ProcessorTime.usedTicks(stat: "42 (a) S 1") == nil)
        #expect(ProcessorTime.usedTicks(stat: "") == nil)
    }

    @Test func backlogsAreCutIntoTenths() {
        let samples = (0...20).map { (time: UInt64($0) * 50_000_000, count: $0 * 5000) }
        let slices = BacklogResult.slices(samples, total: 100_000)
        #expect(slices.count == 10 && slices.allSatisfy { abs($0 - 100_000) < 1 })
        #expect(BacklogResult.slices([], total: 100).isEmpty)
    }
}
