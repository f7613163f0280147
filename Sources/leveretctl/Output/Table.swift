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
    /// The first column says what a row is about.
    private static let narrowestFirst = 20
    /// Behind the titles, when columns have no room.
    private static let mark = " …"

    /// Columns that have no room are left out from the right; numbers are never cut.
    ///
    /// - Parameter width: nil when nothing is to be cut.
    func lines(width: Int?, hasTitles: Bool = true, isBold: Bool = false) -> [String] {
        let cells = rows.map { row in row.map(printable) }
        var widths = columns.indices.map { column in
            cells.reduce(hasTitles ? Terminal.width(columns[column].title) : 0) {
                max($0, Terminal.width($1[column]))
            }
        }
        if let width { widths = fitted(widths, into: width) }
        var lines: [String] = []
        if hasTitles {
            let line = line(columns.map(\.title), widths) + (widths.count < columns.count ? Self.mark : "")
            lines.append(isBold ? Terminal.bold(line) : line)
        }
        for row in cells { lines.append(line(row, widths)) }
        return lines
    }

    /// The widest column of text gives way, one place at a time; where all are narrow the last column goes.
    private func fitted(_ natural: [Int], into limit: Int) -> [Int] {
        var count = natural.count
        while true {
            var widths = Array(natural.prefix(count))
            let room = count < natural.count ? limit - Terminal.width(Self.mark) : limit
            var total = widths.reduce(0, +) + Self.gap * max(0, count - 1)
            while total > room, let widest = widestOfText(widths) {
                widths[widest] -= 1
                total -= 1
            }
            if total <= room || count <= 1 { return widths }
            count -= 1
        }
    }

    /// nil where all are narrow.
    private func widestOfText(_ widths: [Int]) -> Int? {
        let first = widths.count > 1 ? Self.narrowestFirst : Self.narrowest
        return widths.indices.filter { index in
            !columns[index].isNumber && widths[index] > (index == 0 ? first : Self.narrowest)
        }.max { widths[$0] < widths[$1] }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.prefix(widths.count).enumerated() {
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
    static func facts(_ facts: [(String, String)], width: Int?) -> [String] {
        let nameWidth = facts.map { Terminal.width($0.0) }.max() ?? 0
        return facts.flatMap { name, value in
            let space = String(repeating: " ", count: nameWidth - Terminal.width(name) + gap)
            return Terminal.wrapped(
                name + space, printable(value), following: String(repeating: " ", count: nameWidth + gap), width: width)
        }
    }
}
