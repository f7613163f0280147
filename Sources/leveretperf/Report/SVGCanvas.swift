import Console

/// Shapes and text of an SVG picture, appended one after the other.
struct SVGCanvas {
    static let ink = "#1f2933"
    static let faint = "#6b7680"
    static let grid = "#e3e7eb"
    /// Told apart also by who does not see all colours.
    static let colors = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]

    let width: Double
    let height: Double
    private var elements = ""

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
        elements += "<rect width=\"\(number(width))\" height=\"\(number(height))\" fill=\"#ffffff\"/>\n"
    }

    var text: String {
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <svg xmlns="http://www.w3.org/2000/svg" width="\(number(width))" height="\(number(height))" \
        viewBox="0 0 \(number(width)) \(number(height))" font-family="system-ui, sans-serif" font-size="13">
        \(elements)</svg>

        """
    }

    enum Anchor: String {
        case start, middle, end
    }

    mutating func label(
        _ text: String, x: Double, y: Double, anchor: Anchor = .start, color: String = SVGCanvas.ink, size: Double = 13,
        isBold: Bool = false, turned: Bool = false
    ) {
        let weight = isBold ? " font-weight=\"600\"" : ""
        let turn = turned ? " transform=\"rotate(-90 \(number(x)) \(number(y)))\"" : ""
        elements += "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor.rawValue)\" fill=\"\(color)\""
        elements += " font-size=\"\(number(size))\"\(weight)\(turn)>\(Self.escaped(text))</text>\n"
    }

    mutating func line(x1: Double, y1: Double, x2: Double, y2: Double, color: String) {
        elements += "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\""
        elements += " stroke=\"\(color)\" stroke-width=\"1\"/>\n"
    }

    mutating func curve(_ points: [(x: Double, y: Double)], color: String) {
        let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
        elements += "<polyline points=\"\(list)\" fill=\"none\" stroke=\"\(color)\" stroke-width=\"2\""
        elements += " stroke-linejoin=\"round\"/>\n"
    }

    mutating func bar(x: Double, y: Double, width: Double, height: Double, color: String) {
        elements += "<rect x=\"\(number(x))\" y=\"\(number(y))\" width=\"\(number(width))\""
        elements += " height=\"\(number(height))\" fill=\"\(color)\" rx=\"2\"/>\n"
    }

    private func number(_ value: Double) -> String { Quantity.fixed(value, 1) }

    /// Text as XML may contain it: without control characters, which XML 1.0 has no way to write.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
