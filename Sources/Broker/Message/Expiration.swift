/// The property `expiration`: a message's time to live, milliseconds in decimal digits.
///
/// Source: RabbitMQ `rabbit_basic:parse_expiration`, with `string:to_integer` and `rabbit_misc:check_expiry`.
enum Expiration {
    /// RabbitMQ's MAX_EXPIRY_TIMER, ten years.
    static let millisecondsLimit: UInt64 = 315_360_000_000

    /// What RabbitMQ says of a text that it does not take; nil when it does.
    static func error(in text: String) -> String? {
        let bytes = Array(text.utf8)
        let isSigned = bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+")
        let digits = bytes.dropFirst(isSigned ? 1 : 0).prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty else { return "no_integer" }
        let rest = bytes[digits.endIndex...]
        if !rest.isEmpty { return "{leftover_string,\"\(String(decoding: rest, as: UTF8.self))\"}" }
        let significant = String(decoding: digits.drop { $0 == UInt8(ascii: "0") }, as: UTF8.self)
        if bytes.first == UInt8(ascii: "-"), !significant.isEmpty { return "{value_negative,-\(significant)}" }
        if let value = UInt64(significant.isEmpty ? "0" : significant), value <= millisecondsLimit { return nil }
        return "{value_too_large,\(significant)}"
    }
}
