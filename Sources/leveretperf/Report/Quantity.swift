/// Numbers as people read them.
enum Quantity {
    /// With a comma between thousands.
    static func grouped(_ number: Int) -> String {
        var text = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            let left = digits.count - index
            if index > 0, left.isMultiple(of: 3), text != "-" { text += "," }
            text.append(digit)
        }
        return text
    }

    static func grouped(_ number: Double) -> String { grouped(Int(number.rounded())) }

    /// With so many decimals.
    static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard number.isFinite, abs(number) < 1e15 else { return "0" }
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((abs(number) * scale).rounded())
        let sign = number < 0 && scaled > 0 ? "-" : ""
        if decimals == 0 { return sign + String(scaled) }
        return "\(sign)\(scaled / Int(scale)).\(padded(scaled % Int(scale), decimals))"
    }

    /// A time in the unit that suits it.
    static func duration(nanoseconds: Double) -> String {
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
    static func short(_ number: Double) -> String {
        switch abs(number) {
        case ..<1000: fixed(number, number == number.rounded() ? 0 : abs(number) < 10 ? 2 : 1)
        case ..<1e6: "\(fixed(number / 1e3, abs(number) < 1e4 ? 2 : abs(number) < 1e5 ? 1 : 0)) k"
        case ..<1e9: "\(fixed(number / 1e6, abs(number) < 1e7 ? 2 : abs(number) < 1e8 ? 1 : 0)) M"
        default: "\(fixed(number / 1e9, 2)) G"
        }
    }

    /// The text without zeros behind the point, for the ends of an axis: `2.00 M` is `2 M`.
    static func plain(_ text: String) -> String {
        guard let point = text.firstIndex(of: ".") else { return text }
        let unit = text.firstIndex(of: " ") ?? text.endIndex
        var end = unit
        while end > point, case let last = text[text.index(before: end)], last == "0" || last == "." {
            end = text.index(before: end)
            if last == "." { break }
        }
        return String(text[..<end]) + text[unit...]
    }

    static func bytes(_ count: Double) -> String {
        switch count {
        case ..<1024: "\(fixed(count, 0)) B"
        case ..<1_048_576: "\(fixed(count / 1024, 1)) KiB"
        case ..<1_073_741_824: "\(fixed(count / Double(1 << 20), 1)) MiB"
        default: "\(fixed(count / Double(1 << 30), 2)) GiB"
        }
    }
}

extension Quantity {
    static func count(_ number: Int, _ noun: String) -> String {
        "\(grouped(number)) \(number == 1 ? noun : noun + "s")"
    }
}
