import Foundation
import Testing

/// The tree that this file is part of.
private enum Tree {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    static func entries(_ folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path)
    }

    /// Package.swift and every Swift file of Sources, Tests and Examples, without hidden folders.
    static func sources() throws -> [SwiftSource] {
        var paths = ["Package.swift"]
        for folder in ["Sources", "Tests", "Examples"] {
            let enumerator = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
            while let path = enumerator?.nextObject() as? String {
                let isHidden = path.split(separator: "/").contains { $0.hasPrefix(".") }
                if path.hasSuffix(".swift"), !isHidden { paths.append("\(folder)/\(path)") }
            }
        }
        return try paths.sorted().map { path in
            SwiftSource(path: path, text: try String(contentsOf: root.appending(path: path), encoding: .utf8))
        }
    }
}

private func report(_ violations: [String]) -> Comment {
    Comment(rawValue: "\n" + violations.joined(separator: "\n"))
}

@Suite struct TidyTests {
    @Test func topLevelHoldsOnlyWhatItShould() throws {
        let violations = Rules.strangers(topLevel: try Tree.entries())
        #expect(violations.isEmpty, report(violations))
    }

    @Test(
        arguments: [
            Rules.tooLong, Rules.tooWide, { Rules.longFunctions($0) }, Rules.foundation, Rules.engineIsPure,
        ] as [@Sendable (SwiftSource) -> [String]])
    func sourcesKeepTheRules(rule: @Sendable (SwiftSource) -> [String]) throws {
        let sources = try Tree.sources()
        #expect(sources.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
        let violations = sources.flatMap(rule)
        #expect(violations.isEmpty, report(violations))
    }

    @Test func allowancesAreStillNeeded() throws {
        let long = try Tree.sources().flatMap { source in
            source.functions.filter { $0.length > Rules.maxFunctionLines }.map { "\(source.path): \($0.name)" }
        }
        #expect(Set(Rules.longFunctions.keys).subtracting(long).isEmpty)
        #expect(!Rules.longFunctions.values.contains(""))
    }

    @Test func architectureNamesEveryTarget() throws {
        let file = Tree.root.appending(path: "ARCHITECTURE.md")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return }
        let violations = Rules.unnamed(folders: try Tree.entries("Sources").filter { !$0.hasPrefix(".") }, in: text)
        #expect(violations.isEmpty, report(violations))
    }
}
