import ArgumentParser

/// What stands on the command line, before the parser reads it.
enum CommandLineWords {
    /// Options that every command has; true for those with a value. They may stand in front of the command as well.
    private static let common: [String: Bool] = [
        "--url": true, "--user": true, "--timeout": true, "--vhost": true, "-p": true, "--password-stdin": false,
        "--json": false, "--quiet": false, "-q": false, "--yes": false, "-y": false,
    ]

    /// The words as the parser wants them: common options behind the command, and rabbitmqctl's names translated.
    static func prepared(_ words: [String], isTerminal: Bool = Terminal.isOutput) throws -> [String] {
        var words = commandFirst(words)
        if let name = words.first, words.count > 1 || name != "help" {
            // `help list_queues` is `list_queues --help`.
            let isHelp = name == "help"
            let asked = isHelp ? words[1] : name
            if let reason = RabbitmqctlName.unsupported[asked] {
                throw ControlError("rabbitmqctl's command \(asked) is not for this: \(reason)")
            }
            if let known = RabbitmqctlName.byName[asked] {
                let arguments = isHelp ? ["--help"] : Array(words.dropFirst())
                words = try known.translated(arguments, isTerminal: isTerminal)
                if words.last == "--help" {
                    Report.note("\(asked) is rabbitmqctl's name for: leveretctl \(known.words.joined(separator: " "))")
                    Report.note("for example: \(known.example)")
                }
            }
        }
        try checkNames(words)
        return words
    }

    /// Moves the common options in front of the command behind it, but before `--`.
    static func commandFirst(_ words: [String]) -> [String] {
        var rest = words[...]
        var moved: [String] = []
        while let word = rest.first {
            let name = word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
            guard let hasValue = common[name] else { break }
            moved.append(word)
            rest = rest.dropFirst()
            if hasValue, name == word, let value = rest.popFirst() { moved.append(value) }
        }
        guard !moved.isEmpty, !rest.isEmpty else { return words }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return Array(rest[..<end]) + moved + Array(rest[end...])
    }

    /// The command that the words name, as far as they name one.
    static func command(_ words: [String]) -> any ParsableCommand.Type {
        var command: any ParsableCommand.Type = LeveretControl.self
        for word in commandFirst(words) {
            guard let next = named(word, in: command) else { break }
            command = next
        }
        return command
    }

    /// An unknown command is told apart from an unknown argument, and gets a suggestion.
    private static func checkNames(_ words: [String]) throws {
        var command: any ParsableCommand.Type = LeveretControl.self
        var path = "leveretctl"
        for word in words {
            let subcommands = command.configuration.allSubcommands
            if subcommands.isEmpty || word.hasPrefix("-") || word == "help" { return }
            guard let next = named(word, in: command) else {
                if command.configuration.defaultSubcommand != nil { return }
                let names = subcommands.compactMap { $0.configuration.commandName }
                let others = path == "leveretctl" ? RabbitmqctlName.all.map(\.name) : []
                let hint = NearestName.suggestion(word, among: names + others)
                let example = command.configuration.examples.first ?? "leveretctl --help"
                throw ControlError(
                    "there is no command '\(path) \(word)'.\(hint) For example: \(example)")
            }
            command = next
            path += " " + word
        }
    }

    private static func named(
        _ word: String, in command: any ParsableCommand.Type
    ) -> (any ParsableCommand.Type)? {
        command.configuration.allSubcommands.first {
            $0.configuration.commandName == word || $0.configuration.aliases.contains(word)
        }
    }
}

extension CommandConfiguration {
    /// Those in groups and those without.
    var allSubcommands: [any ParsableCommand.Type] { ungroupedSubcommands + groupedSubcommands.flatMap(\.subcommands) }
}
