import Foundation
import LeveretClient
import Testing

@testable import leveretctl

/// Every example of every help text, as a shell runs it, against a broker with a world to try them on.
@Suite(.serialized) struct ExampleTests {
    /// The address of a broker's HTTP API. The test starts one of its own as soon as `leveret` has that API.
    private static let url = ProcessInfo.processInfo.environment["LEVERET_TEST_URL"]

    /// Leveret alone has these.
    private static let own = ["queues pause", "queues resume", "queues unacked"]

    @Test(
        .enabled(
            if: url != nil, "leveret has no HTTP API yet: name a broker's with LEVERET_TEST_URL to run the examples"))
    func everyExampleRuns() async throws {
        let world = try ExampleWorld(url: try #require(Self.url))
        let isLeveret = try world.run("leveretctl status").output.contains("Leveret")
        let connection = try await world.connect()
        let names = NamedCommand.all.filter { $0.words[1] != "journal" }
        var examples = names.flatMap { $0.type.configuration.examples } + RabbitmqctlName.all.map(\.example)
        examples = NSOrderedSet(array: examples).array.compactMap { $0 as? String }
        for example in examples {
            if !isLeveret, Self.own.contains(where: { example.contains("leveretctl \($0)") }) { continue }
            try world.reset()
            let result = try world.run(example)
            // Differences and unhealthy brokers are results: 1 says so where the help says it.
            let mayBeOne = ["definitions diff", "leveretctl check", "node_health_check"].contains {
                example.contains($0)
            }
            #expect(
                result.code == 0 || (mayBeOne && result.code == 1), "\(example): \(result.code)\n\(result.output)")
        }
        try? await connection.close()
    }
}

/// A broker with users, queues and messages to try the examples on, and a folder with the files they name.
struct ExampleWorld: ~Copyable {
    let directory: URL
    private let environment: [String: String]
    private let url: String

    struct Result {
        let code: Int32
        /// Both streams.
        let output: String
    }

    init(url: String) throws {
        self.url = url
        directory = FileManager.default.temporaryDirectory.appending(path: "leveretctl-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(filePath: runner).deletingLastPathComponent().path
        environment = [
            "PATH": "\(built):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")", "LEVERET_URL": url,
            "NEW_PASSWORD": "a new one", "ALICE_PASSWORD": "alice's own",
        ]
        try Self.definitions.write(to: directory.appending(path: "world.json"), atomically: true, encoding: .utf8)
        try #"{"id":7}"#.write(to: directory.appending(path: "order.json"), atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// A client that examples may close.
    func connect() async throws -> Connection {
        let overview = try JSON(parsing: run("leveretctl status --json").output)["overview"]
        let port = try #require(overview["listeners"].items.first { $0["protocol"].text == "amqp" }?["port"].integer)
        return try await Connection.connect(ConnectionOptions(host: "127.0.0.1", port: port))
    }

    /// Puts everything back that examples change.
    func reset() throws {
        let setup = """
            set -e
            leveretctl definitions import world.json --quiet
            echo "$ALICE_PASSWORD" | leveretctl users password alice --quiet
            leveretctl definitions export broker.json --quiet
            leveretctl definitions export shop.json --of-vhost shop --quiet
            leveretctl users delete carol --yes > /dev/null 2>&1 || true
            leveretctl users delete dora --yes > /dev/null 2>&1 || true
            leveretctl users delete service --yes > /dev/null 2>&1 || true
            leveretctl policies clear short --yes > /dev/null 2>&1 || true
            leveretctl publish '' orders --quiet first
            leveretctl publish '' orders-dead --quiet dead
            """
        let result = try run(setup)
        #expect(result.code == 0, "\(result.output)")
    }

    /// Runs a line as a shell does. The example's connection is whichever is there.
    func run(_ line: String) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let connection = "'127.0.0.1:40000 -> 127.0.0.1:5672'"
        let line = line.replacingOccurrences(
            of: connection, with: "\"$(leveretctl connections list --quiet --limit 1)\"")
        process.arguments = ["bash", "-c", "set -o pipefail; " + line]
        process.environment = environment
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(code: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}

extension ExampleWorld {
    private static let definitions = """
        {
          "users": [
            {"name": "alice", "tags": "management", "password_hash": ""},
            {"name": "bob", "tags": "", "password_hash": "", "limits": {"max-connections": 5}}
          ],
          "vhosts": [{"name": "/"}, {"name": "shop"}],
          "permissions": [
            {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "guest", "vhost": "shop", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "alice", "vhost": "/", "configure": "", "write": ".*", "read": ".*"}
          ],
          "topic_permissions": [
            {"user": "alice", "vhost": "/", "exchange": "orders", "write": "^o", "read": ".*"}
          ],
          "parameters": [
            {"component": "vhost-limits", "vhost": "shop", "name": "limits", "value": {"max-queues": 100}},
            {"component": "operator_policy", "vhost": "/", "name": "ceiling",
             "value": {"pattern": "^none", "apply-to": "queues", "priority": 0, "definition": {"max-length": 5}}}
          ],
          "global_parameters": [{"name": "tier", "value": "test"}],
          "policies": [
            {"vhost": "/", "name": "lengths", "pattern": "^logs", "apply-to": "queues", "priority": 1,
             "definition": {"max-length": 100}}
          ],
          "queues": [
            {"name": "orders", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "orders-dead", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "billing", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "archive", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}},
            {"name": "old", "vhost": "/", "durable": true, "auto_delete": false, "arguments": {}}
          ],
          "exchanges": [
            {"name": "orders", "vhost": "/", "type": "topic", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "audit", "vhost": "/", "type": "fanout", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "unrouted", "vhost": "/", "type": "fanout", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "documents", "vhost": "/", "type": "headers", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}},
            {"name": "old", "vhost": "/", "type": "direct", "durable": true, "auto_delete": false,
             "internal": false, "arguments": {}}
          ],
          "bindings": [
            {"source": "orders", "vhost": "/", "destination": "orders", "destination_type": "queue",
             "routing_key": "order.#", "arguments": {}},
            {"source": "orders", "vhost": "/", "destination": "billing", "destination_type": "queue",
             "routing_key": "order.created", "arguments": {}},
            {"source": "documents", "vhost": "/", "destination": "archive", "destination_type": "queue",
             "routing_key": "", "arguments": {"x-match": "any", "type": "invoice"}}
          ]
        }
        """
}
