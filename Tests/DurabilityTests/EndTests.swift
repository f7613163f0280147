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

    /// A kill leaves transient messages on the disk that nobody will ask for.
    @Test func whatWasSpilledIsRemovedAtTheStart() async throws {
        let workspace = try Workspace.spread()
        let first = try await BrokerProcess.start(in: workspace, shards: 1)
        let channel = try await connect(port: first.port).channel()
        try await channel.declareQueue("q")
        try await channel.enableConfirms()
        try await channel.publishConfirmed(body: "stored", routingKey: "q", properties: .persistent)
        #expect(try await first.end(SIGKILL) != 0)
        // It has the form of a journal.
        let spill = "\(workspace.data)/spill"
        try? FileManager.default.removeItem(atPath: spill)
        try FileManager.default.copyItem(atPath: "\(workspace.data)/journal", toPath: spill)
        #expect(try byteCount(of: spill) > 1 << 20)

        let second = try await BrokerProcess.start(in: workspace, shards: 1)
        #expect(try byteCount(of: spill) < 1 << 16)
        #expect(try await take("q", on: connect(port: second.port)).map { $0.text } == ["stored"])
        #expect(try await second.end(SIGTERM) == 0)
    }

    private func byteCount(of directory: String) throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(0) { sum, name in
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/\(name)")
            return sum + (attributes[.size] as? Int ?? 0)
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
