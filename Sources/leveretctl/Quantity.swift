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

    /// In the two largest units: `3 d 4 h`, `12 min 5 s`, `7 s`.
    static func seconds(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e15 else { return "ages" }
        let whole = max(0, Int(seconds.rounded()))
        let parts = [(whole / 86400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
        return parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            .joined(separator: " ")
    }

    /// One decimal, as for rates.
    static func tenths(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "?" }
        let tenths = Int((number * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(grouped(abs(tenths) / 10)).\(abs(tenths) % 10)"
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
