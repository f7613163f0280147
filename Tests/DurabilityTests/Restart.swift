import Glibc
import LeveretClient
import Processes
import Testing

/// How a broker ends, and how many shards it has.
struct Stop: Sendable, CustomTestStringConvertible {
    let signal: Int32
    let shards: Int

    var isClean: Bool { signal == SIGTERM }
    var testDescription: String { "\(isClean ? "SIGTERM" : "SIGKILL"), \(shards) shards" }

    static let all = [
        Stop(signal: SIGTERM, shards: 1), Stop(signal: SIGKILL, shards: 1), Stop(signal: SIGTERM, shards: 4),
        Stop(signal: SIGKILL, shards: 4),
    ]
}

/// Does something on a broker, ends it, starts it again on the same data, and looks.
func restart(
    _ stop: Stop, before: (Connection) async throws -> Void, after: (Connection) async throws -> Void
) async throws {
    let workspace = try Workspace.spread()
    let broker = try await BrokerProcess.start(in: workspace, shards: stop.shards)
    let connection = try await connect(port: broker.port)
    try await before(connection)
    let code = try await broker.end(stop.signal)
    #expect(code == (stop.isClean ? 0 : -stop.signal))
    let next = try await BrokerProcess.start(in: workspace, shards: stop.shards)
    let nextConnection = try await connect(port: next.port)
    try await after(nextConnection)
    try await nextConnection.close()
    #expect(try await next.end(SIGTERM) == 0)
    #expect(workspace.complaints == [])
}

/// All messages of a queue, acknowledged.
func take(_ queue: String, on connection: Connection) async throws -> [Delivery] {
    let channel = try await connection.channel()
    var deliveries: [Delivery] = []
    while let delivery = try await channel.get(queue: queue) {
        try await delivery.ack()
        deliveries.append(delivery)
    }
    try await channel.close()
    return deliveries
}

/// Whether the step finds what it asks for, on a channel of its own.
func exists(_ connection: Connection, _ step: (Channel) async throws -> Void) async throws -> Bool {
    do {
        try await step(try await connection.channel())
        return true
    } catch let error as LeveretError where error.replyCode == 404 {
        return false
    }
}
