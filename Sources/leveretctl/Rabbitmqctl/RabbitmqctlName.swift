/// A command of rabbitmqctl that works here too: its name stands for a command of leveretctl.
struct RabbitmqctlName: Sendable {
    enum Form: Sendable {
        /// A list: other words are columns; without any these are shown.
        case list(columns: [String])
        /// Does something that it is asked for by its name: it never asks back, as rabbitmqctl does not.
        case change
        /// Shows something.
        case report
    }

    let name: String
    /// What it stands for.
    let words: [String]
    let form: Form
    let example: String
    /// Puts its arguments in the order of the command it stands for.
    let arranged: @Sendable (RabbitmqctlArguments) throws -> [String]

    init(
        _ name: String, _ words: String, _ form: Form = .change, example: String = "",
        arranged: @escaping @Sendable (RabbitmqctlArguments) throws -> [String] = { $0.positional }
    ) {
        self.name = name
        self.words = words.split(separator: " ").map(String.init)
        self.form = form
        self.example = "leveretctl " + (example.isEmpty ? name : example)
        self.arranged = arranged
    }

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// What rabbitmqctl does to Erlang nodes has no meaning here.
    static let unsupported: [String: String] = {
        let cluster = "it is about clusters of Erlang nodes, and a Leveret broker is one node"
        let process = "stop and start the broker's process with what runs it, such as systemctl stop leveret"
        let settings = "it is set in the broker's configuration file"
        var reasons: [String: String] = [:]
        for name in [
            "join_cluster", "forget_cluster_node", "change_cluster_node_type", "rename_cluster_node", "reset",
            "force_reset", "force_boot", "sync_queue", "cancel_sync_queue", "await_online_nodes",
        ] { reasons[name] = cluster }
        for name in ["stop", "stop_app", "start_app", "shutdown", "wait"] { reasons[name] = process }
        for name in ["set_disk_free_limit", "set_vm_memory_high_watermark", "set_log_level"] {
            reasons[name] = settings
        }
        for name in ["eval", "eval_file", "exec", "remote_shell"] {
            reasons[name] = "it runs Erlang code, and there is no Erlang here"
        }
        return reasons
    }()

    /// - Parameter arguments: what follows the name.
    /// - Returns: the words of the command that it stands for.
    func translated(_ arguments: [String], isTerminal: Bool) throws -> [String] {
        var given = RabbitmqctlArguments(arguments)
        if let virtualHost = given.virtualHost, hasVirtualHost { given.options += ["--vhost", virtualHost] }
        if given.wantsHelp { return words + ["--help"] }
        let positional = try arranged(given)
        var result = words
        switch form {
        case .list(let columns):
            let usesColumns = !words.contains("--of") && words.first != "limits"
            result += positional.isEmpty && usesColumns ? columns : positional
            if !usesColumns, words.first != "limits" { result += columns }
            switch given.formatter {
            case "json": result.append("--json")
            case "pretty_table": break
            case nil, "table":
                if !isTerminal { result.append("--tabs") }
            case let other?:
                throw ControlError("the formatter '\(other)' is not known: there are table, pretty_table and json")
            }
            if given.isSilent, given.formatter != "json" { result.append("--no-headers") }
        case .change:
            result += positional
            if Self.asking.contains(words.prefix(2).joined(separator: " ")) {
                given.options.append("--like-rabbitmqctl")
            }
            if given.isQuiet || given.isSilent { result.append("--quiet") }
        case .report:
            result += positional
            if given.formatter == "json" { result.append("--json") }
        }
        return result + given.options
    }

    /// Users and connections are not of a virtual host, and of virtual hosts the name is an argument.
    private var hasVirtualHost: Bool {
        switch words.first {
        case "queues", "exchanges", "bindings", "consumers", "permissions", "topic-permissions", "policies",
            "operator-policies", "parameters":
            true
        case "limits": words != ["limits", "list"]
        default: false
        }
    }

    /// Commands that ask before they do something.
    private static let asking: Set<String> = [
        "users delete", "users clear-password", "permissions clear", "topic-permissions clear", "vhosts delete",
        "policies clear", "operator-policies clear", "parameters clear", "limits clear", "queues delete",
        "queues purge", "connections close",
    ]
}

/// What stands behind a name of rabbitmqctl.
struct RabbitmqctlArguments {
    private(set) var positional: [String] = []
    /// Options that leveretctl has under the same name.
    var options: [String] = []
    private(set) var virtualHost: String?
    private(set) var formatter: String?
    private(set) var isQuiet = false
    private(set) var isSilent = false
    private(set) var wantsHelp = false
    /// Not one virtual host but all of the node.
    private(set) var isGlobal = false

    /// Options with a value that mean nothing here: which Erlang node is asked.
    private static let ignoredWithValue: Set<String> = [
        "-n", "--node", "--script-name", "--format",
    ]
    private static let ignored: Set<String> = [
        "-l", "--longnames", "--online", "--local", "--dynamic", "--pre-hashed-password",
    ]
    private static let withValue: Set<String> = [
        "--url", "--user", "--timeout", "--priority", "--apply-to", "--description", "--tags", "--default-queue-type",
        "--sort", "--name", "--limit", "--reason",
    ]

    init(_ words: [String]) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                positional += rest
                return
            }
            let equals = word.hasPrefix("--") ? word.firstIndex(of: "=") : nil
            let name = equals.map { String(word[..<$0]) } ?? word
            var attached = equals.map { String(word[word.index(after: $0)...]) }
            func value() -> String? {
                defer { attached = nil }
                return attached ?? rest.popFirst()
            }
            switch name {
            case "-p", "--vhost": virtualHost = value()
            case "-t": options += ["--timeout", value() ?? ""]
            case "--formatter": formatter = value()
            case "--global": isGlobal = true
            case "--per-connection-delay": options += ["--delay", value() ?? ""]
            case "-q", "--quiet": isQuiet = true
            case "-s", "--silent", "--no-table-headers": isSilent = true
            case "-h", "--help": wantsHelp = true
            case _ where Self.ignoredWithValue.contains(name): _ = value()
            case _ where Self.ignored.contains(name): break
            case _ where Self.withValue.contains(name): options += [name, value() ?? ""]
            // A pattern may begin with a hyphen, but an option of rabbitmqctl never stands between them.
            case _ where name.hasPrefix("-") && name.count > 1: options.append(word)
            default: positional.append(word)
            }
        }
    }

    /// A password on the command line is visible to everybody on the machine.
    func withoutPassword(_ name: String) throws -> [String] {
        guard positional.count < 2 else {
            throw ControlError(
                "a password on the command line can be read by everybody on this machine: give it on standard input. "
                    + "For example: echo \"$NEW_PASSWORD\" | leveretctl \(name) \(positional[0])")
        }
        return positional
    }
}
