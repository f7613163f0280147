/// Moments as RabbitMQ writes them.
enum Timestamps {
    /// `2026-11-21T12:34:56.789+00:00`, of milliseconds since 1970.
    static func text(milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000
        let (year, month, day) = date(daysSince1970: Int(clamping: seconds / 86_400))
        let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60].map { padded(Int($0), 2) }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        return "\(date)T\(time.joined(separator: ":")).\(padded(Int(milliseconds % 1000), 3))+00:00"
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

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
