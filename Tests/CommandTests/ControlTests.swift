import Broker
import Foundation
import Glibc
import Processes
import Testing

@Suite(.serialized) struct ControlTests {
    /// A directory that says of itself what `format` says.
    private func journal(format: String = "leveret journal 2\n") throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        _ = try directory.write(format, to: "format")
        return directory
    }

    /// One line on standard error, nothing on standard output, exit code 2.
    private func expectRefusal(
        _ result: ChildProcess.Result, containing texts: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.code == 2, sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, sourceLocation: sourceLocation)
        #expect(result.errorLines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.hasPrefix("leveretctl: "), sourceLocation: sourceLocation)
        for text in texts {
            #expect(result.errors.contains(text), "\(result.errors)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [
        ["--help"], ["journal", "--help"], ["journal", "check", "--help"], ["journal", "dump", "--help"],
    ])
    func helpIsPrinted(arguments: [String]) throws {
        let result = try Command.control(arguments)
        #expect(result.code == 0)
        #expect(result.errors.isEmpty)
        #expect(result.output.contains("USAGE: leveretctl"))
        #expect(result.output.contains(arguments.count == 1 ? "leveretctl queues list" : "leveretctl journal "))
    }

    @Test func versionIsPrinted() throws {
        let result = try Command.control("--version")
        #expect(result.code == 0)
        #expect(result.output == "leveretctl \(Version.current)\n")
        #expect(result.errors.isEmpty)
    }

    @Test(arguments: [
        (["journal", "check"], "check"), (["journal", "dump"], "dump"), (["journal", "check", "a", "b"], "check"),
        (["journal", "check", "--all", "a"], "check"),
    ])
    func badArgumentsAreToldInOneLine(arguments: [String], verb: String) throws {
        expectRefusal(
            try Command.control(arguments), containing: ["For example: leveretctl journal \(verb) /var/lib/leveret"])
    }

    @Test(arguments: [
        (["journl"], "there is no command 'leveretctl journl'. Did you mean 'journal'?"),
        (["journal", "dumb"], "there is no command 'leveretctl journal dumb'. Did you mean 'dump'?"),
        (["quues", "list"], "Did you mean 'queues'?"), (["queues", "lst"], "Did you mean 'list'?"),
        (["a\nb\u{1B}"], #"there is no command 'leveretctl a\u{A}b\u{1B}'."#),
        (["queues", "list", "--naem", "x"], "Did you mean '--name'?"),
    ])
    func unknownWordsGetASuggestion(arguments: [String], expected: String) throws {
        expectRefusal(try Command.control(arguments), containing: [expected, "For example: leveretctl"])
    }

    @Test(arguments: [
        ("/nonexistent/journal", "cannot read /nonexistent/journal: No such file or directory"),
        ("/dev/null", "/dev/null is not a directory"),
        ("/proc", "/proc is no journal: it has no file named format"),
    ])
    func whatIsNoJournalIsRefused(path: String, expected: String) throws {
        for verb in ["check", "dump"] {
            expectRefusal(
                try Command.control("journal", verb, path),
                containing: [expected, "for example: leveretctl journal \(verb) /var/lib/leveret"])
        }
    }

    @Test(arguments: ["", "leveret journal", "leveret journal x", "leveret journal 0", "gimp 3", "\u{0}\u{1}"])
    func foreignFormatIsRefused(format: String) throws {
        let directory = try journal(format: format)
        expectRefusal(
            try Command.control("journal", "check", directory.path),
            containing: ["\(directory.path) is no journal: its file named format is not Leveret's"])
    }

    @Test func newerFormatIsRefused() throws {
        let directory = try journal(format: "leveret journal 3\n")
        expectRefusal(
            try Command.control("journal", "check", directory.path),
            containing: ["has format 3, and this leveretctl reads format 2; use the leveretctl of the version that"])
    }

    @Test func journalOfARunningBrokerIsRefused() throws {
        let directory = try journal()
        let path = try directory.write("4711\n", to: "lock")
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        for verb in ["check", "dump"] {
            expectRefusal(
                try Command.control("journal", verb, directory.path),
                containing: [
                    "\(directory.path) is in use by a running leveret (process 4711); stop it first, for example:"
                ])
        }
    }
}
