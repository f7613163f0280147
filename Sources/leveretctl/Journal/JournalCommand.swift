import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `leveretctl journal`: what a stopped broker has stored.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Looks into the journal of a stopped broker. Changes nothing.",
        subcommands: [Check.self, Dump.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Reads the whole journal and says whether it is sound.",
            discussion: """
                Prints how many records of each kind there are, what of it is live,
                and each piece of damage with its file, offset and reason. Every record
                is checked against its CRC.

                EXAMPLES
                  leveretctl journal check /var/lib/leveret
                  leveretctl journal check /mnt/backup/leveret && echo sound

                Exit code 0: sound; 1: damaged; 2: it could not be read.
                """)

        @Argument(help: ArgumentHelp("What --data-dir of the broker names.", valueName: "dir"))
        var directory: String

        func run() throws {
            let journal = try JournalDirectory(directory, verb: "check")
            var walk = try JournalWalk(journal)
            try walk.run("checked") { _, _ in }
            StandardOutput.write(walk.check.text(path: journal.path))
            if !walk.check.isSound { throw ExitCode(1) }
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dump",
            abstract: "Prints every record of the journal, a line of JSON each.",
            discussion: """
                First comes the topology of the last checkpoint (kind stateSnapshot),
                then the records in the order of the journal, damaged ones too. Bodies
                and property values are not printed. A name that is not UTF-8 is in
                hexadecimal, in a field whose name ends in Hex.

                EXAMPLES
                  leveretctl journal dump /var/lib/leveret | head
                  leveretctl journal dump /var/lib/leveret | jq 'select(.live).message'
                  leveretctl journal dump /var/lib/leveret | jq 'select(.crc != "sound")'

                Exit code 0: sound; 1: damaged; 2: it could not be read.
                """)

        @Argument(help: ArgumentHelp("What --data-dir of the broker names.", valueName: "dir"))
        var directory: String

        func run() throws {
            let journal = try JournalDirectory(directory, verb: "dump")
            // Lines on a terminal are progress enough.
            var walk = try JournalWalk(journal, tellsProgress: isatty(1) == 0)
            var lines = LineBuffer()
            for line in walk.snapshotLines { lines.append(line) }
            try walk.run("dumped") { lines.append($0.line($1)) }
            lines.flush()
            if !walk.check.isSound { throw ExitCode(1) }
        }
    }
}
