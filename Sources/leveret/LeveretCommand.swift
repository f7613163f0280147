import ArgumentParser
import Broker
import Node

/// The command line. Values stay text here: ``ConfigurationKey`` reads and checks them, as it does those of a file.
struct LeveretCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leveret",
        abstract: "A message broker that speaks AMQP 0-9-1 with RabbitMQ's extensions.",
        discussion: """
            Options win over the configuration file, and that over the defaults.

            EXAMPLES
              leveret                                       listen on 127.0.0.1:5672
              leveret --port 5673 --http-port 15673 --data-dir /tmp/leveret   a second one beside it
              leveret --bind 0.0.0.0                        let other machines connect
              leveret --config /etc/leveret/leveret.conf    read settings from a file

            SIGTERM and SIGINT stop it gracefully. Exit code 0: stopped; 1: failed while running; 2: could not start.
            """,
        version: "leveret \(Version.current)")

    @Option(help: ArgumentHelp("Configuration file, in the form of rabbitmq.conf.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Directory of everything the node stores.", valueName: "dir"))
    var dataDir: String?

    @Option(help: ArgumentHelp("IP address to listen on (default: 127.0.0.1).", valueName: "address"))
    var bind: String?

    @Option(help: ArgumentHelp("Port to listen on; 0 takes a free one (default: 5672).", valueName: "n"))
    var port: String?

    @Option(help: ArgumentHelp("Port of the HTTP API; 0 takes a free one (default: 15672).", valueName: "n"))
    var httpPort: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("Event loops (default: as many as cores).", valueName: "n"))
    var shards: String?

    /// Each option with the key that reads it and an example for errors; in the order of the help.
    private static let options: [(name: String, key: String, example: String)] = [
        ("--config", "", "leveret --config /etc/leveret/leveret.conf"),
        ("--data-dir", "data_dir", "leveret --data-dir /var/lib/leveret"),
        ("--bind", "--bind", "leveret --bind 127.0.0.1"),
        ("--port", "--port", "leveret --port 5673"),
        ("--http-port", "management.tcp.port", "leveret --http-port 15673"),
        ("--log-level", "log.console.level", "leveret --log-level debug"),
        ("--shards", "shards", "leveret --shards 2"),
    ]

    /// What the arguments ask for.
    enum Request {
        case run(Configuration)
        /// `--help` or `--version`: this text, and no more.
        case print(String)
    }

    /// Reads the arguments.
    static func request(_ arguments: [String]) throws(ConfigurationError) -> Request {
        let command: LeveretCommand
        do {
            command = try parse(arguments)
        } catch {
            guard exitCode(for: error) == .success else { throw usageError(message(for: error)) }
            return .print(fullMessage(for: error) + "\n")
        }
        return .run(try command.configuration())
    }

    /// The defaults, then the file, then the options.
    private func configuration() throws(ConfigurationError) -> Configuration {
        var configuration = Configuration()
        if let config {
            try configuration.apply(ConfigurationFile(path: config))
            configuration.files = [Configuration.absolutePath(config)]
        }
        let values = [
            "--data-dir": dataDir, "--bind": bind, "--port": port,
            "--http-port": httpPort, "--log-level": logLevel, "--shards": shards,
        ]
        for option in Self.options {
            guard let value = values[option.name] ?? nil, let key = ConfigurationKey.named(option.key) else { continue }
            try key.apply(value, to: &configuration, place: option.name, example: option.example)
        }
        return configuration
    }

    /// The parser's message as one line with an example of the option that it names.
    private static func usageError(_ message: String) -> ConfigurationError {
        let line = message.split(separator: "\n").joined(separator: " ")
        let words = line.split { !($0.isLetter || $0 == "-") }
        let named = options.filter { option in words.contains { $0 == option.name } }
        let example = named.last?.example ?? "leveret --port 5673"
        let sentence = line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
        return ConfigurationError("\(singleLine(sentence, maxBytes: 512)) For example: \(example)")
    }
}
