import Foundation
import Processes
import Testing

/// Tools that administrators have for RabbitMQ, against the built `leveret`.
@Suite(.serialized) struct ManagementToolTests {
    @Test func rabbitmqadminRunsEveryCommandItHas() async throws {
        try #require(Tools.isThere(Tools.rabbitmqadmin), "\(Tools.hint)")
        let broker = try await onThread { try ManagedBroker() }
        let result = try await runScript(
            "rabbitmqadmin.py",
            ["--tool", Tools.rabbitmqadmin.path, "--port", "\(broker.httpPort)", "--amqp-port", "\(broker.port)"])
        #expect(result.code == 0, "\(result.output)")
    }

    @Test func everyEndpointAsksForTheRightsThatRabbitMQAsksFor() async throws {
        let broker = try await onThread { try ManagedBroker() }
        let recorded = Tools.directory.appending(path: "permission_matrix.json").path
        let result = try await runScript(
            "permission_matrix.py", ["--port", "\(broker.httpPort)", "--compare", recorded])
        #expect(result.code == 0, "\(result.output)")
    }

    @Test(.enabled(if: Tools.isThere(Tools.rabbitmq), "Debian's RabbitMQ is not installed"))
    func definitionsComeFromRabbitMQAndGoBack() async throws {
        let rabbitmq = try await PrivateRabbitMQ()
        let broker = try await onThread { try ManagedBroker() }
        let result = try await runScript(
            "definitions_roundtrip.py",
            ["--port", "\(broker.httpPort)", "--rabbitmq-port", "\(rabbitmq.httpPort)"])
        await rabbitmq.stop()
        #expect(result.code == 0, "\(result.output)")
    }

    @Test func terraformKEDAAndFlowerFindWhatTheyLookFor() async throws {
        let broker = try await onThread { try ManagedBroker(settings: "collect_statistics_interval = 1000") }
        let result = try await runScript(
            "automation_clients.py", ["--port", "\(broker.httpPort)", "--amqp-port", "\(broker.port)"])
        #expect(result.code == 0, "\(result.output)")
    }

    @Test func theOpenAPIDocumentIsTrue() async throws {
        let broker = try await onThread { try ManagedBroker() }
        let result = try await runTool(
            Tools.directory.appending(path: "conformance.sh"), [Tools.schemathesis.path, "\(broker.httpPort)"])
        #expect(result.code == 0, "\(result.output.suffix(6000))")
    }
}

/// A RabbitMQ of this test's own on loopback.
private struct PrivateRabbitMQ: Sendable {
    private static let script = Tools.directory.appending(path: "private_rabbitmq.sh")

    let port: Int
    private let directory: URL

    var httpPort: Int { port + 10_000 }

    init() async throws {
        // The script derives four ports from one: below those that the system hands out.
        port = 5700 + Int.random(in: 0..<200)
        directory = FileManager.default.temporaryDirectory.appending(path: "leveret-rabbitmq-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let result = try await runTool(Self.script, ["start", directory.path, "\(port)"])
        try #require(result.code == 0, "\(result.output)")
    }

    func stop() async {
        _ = try? await runTool(Self.script, ["stop", directory.path, "\(port)"])
        try? FileManager.default.removeItem(at: directory)
    }
}
