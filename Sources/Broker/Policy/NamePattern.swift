import AMQPWire

/// The pattern of a policy: a regular expression, matched anywhere in a name, as Erlang's `re` does.
///
/// The usual ones are compared as bytes, without the machinery: everything, a beginning, a whole name.
struct NamePattern: Sendable {
    private enum Form: Sendable {
        case everything
        case prefix([UInt8])
        case exact([UInt8])
        case expression(RegularExpression)
    }

    private let form: Form

    /// - Throws: `AdministrationError` with the reason, when it is no regular expression.
    init(_ text: String) throws(AdministrationError) {
        if let form = Self.plainForm(Array(text.utf8)) {
            self.form = form
            return
        }
        do throws(PatternError) {
            form = .expression(try RegularExpression(Array(text.utf8)))
        } catch {
            throw .invalid("pattern '\(text)' is not a regular expression: \(error.reason)")
        }
    }

    private static func plainForm(_ text: [UInt8]) -> Form? {
        if text.isEmpty || [".*", "^.*", ".*$", "^.*$", "^"].contains(where: { $0.utf8.elementsEqual(text) }) {
            return .everything
        }
        guard text.first == UInt8(ascii: "^") else { return nil }
        var literal = text.dropFirst()
        let isWhole = literal.last == UInt8(ascii: "$")
        if isWhole { literal = literal.dropLast() }
        let special = Array(#"\^$.|?*+()[]{}"#.utf8)
        guard !literal.contains(where: { special.contains($0) }) else { return nil }
        return isWhole ? .exact(Array(literal)) : .prefix(Array(literal))
    }

    /// Whether every name matches, as can be told by the look of it.
    var isEverything: Bool {
        if case .everything = form { true } else { false }
    }

    func matches(_ name: ShortString) -> Bool {
        switch form {
        case .everything: true
        case .prefix(let bytes): name.bytes.starts(with: bytes)
        case .exact(let bytes): name.bytes == bytes
        case .expression(let expression): expression.matches(name.bytes)
        }
    }
}
