import ArgumentParser
import JSON
import Testing

@testable import leveretctl

/// Every command, with the words that name it.
struct NamedCommand: Sendable, CustomStringConvertible {
    let words: [String]
    let type: any ParsableCommand.Type

    var description: String { words.joined(separator: " ") }

    /// Those that do something; groups of them are not among them.
    static let all: [NamedCommand] = below(LeveretControl.self, ["leveretctl"])

    private static func below(_ type: any ParsableCommand.Type, _ words: [String]) -> [NamedCommand] {
        let commands = type.configuration.allSubcommands
        if commands.isEmpty { return [NamedCommand(words: words, type: type)] }
        return commands.flatMap { below($0, words + [$0.configuration.commandName ?? "?"]) }
    }
}

@Suite struct CommandLineTests {
    @Test(arguments: NamedCommand.all)
    func everyCommandHasExamplesOfItself(command: NamedCommand) throws {
        let examples = command.type.configuration.examples
        #expect(!examples.isEmpty)
        for example in examples { #expect(example.contains(command.description), "\(example)") }
        #expect(!command.type.configuration.abstract.isEmpty)
        // Each on one line, so that it can be copied.
        let help = LeveretControl.helpMessage(for: command.type, columns: 80)
        for example in examples { #expect(help.contains(example), "\(example)") }
    }

    @Test(arguments: RabbitmqctlName.all.map(\.name))
    func everyNameOfRabbitmqctlStandsForACommand(name: String) throws {
        let known = try #require(RabbitmqctlName.byName[name])
        #expect(known.example.hasPrefix("leveretctl \(name)"))
        #expect(RabbitmqctlName.unsupported[name] == nil)
        let names = NamedCommand.all.map(\.words).map { $0.dropFirst().joined(separator: " ") }
        let words = known.words.joined(separator: " ")
        #expect(names.contains { words == $0 || words.hasPrefix($0 + " ") }, "\(words)")
    }

    /// What is suggested where a name is unknown.
    @Test(arguments: [
        NamedKind.queue, .exchange, .policy, .operatorPolicy, .user, .virtualHost, .connection, .globalParameter,
        .parameter("shovel"),
    ])
    func theListOfEachKindIsACommand(kind: NamedKind) throws {
        let words = kind.listingCommand.split(separator: " ").map(String.init)
        #expect(throws: Never.self) { try LeveretControl.parseAsRoot(words) }
    }

    @Test(arguments: [
        (["list_queues"], ["queues", "list", "name", "messages", "--tabs"]),
        (["list_queues", "-q", "-p", "shop", "name"], ["queues", "list", "name", "--tabs", "--vhost", "shop"]),
        (
            ["list_queues", "--silent", "--vhost=a"],
            ["queues", "list", "name", "messages", "--tabs", "--no-headers", "--vhost", "a"]
        ),
        (["list_queues", "--formatter", "json"], ["queues", "list", "name", "messages", "--json"]),
        (
            ["list_queues", "-n", "rabbit@host", "-t", "9"],
            ["queues", "list", "name", "messages", "--tabs", "--timeout", "9"]
        ),
        (["list_users"], ["users", "list", "user", "tags", "--tabs"]),
        (
            ["list_user_permissions", "a"],
            ["permissions", "list", "--of", "a", "vhost", "configure", "write", "read", "--tabs"]
        ),
        (["delete_user", "a"], ["users", "delete", "a", "--like-rabbitmqctl"]),
        (["delete_user", "a", "-q"], ["users", "delete", "a", "--quiet", "--like-rabbitmqctl"]),
        (["delete_queue", "a", "-e"], ["queues", "delete", "a", "-e", "--like-rabbitmqctl"]),
        (
            ["set_permissions", "-p", "v", "u", "c", "w", "r"],
            ["permissions", "set", "u", "c", "w", "r", "--vhost", "v"]
        ),
        (["set_user_limits", "u", "{}"], ["limits", "set", "{}", "--of-user", "u"]),
        (["clear_user_limits", "u", "all"], ["limits", "clear", "--of-user", "u", "--like-rabbitmqctl"]),
        (["clear_user_limits", "u", "x"], ["limits", "clear", "x", "--of-user", "u", "--like-rabbitmqctl"]),
        (
            ["close_connection", "c", "why", "not"],
            ["connections", "close", "c", "--reason", "why not", "--like-rabbitmqctl"]
        ),
        (
            ["close_all_connections", "why", "not"],
            ["connections", "close", "--vhost", "/", "--reason", "why not", "--like-rabbitmqctl"]
        ),
        (
            ["close_all_connections", "-p", "v", "--limit", "5", "--per-connection-delay", "10", "why"],
            [
                "connections", "close", "--vhost", "v", "--reason", "why", "--limit", "5", "--delay", "10",
                "--like-rabbitmqctl",
            ]
        ),
        (
            ["close_all_connections", "--global", "why"],
            ["connections", "close", "--all", "--reason", "why", "--like-rabbitmqctl"]
        ),
        (["set_cluster_name", "a\"b"], ["parameters", "set", "--global", "cluster_name", #""a\"b""#]),
        (["trace_on", "-p", "v"], ["vhosts", "update", "--tracing", "on", "v"]),
        (["add_vhost", "v", "--description", "d"], ["vhosts", "add", "v", "--description", "d"]),
        (["list_queues", "--help"], ["queues", "list", "--help"]),
        (["help", "list_queues"], ["queues", "list", "--help"]),
    ])
    func namesOfRabbitmqctlAreTranslated(words: [String], expected: [String]) throws {
        #expect(try CommandLineWords.prepared(words, isTerminal: false) == expected)
    }

    @Test(arguments: [
        (["add_user", "a", "secret"], "standard input"), (["change_password", "a", "secret"], "standard input"),
        (["authenticate_user", "a", "secret"], "standard input"), (["stop_app"], "stop_app"),
        (["list_quues"], "list_queues"), (["list_queues", "--formatter", "erlang"], "pretty_table"),
        (["queues", "lits"], "'list'"),
    ])
    func whatCannotBeDoneIsRefused(words: [String], expected: String) {
        let error = #expect(throws: ControlError.self) { try CommandLineWords.prepared(words, isTerminal: false) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("secret") != true)
    }

    @Test(arguments: [
        (["--url", "u", "queues", "list"], ["queues", "list", "--url", "u"]),
        (["--json", "--vhost=v", "get", "q"], ["get", "q", "--json", "--vhost=v"]),
        (["-p", "v", "get", "--", "-q"], ["get", "-p", "v", "--", "-q"]),
        (["--version"], ["--version"]), (["--url"], ["--url"]), ([], []),
    ])
    func commonOptionsMayComeFirst(words: [String], expected: [String]) {
        #expect(CommandLineWords.commandFirst(words) == expected)
    }

    @Test(arguments: [CompletionShell.bash, .zsh, .fish])
    func shellsCompleteCommands(shell: CompletionShell) {
        let script = LeveretControl.completionScript(for: shell)
        #expect(script.contains("operator-policies") && script.contains("to-exchange"))
    }

    @Test func keysDriveTop() {
        var screen = TopScreen()
        #expect(screen.press(UInt8(ascii: "q")) == .quit)
        #expect(screen.press(3) == .quit)
        #expect(screen.press(UInt8(ascii: "m")) == .reload && screen.order == .ready && screen.isDescending)
        #expect(screen.press(UInt8(ascii: "r")) == .reload && !screen.isDescending)
        #expect(screen.press(UInt8(ascii: "n")) == .reload && !screen.isDescending)
        #expect(screen.press(UInt8(ascii: "v")) == .reload && screen.view == .connections)
        #expect(screen.press(UInt8(ascii: "x")) == .nothing)
        #expect(screen.press(0xFF) == .nothing)
    }

    @Test func topFitsItsTerminal() {
        var screen = TopScreen()
        screen.overview = [
            "cluster_name": "office", "product_name": "Leveret", "product_version": "1",
            "message_stats": ["publish_details": ["rate": 1234.5]], "queue_totals": ["messages_ready": 1000],
        ]
        screen.rows = (0..<100).map { ["name": .string("queue-\($0)"), "vhost": "/", "messages_ready": .integer($0)] }
        let lines = screen.lines(.init(columns: 60, rows: 20))
        #expect(lines.count == 20)
        #expect(lines.allSatisfy { Terminal.width($0) <= 60 })
        #expect(lines[0] == "office  Leveret 1")
        #expect(lines[1].hasPrefix("messages   1,000 ready, ? unacked; 1,234.5/s in"))
        #expect(lines[4].contains("in/s ▼"))
        #expect(lines[19].hasPrefix("q quit"))
        screen.problem = "no\nanswer"
        #expect(screen.lines(.init(columns: 60, rows: 20))[3] == #"! no\u{A}answer"#)
        #expect(screen.lines(.init(columns: 1, rows: 1)).count > 0)
    }
}
