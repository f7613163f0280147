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

    package func matches(_ name: some Sequence<UInt8>) -> Bool {
        let name = Array(name)
        switch form {
        case .expression(let expression): return expression.matches(name)
        case .text(let text):
            guard text.count <= name.count else { return false }
            let lowered = name.map(Self.lowercased)
            return (0...(lowered.count - text.count)).contains { lowered[$0..<($0 + text.count)].elementsEqual(text) }
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 { 0x41...0x5A ~= byte ? byte | 0x20 : byte }
}
