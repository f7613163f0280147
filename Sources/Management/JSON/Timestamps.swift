import JSON

/// Moments as RabbitMQ writes them.
enum Timestamps {
    /// `2026-11-21T12:34:56.789+00:00`, of milliseconds since 1970.
    static func text(milliseconds: UInt64) -> String {
        var text: [UInt8] = []
        write(milliseconds: milliseconds, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    static func write(milliseconds: UInt64, to text: inout [UInt8]) {
        let seconds = milliseconds / 1000
        let (year, month, day) = date(daysSince1970: Int(clamping: seconds / 86_400))
        append(year, width: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        append(month, width: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        append(day, width: 2, to: &text)
        text.append(UInt8(ascii: "T"))
        append(Int(seconds / 3600 % 24), width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(Int(seconds / 60 % 60), width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(Int(seconds % 60), width: 2, to: &text)
        text.append(UInt8(ascii: "."))
        append(Int(milliseconds % 1000), width: 3, to: &text)
        text.append("+00:00")
    }

    /// The Gregorian calendar, in eras of 400 years that begin in March.
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let days = daysSince1970 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func append(_ number: Int, width: Int, to text: inout [UInt8]) {
        var limit = 10
        for _ in 1..<width {
            if number < limit { text.append(UInt8(ascii: "0")) }
            limit *= 10
        }
        text.append(decimal: number)
    }
}
