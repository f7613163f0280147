/// What a list is narrowed down to: names that hold a text, or match a regular expression, in whatever case.
package struct NameFilter: Sendable {
    private enum Form: Sendable {
        case text([UInt8])
        case expression(RegularExpression)
    }

    private let form: Form

    /// Names that hold the text.
    package init(containing text: String) { form = .text(text.utf8.map(Self.lowercased)) }

    /// Names that the regular expression matches somewhere. It gives up after a bounded number of steps.
    ///
    /// - Throws: with the reason, when it is none.
    package init(matching expression: String) throws(AdministrationError) {
        do throws(PatternError) {
            form = .expression(try RegularExpression(Array("(?i)\(expression)".utf8)))
        } catch {
            throw .invalid("'\(expression)' is not a regular expression: \(error.reason)")
        }
    }

    package func matches(_ name: [UInt8]) -> Bool {
        switch form {
        case .expression(let expression): expression.matches(name)
        case .text(let text): Self.does(name, contain: text)
        }
    }

    /// - Parameter text: in lower case.
    private static func does(_ name: [UInt8], contain text: [UInt8]) -> Bool {
        guard let first = text.first else { return true }
        var start = 0
        while start + text.count <= name.count {
            if lowercased(name[start]) == first {
                var count = 1
                while count < text.count, lowercased(name[start + count]) == text[count] { count += 1 }
                if count == text.count { return true }
            }
            start += 1
        }
        return false
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { 0x41...0x5A ~= byte ? byte | 0x20 : byte }
}
