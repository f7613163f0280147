import Glibc
import LeveretClient
import Processes
import Synchronization
import Testing

/// A slow disk shows what waits for it, and a failing one what is promised all the same.
@Suite(
    .serialized, .timeLimit(.minutes(5)),
    .enabled(
        """
        needs strace and the right to trace a process: install strace, and run as root or with \
        /proc/sys/kernel/yama/ptrace_scope 0
        """, Strace.isUsable))
struct StraceTests {
    /// Longer than what is asserted: the clocks of strace and of this process need not agree to the millisecond.
    private static let slowSync = "fdatasync,fsync:delay_enter=120000"
    private static let syncDuration = Duration.milliseconds(100)
    /// Nothing that is to be seen before such a sync ends takes as long on any machine.
    private static let verySlowSync = "fdatasync,fsync:delay_enter=20000000"

    private func shortest(_ durations: [Duration]) -> Duration { durations.min() ?? .zero }

    @Test(arguments: [1, 4])
    func confirmWaitsForTheDisk(shards: Int) async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let setup = try await connect(port: broker.port).channel()
        try await setup.declareQueue("durable")
        try await setup.declareQueue("transient", options: QueueOptions(durable: false))
        try await setup.declareExchange("both", type: .fanout)
        for queue in ["durable", "transient"] { try await setup.bindQueue(queue, to: "both") }
        let strace = try await Strace.attach(to: broker, injection: Self.slowSync)
        // Several at a time: a message that comes while a sync is under way must wait for the next one.
        let durations = try await withThrowingTaskGroup(of: [Duration].self) { group in
            for publisher in 0..<4 {
                group.addTask {
                    let channel = try await connect(port: broker.port).channel()
                    try await channel.enableConfirms()
                    var durations: [Duration] = []
                    for number in 0..<6 {
                        try await Task.sleep(for: .milliseconds((publisher * 37 + number * 23) % 100))
                        let start = ContinuousClock.now
                        try await channel.publishConfirmed(
                            body: "\(number)", exchange: number % 2 == 0 ? "" : "both", routingKey: "durable",
                            properties: .persistent)
                        durations.append(.now - start)
                    }
                    return durations
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(durations.count == 24)
        #expect(shortest(durations) >= Self.syncDuration)
        strace.detach()
    }

    @Test(arguments: [1, 4])
    func topologyWaitsForTheDisk(shards: Int) async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let channel = try await connect(port: broker.port).channel()
        let strace = try await Strace.attach(to: broker, injection: Self.slowSync)
        func expectSlow(_ name: Comment, _ step: () async throws -> Void) async throws {
            let start = ContinuousClock.now
            try await step()
            #expect(ContinuousClock.now - start >= Self.syncDuration, name)
        }
        try await expectSlow("queue.declare") { try await channel.declareQueue("a") }
        try await expectSlow("exchange.declare") { try await channel.declareExchange("x", type: .topic) }
        try await expectSlow("exchange.declare") { try await channel.declareExchange("y", type: .headers) }
        try await expectSlow("queue.bind") { try await channel.bindQueue("a", to: "x", routingKey: "#") }
        try await expectSlow("exchange.bind") { try await channel.bindExchange("x", to: "y") }
        try await expectSlow("queue.unbind") { try await channel.unbindQueue("a", from: "x", routingKey: "#") }
        try await expectSlow("exchange.unbind") { try await channel.unbindExchange("x", from: "y") }
        try await expectSlow("exchange.delete") { try await channel.deleteExchange("x") }
        try await expectSlow("queue.delete") { try await channel.deleteQueue("a") }
        strace.detach()
    }

    private final class Confirm: Sendable {
        private let flag = Atomic<Bool>(false)

        var isHere: Bool { flag.load(ordering: .sequentiallyConsistent) }

        func arrived() { flag.store(true, ordering: .sequentiallyConsistent) }
    }

    @Test(arguments: [1, 4])
    func whatIsTransientDoesNotWaitForTheDisk(shards: Int) async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let slow = try await connect(port: broker.port)
        let durable = try await slow.channel()
        try await durable.declareQueue("durable")
        try await durable.enableConfirms()
        let strace = try await Strace.attach(to: broker, injection: Self.verySlowSync)
        let confirm = Confirm()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await durable.publishConfirmed(body: "slow", routingKey: "durable", properties: .persistent)
                confirm.arrived()
            }
            group.addTask {
                // On the connection that waits, and on another one, perhaps on another shard.
                for connection in [slow, try await connect(port: broker.port)] {
                    let channel = try await connection.channel()
                    try await channel.enableConfirms()
                    let queue = try await channel.declareQueue(options: .temporary).name
                    try await channel.bindQueue(queue, to: "amq.fanout")
                    try await channel.publishConfirmed(body: "persistent", routingKey: queue, properties: .persistent)
                    try await channel.publishConfirmed(body: "transient", routingKey: "durable")
                    try await channel.publishConfirmed(body: "nowhere", routingKey: "none", properties: .persistent)
                    #expect(try await channel.get(queue: queue, autoAck: true)?.text == "persistent")
                    try await channel.deleteQueue(queue)
                    try await channel.close()
                }
                #expect(!confirm.isHere)
                strace.detach()
                kill(broker.pid, SIGKILL)
            }
            try await group.waitForAll()
        }
    }

    /// Nobody knows what a disk holds whose sync has failed: no confirm, and no second try.
    @Test(arguments: [1, 4])
    func failedSyncEndsTheBroker(shards: Int) async throws {
        try await expectEnd(shards: shards, injection: "fdatasync,fsync:error=EIO")
    }

    @Test func failedWriteEndsTheBroker() async throws {
        try await expectEnd(shards: 1, injection: "pwrite64,pwritev,pwritev2:error=EIO")
    }

    private func expectEnd(shards: Int, injection: String) async throws {
        let workspace = try Workspace.spread()
        let broker = try await BrokerProcess.start(in: workspace, shards: shards)
        let channel = try await connect(port: broker.port).channel()
        try await channel.declareQueue("durable")
        try await channel.enableConfirms()
        try await channel.publishConfirmed(body: "before", routingKey: "durable", properties: .persistent)
        let strace = try await Strace.attach(to: broker, injection: injection)
        await #expect(throws: LeveretError.self) {
            try await channel.publishConfirmed(body: "during", routingKey: "durable", properties: .persistent)
        }
        // If it was confirmed all the same, there is no end to wait for.
        if channel.connection.isOpen { return }
        let code = try await broker.ended()
        #expect(code > 0)
        #expect(workspace.errors.contains("Input/output error"), "\(workspace.errors)")
        strace.detach()

        let next = try await BrokerProcess.start(in: workspace, shards: shards)
        let found = try await connect(port: next.port).channel().get(queue: "durable", autoAck: true)
        #expect(found?.text == "before")
    }
}
