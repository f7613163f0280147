import Foundation
import JSON
import LeveretClient
import Logging
import Management
import Node
import Processes
import ServiceLifecycle

/// A node with its HTTP API in this process, on ports of its own and with a directory of its own.
struct TestNode {
    let node: Node
    let server: ManagementServer
    let client: HTTPClient
    let amqpPort: Int

    /// A client of AMQP.
    func connect() async throws -> Connection {
        try await Connection.connect(
            to: "amqp://guest:guest@127.0.0.1:\(amqpPort)/",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Runs `body` with it, and stops it.
    static func run(
        _ change: (inout Configuration) -> Void = { _ in }, _ body: (TestNode) async throws -> Void
    ) async throws {
        try await withDirectory { try await keep(in: $0, change, body) }
    }

    /// Gives `body` the path of a new directory, which ends with it.
    static func withDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = try TemporaryDirectory()
        defer { withExtendedLifetime(directory) {} }
        try await body(directory.path)
    }

    /// In a directory that stays.
    static func keep(
        in directory: String, _ change: (inout Configuration) -> Void = { _ in },
        _ body: (TestNode) async throws -> Void
    ) async throws {
        var configuration = Configuration { _ in nil }
        configuration.dataDirectory = directory
        configuration.listeners = [ListenAddress(host: "127.0.0.1", port: 0)]
        configuration.httpPort = 0
        configuration.shardCount = 2
        configuration.journalSegmentByteCount = 1 << 20
        configuration.diskFreeLimit = .bytes(0)
        change(&configuration)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let node = Node(configuration: configuration, logger: logger)
        let loaded = configuration
        try await node.start { administration in
            try await DefinitionsFiles(loaded, logger: logger)?.load(administration)
        }
        let server = ManagementServer(node: node, configuration: configuration, logger: logger)
        try await server.start()
        let services = ServiceGroup(services: [node, server], logger: logger)
        async let run: Void = services.run()
        let outcome: Result<Void, any Error>
        do {
            try await body(
                TestNode(
                    node: node, server: server, client: HTTPClient(port: port(of: server.listeningAddress ?? "")),
                    amqpPort: port(of: node.listeningAddresses[0])))
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await run
        try outcome.get()
    }

    /// Makes a user, or sets its tags anew, and what it may open; a client that is it.
    func user(_ name: String, tags: String, mayOpen hosts: [String]) async throws -> HTTPClient {
        _ = try await client.put("/api/users/\(name)", ["password": "p", "tags": .string(tags)])
        for host in hosts {
            let everything: JSONValue = ["configure": ".*", "write": ".*", "read": ".*"]
            _ = try await client.put("/api/permissions/\(host)/\(name)", everything)
        }
        var other = client
        other.user = name
        other.password = "p"
        return other
    }

    private static func port(of address: String) -> Int {
        address.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }
}
