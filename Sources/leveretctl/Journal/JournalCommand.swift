import ArgumentParser

/// `leveretctl journal`: what a stopped broker has stored.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Looks into the journal of a stopped broker. Changes nothing.",
        subcommands: [Check.self, Dump.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reads the whole journal and says whether it is sound.",
            discussion: """
                Prints how many records of each kind there are, what of it is live, and each piece of damage with its
                position and reason. Every record is checked against its CRC.

                EXAMPLES
                  leveretctl journal check /var/lib/leveret
                  leveretctl journal check /mnt/backup/leveret && echo sound

                Exit code 0: sound; 1: damaged; 2: it could not be read.
                """)

        @Argument(help: ArgumentHelp("Directory of the journal.", valueName: "dir"))
        var directory: String

        func run() throws {
            let journal = try JournalDirectory(directory, verb: "check")
            var progress = WalkProgress(verb: "checked")
            let check = try journal.walk {
                progress.report(doneByteCount: $0, totalByteCount: $1)
            } onRecord: { _ in
            }
            StandardOutput.write(check.text(path: directory))
            if !check.isSound { throw ExitCode(1) }
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints every record of the journal, a line of JSON each.",
            discussion: """
                Records come in the order of the journal, damaged ones too. Bodies and property values are not printed.

                EXAMPLES
                  leveretctl journal dump /var/lib/leveret | head
                  leveretctl journal dump /var/lib/leveret | jq .message.routingKey
                  leveretctl journal dump /var/lib/leveret | jq 'select(.crc != "sound")'

                Exit code 0: sound; 1: damaged; 2: it could not be read.
                """)

        @Argument(help: ArgumentHelp("Directory of the journal.", valueName: "dir"))
        var directory: String

        func run() throws {
            let journal = try JournalDirectory(directory, verb: "dump")
            var lines = LineBuffer()
            var progress = WalkProgress(verb: "dumped")
            let check = try journal.walk {
                progress.report(doneByteCount: $0, totalByteCount: $1)
            } onRecord: {
                lines.append($0.line)
            }
            lines.flush()
            if !check.isSound { throw ExitCode(1) }
        }
    }
}
