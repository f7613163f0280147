#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What is on the other side of the standard streams.
enum Terminal {
    static var isInput: Bool { isatty(0) == 1 }
    static var isOutput: Bool { isatty(1) == 1 }
    static var isErrors: Bool { isatty(2) == 1 }

    struct Size: Equatable {
        var columns: Int
        var rows: Int
    }

    /// nil when standard output is no terminal: then nothing is cut.
    static var size: Size? {
        guard isOutput else { return nil }
        var window = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &window) == 0 && window.ws_col > 0
        return Size(
            columns: isKnown ? Int(window.ws_col) : 80, rows: isKnown && window.ws_row > 0 ? Int(window.ws_row) : 24)
    }

    /// Whether text may be bold and the like.
    static var hasStyle: Bool {
        isOutput && Environment.value("NO_COLOR") == nil && Environment.value("TERM") != "dumb"
    }

    static func bold(_ text: String) -> String { "\u{1B}[1m\(text)\u{1B}[0m" }

    /// How many columns of a terminal the text takes.
    static func width(_ text: some StringProtocol) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
            0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return scalar.properties.generalCategory == .nonspacingMark ? 0 : 1
        }
    }

    /// The text in lines that fit, broken between words where there are some.
    ///
    /// - Parameters:
    ///   - first: what stands before the first line.
    ///   - following: what stands before the others.
    ///   - columns: nil where nothing is broken.
    static func wrapped(_ first: String, _ text: String, following: String, width columns: Int?) -> [String] {
        let least = 16
        guard let columns, columns >= width(following) + least, columns >= width(first) + least else {
            return [first + text]
        }
        var lines: [String] = []
        var line = first
        var isEmpty = true
        func next() {
            lines.append(line)
            line = following
            isEmpty = true
        }
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if !isEmpty, width(line) + 1 + width(word) > columns { next() } else if !isEmpty { line += " " }
            for character in word {
                if width(line) + width(character) > columns { next() }
                line.append(character)
            }
            isEmpty = false
        }
        return lines + [line]
    }

    /// The beginning of the text that fits, with `…` at its end if something is missing.
    static func cut(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        guard columns > 0 else { return "" }
        var kept = ""
        var used = 0
        for character in text {
            let width = width(character)
            if used + width > columns - 1 { break }
            kept.append(character)
            used += width
        }
        return kept + "…"
    }
}
