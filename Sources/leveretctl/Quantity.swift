/// Numbers as people read them.
enum Quantity {
    /// With a comma between thousands.
    static func grouped(_ number: some BinaryInteger) -> String {
        var text = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            let left = digits.count - index
            if index > 0, left.isMultiple(of: 3), text != "-" { text += "," }
            text.append(digit)
        }
        return text
    }

    /// In the largest unit of which there is at least one, with one decimal.
    static func bytes(_ count: Int) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard let unit = units.indices.last(where: { count >> (10 * ($0 + 1)) > 0 }) else { return "\(count) B" }
        // The rest is cut off, so that nothing becomes 1024.0 of its unit.
        let tenths = ((count >> (10 * unit)) * 10) >> 10
        return "\(grouped(tenths / 10)).\(tenths % 10) \(units[unit])"
    }

    static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
        "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// Columns one below the other: the first, at least so wide, to the left, the others to the right.
    static func table(_ rows: [[String]], firstWidth: Int) -> [String] {
        let columnCount = rows.map(\.count).max() ?? 0
        var widths = (0..<columnCount).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        if let first = widths.first { widths[0] = max(first, firstWidth) }
        return rows.map { row in
            row.enumerated().map { column, text in
                let padding = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + padding : padding + text
            }.joined(separator: "  ")
        }
    }
}
