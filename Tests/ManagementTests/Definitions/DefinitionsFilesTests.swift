import Foundation
import Logging
import Management
import Node
import Testing

/// `load_definitions`.
@Suite struct DefinitionsFilesTests {
    /// Starts a node that loads what is at the path, and tells what it has then.
    private func start(
        _ path: String, in directory: URL, skipsUnchanged: Bool = false,
        _ body: (TestNode) async throws -> Void = { _ in }
    ) async throws {
        try await TestNode.keep(
            in: directory.path,
            {
                $0.loadDefinitions = path
                $0.definitionsSkipIfUnchanged = skipsUnchanged ? "true" : "false"
            }, body)
    }

    private func withDirectory(_ body: (URL) async throws -> Void) async throws {
        try await TestNode.withDirectory { path in
            let directory = URL(filePath: path)
            for name in ["data", "definitions"] {
                try FileManager.default.createDirectory(
                    at: directory.appending(path: name), withIntermediateDirectories: false)
            }
            try await body(directory)
        }
    }

    @Test func aFileIsThereBeforeClientsMayConnect() async throws {
        try await withDirectory { directory in
            let file = directory.appending(path: "definitions/all.json")
            try Data(DefinitionsSample.bytes).write(to: file)
            try await start(file.path, in: directory.appending(path: "data")) { (node: TestNode) async throws in
                #expect(try await node.client.get("/api/definitions/orders").status == 200)
            }
        }
    }

    @Test func theFilesOfADirectoryAreLoadedByName() async throws {
        try await withDirectory { directory in
            let files = directory.appending(path: "definitions")
            try Data(#"{"vhosts":[{"name":"one"}]}"#.utf8).write(to: files.appending(path: "1.json"))
            try Data(#"{"queues":[{"name":"q","vhost":"one"}]}"#.utf8).write(to: files.appending(path: "2.json"))
            try Data("no definitions".utf8).write(to: files.appending(path: "README"))
            try await start(files.path, in: directory.appending(path: "data")) { (node: TestNode) async throws in
                #expect(try await node.client.get("/api/definitions/one").text.contains(#""name":"q""#))
            }
        }
    }

    @Test func unchangedDefinitionsAreLeftAloneWhereThatIsWanted() async throws {
        try await withDirectory { directory in
            let file = directory.appending(path: "definitions/all.json")
            let data = directory.appending(path: "data")
            try Data(#"{"vhosts":[{"name":"one"}]}"#.utf8).write(to: file)
            try await start(file.path, in: data, skipsUnchanged: true) { (node: TestNode) async throws in
                #expect(try await node.client.delete("/api/vhosts/one").status == 204)
            }
            try await start(file.path, in: data, skipsUnchanged: true) { (node: TestNode) async throws in
                #expect(try await node.client.get("/api/vhosts/one").status == 404)
            }
            try await start(file.path, in: data) { (node: TestNode) async throws in
                #expect(try await node.client.get("/api/vhosts/one").status == 200)
                #expect(try await node.client.delete("/api/vhosts/one").status == 204)
            }
            try Data(#"{"vhosts":[{"name":"one"},{"name":"two"}]}"#.utf8).write(to: file)
            try await start(file.path, in: data, skipsUnchanged: true) { (node: TestNode) async throws in
                #expect(try await node.client.get("/api/vhosts/one").status == 200)
            }
        }
    }

    @Test func whatCannotBeLoadedStopsTheStartAndSaysWhy() async throws {
        try await withDirectory { directory in
            let files = directory.appending(path: "definitions")
            let file = files.appending(path: "bad.json")
            let administrationError = { (path: String) async throws -> String in
                let node = Node(
                    configuration: configuration(directory.appending(path: "data"), path),
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                do {
                    try await node.start { administration in
                        try await DefinitionsFiles(
                            configuration(directory, path),
                            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                        )?.load(administration)
                    }
                    return "started"
                } catch {
                    return "\(error)"
                }
            }
            #expect(
                try await administrationError("/nowhere.json")
                    == "load_definitions: cannot open /nowhere.json: No such file or directory")
            #expect(
                try await administrationError(files.path)
                    == "load_definitions: there is no .json file in \(files.path)")
            try Data("{".utf8).write(to: file)
            #expect(
                try await administrationError(file.path).hasPrefix(
                    "load_definitions: \(file.path): failed_to_parse_json: "))
            try Data(#"{"queues":[{"name":"q","vhost":"missing"}]}"#.utf8).write(to: file)
            #expect(try await administrationError(file.path).contains("virtual host 'missing' does not exist"))
        }
    }

    private func configuration(_ directory: URL, _ path: String) -> Configuration {
        var configuration = Configuration { _ in nil }
        configuration.dataDirectory = directory.path
        configuration.listeners = [ListenAddress(host: "127.0.0.1", port: 0)]
        configuration.shardCount = 1
        configuration.journalSegmentByteCount = 1 << 20
        configuration.diskFreeLimit = .bytes(0)
        configuration.loadDefinitions = path
        return configuration
    }
}
