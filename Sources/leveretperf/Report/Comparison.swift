import Console
import JSON

/// The same runs against several brokers, side by side.
struct Comparison: Sendable {
    struct Broker: Equatable, Sendable {
        let name: String
        let place: String
    }

    /// One scenario: for each broker the metrics of each run.
    struct Group: Sendable {
        let scenario: Scenario
        var runs: [[[Metric]]]
    }

    let brokers: [Broker]
    var groups: [Group]

    /// One figure of one scenario, for each broker the median of its runs; nil where a broker has none.
    struct Row: Equatable {
        let key: String
        let name: String
        let unit: Metric.Unit
        let medians: [Double?]

        /// The first broker's median divided by that of broker `index`.
        func ratio(to index: Int) -> Double? {
            guard let first = medians[0], let other = medians[index], other != 0 else { return nil }
            return first / other
        }
    }

    func rows(_ group: Group) -> [Row] {
        var names: [Metric] = []
        for metric in group.runs.joined().joined() where !names.contains(where: { $0.key == metric.key }) {
            names.append(metric)
        }
        return names.map { metric in
            let medians = group.runs.map { runs in
                Metric.median(runs.compactMap { run in run.first { $0.key == metric.key }?.value })
            }
            return Row(key: metric.key, name: metric.name, unit: metric.unit, medians: medians)
        }
    }

    var text: String {
        var lines: [String] = []
        for group in groups {
            let count = group.runs.map(\.count).max() ?? 0
            lines.append("\(group.scenario.rawValue), median of \(Quantity.count(count, "run"))")
            var table = [[""] + brokers.map(\.name) + brokers.indices.dropFirst().map { "1 : \($0 + 1)" }]
            for row in rows(group) {
                let values = row.medians.map { $0.map { Metric.text($0, row.unit) } ?? "-" }
                let ratios = brokers.indices.dropFirst().map { index in
                    row.unit == .cores ? "" : row.ratio(to: index).map { Quantity.fixed($0, 2) } ?? "-"
                }
                table.append([row.name] + values + ratios)
            }
            lines += Columns.aligned(table, gap: 3).map { "  " + $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    var json: JSONObject {
        var line = JSONObject()
        line.add("scenario", "compare")
        line.add(
            "brokers",
            brokers.map { broker in
                var entry = JSONObject()
                entry.add("name", broker.name)
                entry.add("place", broker.place)
                return entry
            })
        line.add(
            "results",
            groups.map { group in
                var entry = JSONObject()
                entry.add("scenario", group.scenario.rawValue)
                entry.add("runs", group.runs.map(\.count).max() ?? 0)
                entry.add("metrics", rows(group).map { json($0, group) })
                return entry
            })
        return line
    }

    private func json(_ row: Row, _ group: Group) -> JSONObject {
        var line = JSONObject()
        line.add("name", row.key)
        func list(_ values: [Double?]) -> JSONValue { .array(values.map { $0.map { .measured($0) } ?? .null }) }
        line.append("median", list(row.medians))
        line.append("ratio_of_first", list(brokers.indices.dropFirst().map { row.ratio(to: $0) }))
        let values = group.runs.map { runs in
            list(runs.map { run in run.first { $0.key == row.key }?.value })
        }
        line.append("values", .array(values))
        return line
    }

    /// Bars for what is compared first of all, each figure on its own scale.
    var svg: String {
        let shown = groups.flatMap { group in
            rows(group).filter { $0.unit != .cores }.map { (group.scenario, $0) }
        }
        let rowHeight = Double(brokers.count) * 22 + 34
        var canvas = SVGCanvas(width: 860, height: 80 + rowHeight * Double(shown.count))
        canvas.label(
            brokers.map(\.name).joined(separator: " and "), x: 24, y: 34, size: 18, isBold: true)
        canvas.label("medians, each figure on its own scale", x: 24, y: 54, color: SVGCanvas.faint)
        var top = 80.0
        for (scenario, row) in shown {
            let heading = row.name.hasPrefix(scenario.rawValue) ? row.name : "\(scenario.rawValue): \(row.name)"
            canvas.label(heading, x: 24, y: top + 12, isBold: true)
            let most = max(row.medians.compactMap(\.self).max() ?? 0, 1e-12)
            for (index, median) in row.medians.enumerated() {
                let y = top + 20 + Double(index) * 22
                canvas.label(brokers[index].name.clipped(22), x: 24, y: y + 13, color: SVGCanvas.faint)
                guard let median else { continue }
                let width = max(1, max(0, median) / most * 480)
                canvas.bar(
                    x: 190, y: y, width: width, height: 17, color: SVGCanvas.colors[index % SVGCanvas.colors.count])
                canvas.label(Metric.text(median, row.unit), x: 198 + width, y: y + 13)
            }
            top += rowHeight
        }
        return canvas.text
    }
}

extension String {
    /// At most so many characters.
    fileprivate func clipped(_ count: Int) -> String { self.count > count ? prefix(count - 1) + "…" : self }
}
