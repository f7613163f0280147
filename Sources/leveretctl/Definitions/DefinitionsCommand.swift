import ArgumentParser
import Console
import JSON

/// `leveretctl definitions`.
struct DefinitionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration.group(
        "definitions", "Everything but messages, as one JSON file: export, import, diff.",
        [Export.self, Import.self, Diff.self],
        notes: "The files are RabbitMQ's: what one broker exports the other imports.")

    /// More than this is no file of definitions.
    static let byteLimit = 1 << 30

    static func read(_ path: String) throws -> JSONValue {
        let bytes = try path == "-" ? StandardInput.all(upTo: byteLimit) : StandardInput.file(path, upTo: byteLimit)
        let name = path == "-" ? "standard input" : path
        do {
            let definitions = try JSONValue(parsing: bytes)
            guard case .object = definitions else {
                throw ControlError("\(name) holds no definitions: it is no JSON object")
            }
            return definitions
        } catch let error as JSONError {
            throw ControlError("\(name) is no JSON: \(error.reason), at byte \(error.offset)")
        }
    }

    static func path(_ virtualHost: String?) -> APIPath {
        virtualHost.map { APIPath("definitions", $0) } ?? APIPath("definitions")
    }

    struct Export: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "export", "Writes users, virtual hosts, permissions, policies, queues, exchanges, bindings.",
            notes: "The file has the hashes of passwords in it: it is readable for its owner only.",
            examples: [
                "leveretctl definitions export broker.json", "leveretctl definitions export > broker.json",
                "leveretctl definitions export shop.json --of-vhost shop",
            ])

        @Argument(help: "The file; standard output without one, or for -.") var file = "-"
        @Option(help: ArgumentHelp("Only of this virtual host.", valueName: "vhost")) var ofVhost: String?
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            if let ofVhost { try await client.requireVirtualHost(ofVhost) }
            let definitions = try await client.get(DefinitionsCommand.path(ofVhost))
            if file == "-" { return Report.write(definitions) }
            try PrivateFile.write(definitions.pretty, to: file)
            change.done("\(DefinitionsSummary(definitions).text) exported to \(file)")
        }
    }

    struct Import: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "import", "Adds what a file of definitions has; what is there under the same name is changed to it.",
            notes: """
                Nothing is deleted. leveretctl definitions diff FILE shows beforehand what would change.
                The broker looks at all of it before it changes anything. More than 8 MB go in parts:
                if one fails, it is said what was imported before.
                """,
            examples: [
                "leveretctl definitions import broker.json", "leveretctl definitions import < broker.json",
                "leveretctl definitions import shop.json --into-vhost shop",
            ])

        @Argument(help: "The file; standard input without one, or for -.") var file = "-"
        @Option(help: ArgumentHelp("Into this virtual host, from an export of one.", valueName: "vhost"))
        var intoVhost: String?
        @OptionGroup var change: ChangeOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let definitions = try DefinitionsCommand.read(file)
            let summary = DefinitionsSummary(definitions)
            if let intoVhost { try await client.requireVirtualHost(intoVhost) }
            var upload = DefinitionsUpload(
                client, to: DefinitionsCommand.path(intoVhost), total: summary.total, isQuiet: change.quiet)
            let notes = try await upload.run(DefinitionsPart.parts(of: definitions))
            notes.forEach(Report.note)
            change.done("\(summary.text) imported")
        }
    }

    struct Diff: ServerCommand {
        static let configuration = CommandConfiguration.command(
            "diff", "What differs between the broker and a file of definitions, or between two files.",
            notes: """
                + is only in the file, - only in the broker, ~ is in both and differs.

                Exit code 0: no difference; 1: some.
                """,
            examples: [
                "leveretctl definitions diff broker.json",
                "leveretctl definitions export | leveretctl definitions diff broker.json -",
                "leveretctl definitions diff broker.json --json",
            ])

        @Argument(help: "The file; - is standard input.") var file: String
        @Argument(help: "Another file to compare with the first, instead of the broker.") var other: String?
        @Option(help: ArgumentHelp("Compare with this virtual host only.", valueName: "vhost")) var ofVhost: String?
        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ServerOptions

        func run(_ client: ManagementClient) async throws {
            let first = try DefinitionsCommand.read(file)
            let differences: [DefinitionsDiff.Difference]
            if let other {
                differences = DefinitionsDiff(from: first, to: try DefinitionsCommand.read(other)).differences
            } else {
                if let ofVhost { try await client.requireVirtualHost(ofVhost) }
                let present = try await client.get(DefinitionsCommand.path(ofVhost))
                differences = DefinitionsDiff(from: present, to: first).differences
            }
            if output.json {
                Report.write(.array(differences.map(\.json)))
            } else if !output.quiet {
                Report.write(differences.isEmpty ? ["no differences"] : DefinitionsDiff.lines(differences))
            }
            if !differences.isEmpty { throw ExitCode(1) }
        }
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that only its owner may read.
enum PrivateFile {
    static func write(_ text: String, to path: String) throws {
        // Beside the file, then in its place: a full disk must not leave half an export under the name of a whole one.
        let temporary = "\(path).\(getpid()).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        if let code = TextOutput(descriptor: descriptor).write(text) {
            close(descriptor)
            unlink(temporary)
            throw failure(path, code)
        }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(temporary, path) == 0 else {
            let error = failure(path)
            unlink(temporary)
            throw error
        }
    }

    private static func failure(_ path: String, _ code: Int32 = errno) -> ControlError {
        ControlError("cannot write \(path): \(String(cString: strerror(code)))")
    }
}
