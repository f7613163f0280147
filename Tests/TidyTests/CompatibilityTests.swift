import Foundation
import Testing

/// What RabbitMQ does, row by row, and how far Leveret does it: `Compatibility.json`. COMPATIBILITY.md is made of it.
private struct Compatibility: Decodable {
    struct Section: Decodable {
        let title: String
        let rows: [Row]
    }

    struct Row: Decodable {
        enum Status: String, Decodable { case yes, differs, no }
        let feature: String
        let rabbitmq: String
        let status: Status
        /// What there is to say beyond the status.
        let leveret: String
        /// Names of test functions, of scenarios (`file.function`, or `file.*` for all of a file) or of client scripts.
        let tests: [String]
    }

    /// A scenario to which Leveret's answer differs from the recorded one, with the reason.
    struct Difference: Decodable {
        let reason: String
    }

    let sections: [Section]

    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let page = root.appending(path: "COMPATIBILITY.md")
    static let clients = root.appending(path: "Tests/RealClientTests")

    static func read() throws -> Compatibility {
        let list = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Compatibility.json")
        return try JSONDecoder().decode(Compatibility.self, from: Data(contentsOf: list))
    }

    static func differences() throws -> [String: Difference] {
        let list = clients.appending(path: "Scenarios/differences.json")
        return try JSONDecoder().decode([String: Difference].self, from: Data(contentsOf: list))
    }
}

extension Compatibility {
    static let introduction = """
        # Compatibility with RabbitMQ

        What RabbitMQ 4 does in AMQP 0-9-1, and what Leveret does. *Yes* means: the same on the wire, down to codes and
        reply texts. *Differs* says how. *No* means that it is not there; a declare or method that needs it is refused
        as RabbitMQ refuses what it does not know, or its arguments are ignored as RabbitMQ ignores unknown ones.

        The last column names the tests: a function of `Tests/`, a script of `Tests/RealClientTests/Clients` (`*.py`),
        or a scenario of `Tests/RealClientTests/Scenarios` (`file.function`), whose answers were recorded from RabbitMQ
        3.10.8 and are compared on every run.

        This page is generated from `Tests/TidyTests/Compatibility.json`; after a change of it run
        `LEVERET_WRITE_COMPATIBILITY=1 swift test --filter CompatibilityTests`.

        """

    static let differencesIntroduction = """

        ## Answers that differ from RabbitMQ 3.10.8

        Where RabbitMQ 4 answers differently from the recorded 3.10.8, Leveret answers as 4 does. Every scenario whose
        answer differs, with the reason:

        | Scenario | Reason |
        |---|---|

        """

    /// COMPATIBILITY.md as it should be.
    static func markdown(_ list: Compatibility, _ differences: [String: Difference]) -> String {
        var text = introduction
        for section in list.sections {
            text += "\n## \(section.title)\n\n| Feature | RabbitMQ 4 | Leveret | Tests |\n|---|---|---|---|\n"
            for row in section.rows {
                let status =
                    switch row.status {
                    case .yes: "yes"
                    case .differs: "**differs**"
                    case .no: "**no**"
                    }
                let leveret = row.leveret.isEmpty ? status : "\(status): \(row.leveret)"
                let tests = row.tests.map { "`\($0)`" }.joined(separator: " ")
                text += "| \(row.feature) | \(row.rabbitmq) | \(leveret) | \(tests) |\n"
            }
        }
        text += differencesIntroduction
        for (name, difference) in differences.sorted(by: { $0.key < $1.key }) {
            text += "| `\(name)` | \(difference.reason) |\n"
        }
        return text
    }
}

@Suite struct CompatibilityTests {
    @Test func thePageIsWhatTheListGives() throws {
        let expected = Compatibility.markdown(try .read(), try Compatibility.differences())
        if ProcessInfo.processInfo.environment["LEVERET_WRITE_COMPATIBILITY"] != nil {
            try expected.write(to: Compatibility.page, atomically: true, encoding: .utf8)
        }
        let page = try String(contentsOf: Compatibility.page, encoding: .utf8)
        #expect(page == expected, "write it again with LEVERET_WRITE_COMPATIBILITY=1")
    }

    @Test func everyTestThatIsNamedExists() throws {
        let functions = try testFunctions()
        let scenarios = try scenarioNames()
        let scripts = Set(
            try FileManager.default.contentsOfDirectory(
                atPath: Compatibility.clients.appending(path: "Clients").path))
        let rows = try Compatibility.read().sections.flatMap(\.rows)
        for row in rows {
            #expect(!row.tests.isEmpty || row.status == .no, "\(row.feature) has no test")
            for test in row.tests {
                let exists =
                    test.hasSuffix(".py")
                    ? scripts.contains(test) : test.contains(".") ? scenarios.contains(test) : functions.contains(test)
                #expect(exists, "\(row.feature): there is no test \(test)")
            }
        }
        #expect(rows.count > 60)
    }

    @Test func everyRowIsNamedOnce() throws {
        let features = try Compatibility.read().sections.flatMap(\.rows).map(\.feature)
        #expect(Set(features).count == features.count)
        #expect(features.allSatisfy { !$0.isEmpty && !$0.contains("|") })
    }

    /// Functions behind `@Test`, whose arguments may take lines of their own.
    private func testFunctions() throws -> Set<String> {
        var names: Set<String> = []
        let enumerator = FileManager.default.enumerator(atPath: Compatibility.root.appending(path: "Tests").path)
        while let path = enumerator?.nextObject() as? String {
            guard path.hasSuffix(".swift") else { continue }
            let file = Compatibility.root.appending(path: "Tests").appending(path: path)
            for part in try String(contentsOf: file, encoding: .utf8).components(separatedBy: "@Test").dropFirst() {
                guard let function = part.firstMatch(of: #/func (\w+)/#) else { continue }
                names.insert(String(function.1))
            }
        }
        return names
    }

    /// `file.function` of each scenario, and `file.*` of each file that has some.
    private func scenarioNames() throws -> Set<String> {
        var names: Set<String> = []
        let folder = Compatibility.clients.appending(path: "Scenarios")
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(".py") {
            let subject = file.dropLast(3)
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            for match in text.matches(of: #/@scenario\ndef (\w+)|register\(\s*"(\w+)"/#) {
                names.insert("\(subject).\(match.output.1 ?? match.output.2 ?? "")")
                names.insert("\(subject).*")
            }
        }
        return names
    }
}
