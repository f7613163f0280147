/// Texts in columns of equal width: the first to the left, the others, which are numbers, to the right.
package enum Columns {
    /// - Parameters:
    ///   - gap: between two columns.
    ///   - firstWidth: what the first column takes at least.
    package static func aligned(_ rows: [[String]], gap: Int = 2, firstWidth: Int = 0) -> [String] {
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in
            rows.reduce(column == 0 ? firstWidth : 0) { $1.count > column ? max($0, $1[column].count) : $0 }
        }
        return rows.map { row in
            let line = row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }.joined(separator: String(repeating: " ", count: gap))
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
