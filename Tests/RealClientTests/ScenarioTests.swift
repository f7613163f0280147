import Foundation
import Processes
import Testing

/// What RabbitMQ answers to some hundred scenarios, recorded, against what `leveret` answers.
@Suite(.serialized) struct ScenarioTests {
    @Test(arguments: [1, 2])
    func answersAreThoseOfRabbitMQ(shards: Int) async throws {
        let result = try await onThread {
            let broker = try BrokerProcess.spread(shards: shards)
            let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")
            return try runPython(
                directory.appending(path: "run.py"),
                ["--port", "\(broker.port)", "--compare", directory.appending(path: "recorded.json").path])
        }
        #expect(result.code == 0, "\(result.output)")
    }
}
