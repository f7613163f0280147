/// Why a command could not do what it was asked for: one line that also says what to do.
struct ControlError: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = printable(message) }
}

/// The text without what would move a terminal's cursor or forge a line: control characters are shown as escapes.
func printable(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown
}
