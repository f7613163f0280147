import Console

/// Rows below a line of titles, aligned, and fitted to the terminal's width.
struct Table {
    struct Column {
        var title: String
        var isNumber = false
    }

    var columns: [Column]
    /// As many texts as there are columns.
    var rows: [[String]] = []

    private static let gap = 2
    private static let narrowest = 8

    /// - Parameter width: nil when nothing is to be cut.
    func lines(width: Int?, hasTitles: Bool = true, isBold: Bool = false) -> [String] {
        let cells = rows.map { row in row.map(printable) }
        var widths = columns.indices.map { column in
            cells.reduce(hasTitles ? Terminal.width(columns[column].title) : 0) {
                max($0, Terminal.width($1[column]))
            }
        }
        if let width { fit(&widths, into: width) }
        var lines: [String] = []
        if hasTitles {
            let line = line(columns.map(\.title), widths)
            lines.append(isBold ? Terminal.bold(line) : line)
        }
        for row in cells { lines.append(line(row, widths)) }
        return lines
    }

    /// The widest column of text gives way, one place at a time, until everything fits or all are narrow.
    private func fit(_ widths: inout [Int], into limit: Int) {
        var total = widths.reduce(0, +) + Self.gap * max(0, widths.count - 1)
        while total > limit {
            let candidates = widths.indices.filter { !columns[$0].isNumber && widths[$0] > Self.narrowest }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
            total -= 1
        }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let text = Terminal.cut(cell, to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - Terminal.width(text))
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            line += columns[index].isNumber ? padding + text : text + padding
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    /// For programs that read columns: tabs between them, as rabbitmqctl writes.
    func tabbedLines(titles: [String]?) -> [String] {
        let rows = rows.map { $0.map(printable).joined(separator: "\t") }
        return (titles.map { [$0.joined(separator: "\t")] } ?? []) + rows
    }

    /// Facts one below the other: a name, and what it is.
    static func facts(_ facts: [(String, String)]) -> [String] {
        let width = facts.map { Terminal.width($0.0) }.max() ?? 0
        return facts.map { name, value in
            name + String(repeating: " ", count: width - Terminal.width(name) + gap) + printable(value)
        }
    }
}
