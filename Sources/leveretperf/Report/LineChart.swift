import Glibc

/// Curves over one axis, as SVG.
struct LineChart {
    struct Series {
        let name: String
        let points: [(x: Double, y: Double)]
    }

    struct Tick: Equatable {
        let value: Double
        let label: String
    }

    var title: String
    var subtitle: String
    var xName: String
    var yName: String
    var xTicks: [Tick]
    var yTicks: [Tick]
    var isLogarithmic: Bool
    var series: [Series]

    private static let left = 84.0
    private static let right = 40.0
    private static let top = 84.0
    private static let bottom = 56.0

    var svg: String {
        var canvas = SVGCanvas(width: 860, height: 480)
        let plotWidth = canvas.width - Self.left - Self.right
        let plotHeight = canvas.height - Self.top - Self.bottom
        let (xLow, xHigh) = (xTicks.first?.value ?? 0, max(xTicks.last?.value ?? 1, (xTicks.first?.value ?? 0) + 1e-9))
        let (yLow, yHigh) = (scale(yTicks.first?.value ?? 0), scale(yTicks.last?.value ?? 1))
        func x(_ value: Double) -> Double { Self.left + (value - xLow) / (xHigh - xLow) * plotWidth }
        func y(_ value: Double) -> Double {
            let share = (scale(value) - yLow) / max(yHigh - yLow, 1e-9)
            return Self.top + (1 - min(1, max(0, share))) * plotHeight
        }
        canvas.label(title, x: Self.left, y: 30, size: 18, isBold: true)
        canvas.label(subtitle, x: Self.left, y: 50, color: SVGCanvas.faint)
        for tick in yTicks {
            canvas.line(
                x1: Self.left, y1: y(tick.value), x2: Self.left + plotWidth, y2: y(tick.value), color: SVGCanvas.grid)
            canvas.label(tick.label, x: Self.left - 8, y: y(tick.value) + 4, anchor: .end, color: SVGCanvas.faint)
        }
        let floor = Self.top + plotHeight
        for tick in xTicks {
            canvas.line(x1: x(tick.value), y1: Self.top, x2: x(tick.value), y2: floor, color: SVGCanvas.grid)
            canvas.label(tick.label, x: x(tick.value), y: floor + 18, anchor: .middle, color: SVGCanvas.faint)
        }
        canvas.label(xName, x: Self.left + plotWidth / 2, y: floor + 42, anchor: .middle)
        canvas.label(yName, x: 20, y: Self.top + plotHeight / 2, anchor: .middle, turned: true)
        var legend = Self.left
        for (index, line) in series.enumerated() {
            let color = SVGCanvas.colors[index % SVGCanvas.colors.count]
            canvas.curve(line.points.map { (x($0.x), y($0.y)) }, color: color)
            canvas.bar(x: legend, y: 62, width: 18, height: 4, color: color)
            canvas.label(line.name, x: legend + 24, y: 69)
            legend += 44 + Double(line.name.count) * 7.5
        }
        return canvas.text
    }

    private func scale(_ value: Double) -> Double { isLogarithmic ? log10(max(value, 1e-9)) : value }

    /// Round values from zero to at least `high`.
    static func linearTicks(upTo high: Double, _ label: (Double) -> String) -> [Tick] {
        let wanted = max(high, 1e-9) / 5
        var step = 1e-9
        while step < wanted {
            for factor in [1.0, 2, 5] where step * factor >= wanted {
                return ticks(step * factor, high, label)
            }
            step *= 10
        }
        return ticks(step, high, label)
    }

    private static func ticks(_ step: Double, _ high: Double, _ label: (Double) -> String) -> [Tick] {
        let count = max(1, Int((high / step - 1e-6).rounded(.up)))
        return (0...count).map { Tick(value: Double($0) * step, label: label(Double($0) * step)) }
    }

    /// Powers of ten, and 2 and 5 times them where that leaves few, around the range.
    static func logarithmicTicks(from low: Double, to high: Double, _ label: (Double) -> String) -> [Tick] {
        let low = max(low, 1)
        let factors: [Double] = high / low > 2000 ? [1] : [1, 2, 5]
        var values: [Double] = []
        var decade = 1.0
        while decade < 1e14 {
            values += factors.map { $0 * decade }
            decade *= 10
        }
        let first = values.lastIndex { $0 <= low } ?? 0
        let last = max(first + 1, values.firstIndex { $0 >= high } ?? values.count - 1)
        return values[first...last].map { Tick(value: $0, label: label($0)) }
    }
}
