/// Why definitions were not imported: what is wrong with them, or with this node for them. Nothing was changed.
package struct DefinitionsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One line each, naming the object and the field.
    package let problems: [String]

    private static let shownCount = 20

    package init(_ problems: [String]) { self.problems = problems }
    package init(_ problem: String) { problems = [problem] }

    package var description: String {
        var lines = Array(problems.prefix(Self.shownCount))
        if problems.count > Self.shownCount { lines.append("and \(problems.count - Self.shownCount) more") }
        return lines.joined(separator: "; ")
    }
}
