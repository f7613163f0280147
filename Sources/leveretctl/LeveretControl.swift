import ArgumentParser
import Broker

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The `leveretctl` command. Each group of subcommands has a folder of its own.
///
/// Exit code 0: done, and all is well; 1: done, and what was looked at is not well; 2: could not be done, with one line
/// on standard error that says why and what to do.
struct LeveretControl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leveretctl",
        abstract: "Looks into a Leveret broker.",
        discussion: """
            EXAMPLES
              leveretctl journal check /var/lib/leveret    is it sound?
              leveretctl journal dump /var/lib/leveret     every record, as JSON

            Exit code 0: all is well; 1: damage was found; 2: it could not be done.
            """,
        version: "leveretctl \(Version.current)",
        subcommands: [JournalCommand.self])

    /// Runs what the arguments ask for. Returns the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
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
        StandardError.write("leveretctl: \(message)\n")
        return 2
    }

    /// The parser's message as one line with an example.
    private static func usageError(_ message: String, _ arguments: [String]) -> String {
        let line = message.split(separator: "\n").joined(separator: " ")
        let sentence = line.hasSuffix(".") || line.hasSuffix("?") ? line : line + "."
        let verb = arguments.contains("dump") ? "dump" : "check"
        return "\(printable(sentence)) For example: leveretctl journal \(verb) /var/lib/leveret"
    }
}

@main
enum Main {
    static func main() {
        exit(LeveretControl.run(Array(CommandLine.arguments.dropFirst())))
    }
}
