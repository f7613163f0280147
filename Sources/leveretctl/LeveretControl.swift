import ArgumentParser
import Broker
import Console

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The `leveretctl` command. Each group of subcommands has a folder of its own.
///
/// Exit code 0: done, and all is well; 1: done, and what was looked at is not well; 2: could not be done, with one line
/// on standard error that says why and what to do.
struct LeveretControl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leveretctl",
        abstract: "Shows and changes a running Leveret or RabbitMQ broker, over its HTTP API.",
        discussion: """
            The broker is at --url (LEVERET_URL), else \(Endpoint.defaultAddress). Who asks
            is --user (LEVERET_USER), else guest. The password is LEVERET_PASSWORD, a line
            of standard input with --password-stdin, or asked for; never an argument.
            rabbitmqctl's names of commands work too: leveretctl list_queues name messages

            EXAMPLES
              leveretctl status
              leveretctl queues list
              leveretctl bindings tree
              leveretctl route orders order.created

            Exit code 0: done, and all is well; 1: done, and what was looked at is not
            well; 2: it could not be done, with the reason in one line.
            """,
        version: "leveretctl \(Version.current)",
        groupedSubcommands: [
            CommandGroup(
                name: "Topology",
                subcommands: [
                    ExchangesCommand.self, QueuesCommand.self, BindingsCommand.self, BindCommand.self,
                    UnbindCommand.self, RouteCommand.self,
                ]),
            CommandGroup(
                name: "Messages",
                subcommands: [
                    PublishCommand.self, GetCommand.self, TailCommand.self, MoveCommand.self, PurgeCommand.self,
                ]),
            CommandGroup(
                name: "Clients",
                subcommands: [ConnectionsCommand.self, ChannelsCommand.self, ConsumersCommand.self]),
            CommandGroup(
                name: "Access",
                subcommands: [
                    UsersCommand.self, PermissionsCommand.self, TopicPermissionsCommand.self,
                    VirtualHostsCommand.self, LimitsCommand.self,
                ]),
            CommandGroup(
                name: "Settings",
                subcommands: [
                    PoliciesCommand.self, OperatorPoliciesCommand.self, ParametersCommand.self,
                    DefinitionsCommand.self,
                ]),
            CommandGroup(
                name: "Watching",
                subcommands: [
                    StatusCommand.self, TopCommand.self, CheckCommand.self, PingCommand.self, SettingsCommand.self,
                ]),
            CommandGroup(name: "A stopped broker", subcommands: [JournalCommand.self]),
        ])

    /// Runs what the arguments ask for. Returns the exit code.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            let arguments = try CommandLineWords.prepared(arguments)
            let command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            return 0
        } catch let error as ControlError {
            return fail(error.message)
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            guard exitCode(for: error) == .success else { return fail(usageError(message(for: error), arguments)) }
            StandardOutput.write(fullMessage(for: error) + "\n")
            return 0
        }
    }

    private static func fail(_ message: String) -> Int32 {
        TextOutput.error.write("leveretctl: \(message)\n")
        return 2
    }

    /// The parser's message as one line with an example of the command that was meant.
    private static func usageError(_ message: String, _ arguments: [String]) -> String {
        let line = message.split(separator: "\n").joined(separator: " ")
        let sentence = line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
        let example = CommandLineWords.command(arguments).configuration.examples.first ?? "leveretctl --help"
        return "\(printable(sentence)) For example: \(example)"
    }
}

@main
enum Main {
    static func main() async {
        exit(await LeveretControl.run(Array(CommandLine.arguments.dropFirst())))
    }
}
