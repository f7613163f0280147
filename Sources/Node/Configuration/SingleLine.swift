/// `text` as one line that is safe for a terminal or a log: control characters, line separators and the marks that
/// reorder text are written as escapes, and what exceeds `maxBytes` of UTF-8 is cut and marked with `...`.
///
/// Names that reach a log come from clients, and a line break in one of them would forge a log entry.
package func singleLine(_ text: String, maxBytes: Int) -> String {
    if text.utf8.count <= maxBytes, text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) { return text }
    var line = ""
    var bytes = 0
    for scalar in text.unicodeScalars {
        let piece = printable(scalar)
        bytes += piece.utf8.count
        guard bytes <= maxBytes else { return line + "..." }
        line += piece
    }
    return line
}

private func printable(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}",
        "\u{200E}", "\u{200F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}":
        "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
    default: String(scalar)
    }
}
