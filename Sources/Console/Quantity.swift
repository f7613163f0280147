/// Numbers as people read them.
package enum Quantity {
    /// With a comma between thousands.
    package static func grouped(_ number: some BinaryInteger) -> String {
        var text = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            let left = digits.count - index
            if index > 0, left.isMultiple(of: 3), text != "-" { text += "," }
            text.append(digit)
        }
        return text
    }

    /// As a whole number.
    package static func grouped(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e18 else { return "?" }
        return grouped(Int(number.rounded()))
    }

    /// In the largest unit of which there is at least one, with one decimal.
    package static func bytes(_ count: Int) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB"]
        guard let unit = units.indices.last(where: { count >> (10 * ($0 + 1)) > 0 }) else { return "\(count) B" }
        // The rest is cut off, so that nothing becomes 1024.0 of its unit.
        let tenths = ((count >> (10 * unit)) * 10) >> 10
        return "\(grouped(tenths / 10)).\(tenths % 10) \(units[unit])"
    }

    /// In the two largest units: `3 d 4 h`, `12 min 5 s`, `7 s`.
    package static func seconds(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e15 else { return "ages" }
        let whole = max(0, Int(seconds.rounded()))
        let parts = [(whole / 86400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "min"), (whole % 60, "s")]
        guard let first = parts.firstIndex(where: { $0.0 > 0 }) else { return "0 s" }
        return parts[first..<min(first + 2, parts.count)].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
            .joined(separator: " ")
    }

    /// One decimal, as for rates.
    package static func tenths(_ number: Double) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "?" }
        let tenths = Int((number * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(grouped(abs(tenths) / 10)).\(abs(tenths) % 10)"
    }

    /// Such as `1 queue`, `2 queues`.
    package static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
        "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    /// With so many decimals.
    package static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "0" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((abs(number) * scale).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        if decimals == 0 { return sign + String(scaled) }
        return "\(sign)\(scaled / Int(scale)).\(padded(scaled % Int(scale), digits: decimals))"
    }

    /// A time in the unit that suits it.
    package static func duration(nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1000: "\(fixed(nanoseconds, 0)) ns"
        case ..<100_000: "\(fixed(nanoseconds / 1e3, 1)) us"
        case ..<1_000_000: "\(fixed(nanoseconds / 1e3, 0)) us"
        case ..<100_000_000: "\(fixed(nanoseconds / 1e6, 2)) ms"
        case ..<1e9: "\(fixed(nanoseconds / 1e6, 0)) ms"
        default: "\(fixed(nanoseconds / 1e9, 2)) s"
        }
    }

    /// A count in thousands or millions, with three digits.
    package static func short(_ number: Double) -> String {
        switch abs(number) {
        case ..<1000: fixed(number, number == number.rounded() ? 0 : abs(number) < 10 ? 2 : 1)
        case ..<1e6: "\(fixed(number / 1e3, abs(number) < 1e4 ? 2 : abs(number) < 1e5 ? 1 : 0)) k"
        case ..<1e9: "\(fixed(number / 1e6, abs(number) < 1e7 ? 2 : abs(number) < 1e8 ? 1 : 0)) M"
        default: "\(fixed(number / 1e9, 2)) G"
        }
    }

    /// The text without zeros behind the point, for the ends of an axis: `2.00 M` is `2 M`.
    package static func plain(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        let unit = text.firstIndex(of: " ") ?? text.endIndex
        var end = unit
        while end > point, case let last = text[text.index(before: end)], last == "0" || last == "." {
            end = text.index(before: end)
            if last == "." { break }
        }
        return String(text[..<end]) + text[unit...]
    }

    /// With zeros in front, up to so many digits.
    package static func padded(_ number: Int, digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
