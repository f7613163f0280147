import Foundation
import Testing

@testable import AMQPWireGenerator

@Suite struct GenerationTests {
    /// The package that this file lies in.
    private static let packagePath = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    @Test func committedFilesAreWhatTheGeneratorWrites() throws {
        let generation = try Generation(packagePath: Self.packagePath)
        #expect(generation.files.count == 10)
        for file in generation.files {
            let url = generation.directory.appendingPathComponent(file.name)
            let committed = try #require(try? Data(contentsOf: url), "\(file.name) is missing: \(Generation.command)")
            let text = String(decoding: committed, as: UTF8.self)
            #expect(
                committed == Data(file.text.utf8),
                "line \(Generation.firstDifferingLine(text, file.text)) of \(file.name): run \(Generation.command)")
        }
        #expect(generation.strays().isEmpty)
    }

    @Test func checkNamesTheFirstDifferingLine() {
        #expect(Generation.firstDifferingLine("a\nb\nc\n", "a\nX\nc\n") == 2)
        #expect(Generation.firstDifferingLine("a\n", "a\nb\n") == 2)
    }

    @Test func writtenFilesPassTheCheckUntilOneIsChanged() throws {
        let package = FileManager.default.temporaryDirectory.appendingPathComponent("leveret-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: package) }
        let sources = package.appendingPathComponent("Sources/AMQPWireGenerator")
        try FileManager.default.createDirectory(at: sources, withIntermediateDirectories: true)
        for name in Generation.documentNames {
            try FileManager.default.copyItem(
                at: URL(fileURLWithPath: Self.packagePath).appendingPathComponent("Sources/AMQPWireGenerator/\(name)"),
                to: sources.appendingPathComponent(name))
        }
        let generation = try Generation(packagePath: package.path)
        #expect(generation.differences().count == generation.files.count)
        #expect(try generation.write().count == generation.files.count)
        #expect(generation.differences().isEmpty)
        #expect(try generation.write().isEmpty)

        let changed = generation.directory.appendingPathComponent("TxMethods.swift")
        try Data("// Changed by hand.\n".utf8).write(to: changed)
        try Data().write(to: generation.directory.appendingPathComponent("FileMethods.swift"))
        let differences = generation.differences()
        #expect(differences.count == 2)
        #expect(differences.first?.hasPrefix("TxMethods.swift differs from line 1 on") == true)
        #expect(differences.last?.hasPrefix("FileMethods.swift is not generated") == true)
    }

    @Test func missingSpecificationIsNamed() {
        #expect {
            try Generation(packagePath: "/nonexistent")
        } throws: { error in
            "\(error)".contains("/nonexistent/Sources/AMQPWireGenerator/amqp0-9-1.extended.xml")
        }
    }
}
