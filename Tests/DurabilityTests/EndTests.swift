import Foundation
import Glibc
import LeveretClient
import Processes
import Testing

/// Ends that look clean and are not, and what is left behind.
@Suite(.serialized, .timeLimit(.minutes(5))) struct EndTests {
    @Test(.enabled("needs strace and the right to trace a process", Strace.isUsable))
    func aSyncThatFailsDuringTheStopIsAFailure() async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: 2)
        let channel = try await connect(port: broker.port).channel()
        try await channel.declareQueue("q")
        try await channel.enableConfirms()
        try await channel.publishConfirmed(body: "before", routingKey: "q", properties: .persistent)
        let strace = try await Strace.attach(to: broker, injection: "fdatasync,fsync:error=EIO")
        #expect(try await broker.end(SIGTERM) == 1)
        #expect(workspace.errors.contains("Input/output error"), "\(workspace.errors)")
        strace.detach()

        let next = try await BrokerProcess.start(in: workspace, shards: 2)
        #expect(try await take("q", on: connect(port: next.port)).map { $0.text } == ["before"])
    }

    /// What is transient leaves memory for a file that nobody finds after a kill, and comes back as it was.
    @Test(arguments: [1, 2]) func whatIsSpilledComesBackAndLeavesNothing(shards: Int) async throws {
        let workspace = try Workspace.spread(["memory_limit = 24MiB"])
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let connection = try await connect(port: broker.port)
        let channel = try await connection.channel()
        try await channel.declareQueue("q")
        try await channel.enableConfirms()
        let count = 4000
        func body(_ number: Int) -> [UInt8] {
            Array("\(number) ".utf8) + (0..<10_000).map { UInt8(truncatingIfNeeded: number &* 7 &+ $0) }
        }
        for number in 0..<count { try await channel.publish(body: body(number), routingKey: "q") }
        try await channel.publishConfirmed(body: "last", routingKey: "q")
        #expect(try openFiles(of: broker.pid).contains { $0.contains("/spill-") })

        let deliveries = try await take("q", on: connection).map(\.body)
        #expect(deliveries.count == count + 1)
        let isSame = zip(deliveries, 0..<count).allSatisfy { Array($0) == body($1) }
        #expect(isSame)
        #expect(try await broker.end(SIGKILL) != 0)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: workspace.data).allSatisfy { !$0.contains("spill") })
    }

    /// What its descriptors stand for.
    private func openFiles(of pid: pid_t) throws -> [String] {
        let directory = "/proc/\(pid)/fd"
        return try FileManager.default.contentsOfDirectory(atPath: directory).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")
        }
    }

    /// Nobody waits for these messages, so nobody asks the journal how far it is: more of them than may wait for it.
    @Test(arguments: [1, 2]) func publishersWithoutConfirmsGoOn(shards: Int) async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let connection = try await connect(port: broker.port)
        let channel = try await connection.channel()
        try await channel.declareQueue("q")
        let body = [UInt8](repeating: 7, count: 1 << 16)
        for _ in 0..<600 { try await channel.publish(body: body, routingKey: "q", properties: .persistent) }
        try await channel.enableConfirms()
        try await channel.publishConfirmed(body: "last", routingKey: "q", properties: .persistent)
        #expect(try await channel.declareQueue("q", options: .passive).messageCount == 601)
        #expect(try await broker.end(SIGTERM) == 0)
    }
}
