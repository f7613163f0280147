import ArgumentParser

extension CommandConfiguration {
    /// The configuration of a command that does something. Its help ends in examples, and a test runs them.
    static func command(
        _ name: String, _ abstract: String, notes: String = "", examples: [String], aliases: [String] = []
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion(notes, examples), aliases: aliases)
    }

    /// The configuration of a noun: it shows one example of each of its verbs.
    static func group(
        _ name: String, _ abstract: String, _ verbs: [any ParsableCommand.Type], notes: String = "",
        default defaultVerb: (any ParsableCommand.Type)? = nil
    ) -> CommandConfiguration {
        let examples = verbs.compactMap { $0.configuration.examples.first }
        return CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion(notes, examples), subcommands: verbs,
            defaultSubcommand: defaultVerb)
    }

    private static let heading = "EXAMPLES"

    private static func discussion(_ notes: String, _ examples: [String]) -> String {
        let list = ([heading] + examples.map { "  " + $0 }).joined(separator: "\n")
        // A paragraph is one line: the parser breaks it where the terminal ends.
        let paragraphs = notes.split(separator: "\n\n").map { String($0).replacing("\n", with: " ") }
        return (paragraphs + [list]).joined(separator: "\n\n")
    }

    /// The lines below the heading in the help: what a shell would run.
    var examples: [String] {
        let lines = discussion.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0 == Self.heading }) else { return [] }
        return lines[(start + 1)...].prefix { $0.hasPrefix("  ") }.map { String($0.dropFirst(2)) }
    }
}
