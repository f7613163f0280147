import Foundation
import LeveretClient
import Logging
import Node
import ServiceLifecycle

/// Runs a node in this process while `body` runs, and stops it as SIGTERM would.
func withBroker<Result: Sendable>(
    shardCount: Int = 1, placement: ConnectionPlacement = .pack,
    configure: (inout Configuration) -> Void = { _ in },
    _ body: (Broker) async throws -> Result
) async throws -> Result {
    var configuration = Configuration { _ in nil }
    configuration.listeners = [ListenAddress(host: "127.0.0.1", port: 0)]
    configuration.shardCount = shardCount
    configuration.dataDirectory = NSTemporaryDirectory() + "/leveret-live-\(UUID().uuidString)"
    configuration.journalSegmentByteCount = 1 << 20
    defer { try? FileManager.default.removeItem(atPath: configuration.dataDirectory) }
    configuration.connectionPlacement = placement
    configure(&configuration)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let node = Node(configuration: configuration, logger: logger)
    try await node.start()
    let services = ServiceGroup(services: [node], logger: logger)
    async let run: Void = services.run()
    let broker = Broker(address: node.listeningAddresses[0], node: node, services: services)
    do {
        let result = try await body(broker)
        await services.triggerGracefulShutdown()
        try await run
        return result
    } catch {
        await services.triggerGracefulShutdown()
        try await run
        throw error
    }
}

struct Broker {
    /// `127.0.0.1:40001`
    let address: String
    let node: Node
    let services: ServiceGroup

    /// As SIGTERM does. `withBroker` waits until it has stopped.
    func stop() async { await services.triggerGracefulShutdown() }

    func connect(_ options: String = "") async throws -> Connection {
        try await Connection.connect(
            to: "amqp://guest:guest@\(address)/\(options)",
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

extension Channel {
    /// An exclusive queue with the broker's name for it.
    func temporaryQueue() async throws -> String { try await declareQueue(options: .temporary).name }
}

extension Deliveries {
    /// The next `count` deliveries, in order.
    func take(_ count: Int) async throws -> [Delivery] {
        var deliveries: [Delivery] = []
        var iterator = makeAsyncIterator()
        while deliveries.count < count, let delivery = try await iterator.next() { deliveries.append(delivery) }
        return deliveries
    }
}
