import Foundation
import SplitMix
import Testing

@testable import Node

private func settings(_ text: String) throws -> [String] {
    try ConfigurationFile(Array(text.utf8), name: "leveret.conf").settings.map {
        "\($0.line) \($0.segments.joined(separator: "/")) \($0.value)"
    }
}

@Suite struct ConfigurationFileTests {
    @Test(arguments: [
        ("", []),
        ("# only a comment\n\n \t \n", []),
        ("a = b", ["1 a b"]),
        ("\u{FEFF}a = b", ["1 a b"]),
        ("a=b\r\nc.d\t=\te f \t\r\n", ["1 a b", "2 c/d e f"]),
        ("a = b # comment", ["1 a b"]),
        ("a = b#c", ["1 a b"]),
        ("a = 'b # c' # comment", ["1 a b # c"]),
        ("a = ' b '", ["1 a  b "]),
        ("a = ''", ["1 a "]),
        ("a = \"b\"", ["1 a \"b\""]),
        ("a = b = c", ["1 a b = c"]),
        ("a = Häsin", ["1 a Häsin"]),
        (#"a.b\.c-d_1 = e"#, ["1 a/b.c-d_1 e"]),
    ])
    func linesAreReadAsRabbitMQReadsThem(text: String, expected: [String]) throws {
        #expect(try settings(text) == expected)
    }

    @Test func lastOfEqualKeysCounts() throws {
        #expect(try settings("a = 1\nb = 2\na = 3") == ["2 b 2", "3 a 3"])
    }

    @Test(arguments: [
        "a", "= b", "a. = b", ".a = b", "a b = c", "a\\ = b", "a\\x = b", "ä = b", "a\r = b", "a = 'b\n'",
    ])
    func malformedLineIsRefused(text: String) {
        #expect(throws: ConfigurationError.self) { try settings(text) }
    }

    @Test func lineThatIsNotUTF8IsNamed() {
        let bytes = Array("a = b\nc = ".utf8) + [0xC3, 0x28]
        #expect(throws: ConfigurationError("leveret.conf:2: the line is not UTF-8")) {
            try ConfigurationFile(bytes, name: "leveret.conf")
        }
    }

    @Test func sizeIsBounded() throws {
        let comment = [UInt8](repeating: UInt8(ascii: "#"), count: ConfigurationFile.maxBytes)
        #expect(try ConfigurationFile(comment, name: "leveret.conf").settings.isEmpty)
        #expect(throws: ConfigurationError("leveret.conf: the file is larger than 1048576 bytes")) {
            try ConfigurationFile(comment + [UInt8(ascii: "#")], name: "leveret.conf")
        }
    }

    @Test func endlessFileIsNotReadToItsEnd() {
        #expect(throws: ConfigurationError("/dev/zero: the file is larger than 1048576 bytes")) {
            try ConfigurationFile(path: "/dev/zero")
        }
    }

    @Test func missingFileIsNamed() {
        let path = "/nonexistent/leveret.conf"
        #expect(throws: ConfigurationError("cannot read the configuration file \(path): No such file or directory")) {
            try ConfigurationFile(path: path)
        }
    }

    @Test func anyBytesAreReadOrRefused() {
        var generator = SplitMix64(seed: 0x1EAF)
        let meaningful = Array("a.=#'\\\n ".utf8)
        for _ in 0..<2000 {
            // Half of the bytes are the ones that mean something.
            let bytes = (0..<Int.random(in: 0...60, using: &generator)).map { _ in
                let byte = UInt8.random(in: 0...255, using: &generator)
                return byte % 2 == 0 ? byte : meaningful[Int(byte / 2) % meaningful.count]
            }
            do {
                for setting in try ConfigurationFile(bytes, name: "f").settings {
                    #expect(!setting.segments.isEmpty && !setting.segments.contains(""))
                }
            } catch {
                #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(bytes)")
            }
        }
    }
}

@Suite struct ConfigurationSampleTests {
    /// `Config/leveret.conf` of this tree.
    private static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Config/leveret.conf")

    @Test func sampleFileIsWhatTheTableRenders() throws {
        if ProcessInfo.processInfo.environment["LEVERET_WRITE_SAMPLE"] != nil {
            try Configuration.sampleFile().write(to: Self.path, atomically: true, encoding: .utf8)
        }
        let text = try String(contentsOf: Self.path, encoding: .utf8)
        #expect(
            text == Configuration.sampleFile(),
            "Write it anew: LEVERET_WRITE_SAMPLE=1 swift test --filter ConfigurationSampleTests")
    }

    @Test func sampleFileSetsOnlyThePortOfTheMetrics() throws {
        var configuration = Configuration()
        try configuration.apply(ConfigurationFile(Array(Configuration.sampleFile().utf8), name: "sample"))
        #expect(configuration.metricsPort == 15692)
        configuration.metricsPort = nil
        #expect(configuration == Configuration())
    }

    @Test func uncommentedSampleIsTheDefaults() throws {
        let text = Configuration.sampleFile().split(separator: "\n")
            .filter { $0.hasPrefix("# ") && $0.contains(" = ") && !$0.contains("\"") }
            .map { $0.dropFirst(2) }
            .filter { line in
                !["loopback_users = none", "default_user_tags.", "management.cors."].contains { line.hasPrefix($0) }
            }
            .joined(separator: "\n")
        var configuration = Configuration()
        try configuration.apply(ConfigurationFile(Array(text.utf8), name: "sample"))
        // Of these the sample shows an example.
        configuration.dataDirectory = Configuration().dataDirectory
        configuration.nodeName = Configuration().nodeName
        // The default one, wherever that is.
        configuration.eventVHost = nil
        configuration.loadDefinitions = Configuration().loadDefinitions
        configuration.corsAllowOrigins = []
        configuration.eventVHost = nil
        #expect(configuration == Configuration())
        #expect(text.split(separator: "\n").count == ConfigurationKey.all.count - 4)
    }

    @Test func sampleFileIsNoWiderThanAPage() {
        for line in Configuration.sampleFile().split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
    }
}

@Suite struct SingleLineTests {
    @Test(arguments: [
        ("plain text", 20, "plain text"),
        ("two\nlines\r", 20, #"two\nlines\r"#),
        ("\u{1B}[0m\u{0}\u{7F}\u{85}\u{2028}\u{202E}", 60, #"\u{1B}[0m\u{0}\u{7F}\u{85}\u{2028}\u{202E}"#),
        ("Häsin", 20, "Häsin"),
        ("abcdef", 3, "abc..."),
        ("ääää", 3, "ä..."),
        ("", 0, ""),
    ])
    func textStaysOnOneLine(text: String, maxBytes: Int, expected: String) {
        #expect(singleLine(text, maxBytes: maxBytes) == expected)
    }
}
