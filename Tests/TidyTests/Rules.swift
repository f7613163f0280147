import Foundation

/// What keeps the tree readable and its targets apart. Each rule returns its violations, one line each.
enum Rules {
    static let maxFileLines = 500
    static let maxFunctionLines = 70
    static let maxColumns = 120

    /// Functions that may be longer, as `path: name`, each with the reason.
    static let longFunctions: [String: String] = [:]

    static let topLevel: Set<String> = [
        "Package.swift", "Package.resolved", "Sources", "Tests", "Examples", "Config", "Makefile", "README.md",
        "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "COMPATIBILITY.md", "SECURITY.md", "LICENSE",
    ]

    /// Targets that are not part of the `leveret` executable. What is not listed here is taken to be part of it.
    static let apart: Set<String> = ["AMQPWireGenerator", "LeveretClient", "leveretctl", "leveretperf"]

    /// Values only: no threads, no sockets, no clock.
    static let engine: Set<String> = ["Routing", "Journal", "Broker"]

    static let engineImports: Set<String> = [
        "AMQPWire", "Routing", "Journal", "CRC32C", "Glibc", "Darwin", "Synchronization",
        // swift-collections
        "Collections", "BasicContainers", "BitCollections", "DequeModule", "HashTreeCollections", "HeapModule",
        "OrderedCollections",
    ]

    static func strangers(topLevel entries: [String]) -> [String] {
        entries.filter { !$0.hasPrefix(".") && !topLevel.contains($0) }.sorted()
    }

    static func tooLong(_ source: SwiftSource) -> [String] {
        if source.isGenerated { return [] }
        // The last line break ends a line, it does not begin one.
        let count = source.lines.last == "" ? source.lines.count - 1 : source.lines.count
        return count > maxFileLines ? ["\(source.path): \(count) lines, at most \(maxFileLines)"] : []
    }

    static func tooWide(_ source: SwiftSource) -> [String] {
        if source.isGenerated { return [] }
        return source.lines.enumerated().filter { $0.element.count > maxColumns }
            .map { "\(source.path):\($0.offset + 1): \($0.element.count) columns, at most \(maxColumns)" }
    }

    static func longFunctions(_ source: SwiftSource, allowed: [String: String] = longFunctions) -> [String] {
        if source.isGenerated { return [] }
        return source.functions
            .filter { $0.length > maxFunctionLines && allowed["\(source.path): \($0.name)"] == nil }
            .map { "\(source.path):\($0.line): \($0.name) has \($0.length) lines, at most \(maxFunctionLines)" }
    }

    /// The target of a file of `Sources`, else nil.
    static func target(of source: SwiftSource) -> String? {
        let parts = source.path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// Full Foundation is 50 MB of binary and 8 MiB of memory at rest.
    static func foundation(_ source: SwiftSource) -> [String] {
        guard let target = target(of: source), !apart.contains(target) else { return [] }
        return source.imports.filter { $0 == "Foundation" }.map { "\(source.path): imports \($0)" }
    }

    /// The engine is values: testable without a thread, a socket or a clock, and as fast as plain calls.
    static func engineIsPure(_ source: SwiftSource) -> [String] {
        guard let target = target(of: source), engine.contains(target) else { return [] }
        let strange = source.imports.filter { !engineImports.contains($0) }.map { "\(source.path): imports \($0)" }
        let words = source.code.enumerated().flatMap { number, line in
            line.matches(of: #/\b(async|await|actor)\b|\bany(?=\s+[A-Z(~])/#)
                .map { "\(source.path):\(number + 1): \($0.output.0) in the engine" }
        }
        return strange + words
    }

    static func unnamed(folders: [String], in architecture: String) -> [String] {
        folders.filter { !architecture.contains($0) }.sorted()
    }
}
