import Dispatch
import LeveretClient
import Node
import Testing

/// The client against a node in this process: everything that ends before its time.
@Suite(.serialized) struct LiveEndsTests {
    @Test func mistakeCostsTheChannelOnly() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let other = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            let deliveries = try await channel.consume(queue: queue)
            let failure = await #expect(throws: LeveretError.self) { try await channel.get(queue: "missing") }
            let error = try #require(failure)
            #expect(error.code == .channelClosedByServer)
            #expect(error.replyCode == 404)
            #expect(error.replyText == "NOT_FOUND - no queue 'missing' in vhost '/'")
            #expect(channel.endError == error)
            // Everything on the channel says the same from now on.
            await #expect(throws: error) { try await deliveries.take(1) }
            await #expect(throws: error) { try await channel.publish(body: "x", routingKey: queue) }
            await #expect(throws: error) { try await channel.declareQueue() }
            try await channel.close()
            #expect(try await other.declareQueue(options: .temporary).messageCount == 0)
            try await connection.close()
        }
    }

    @Test func publishToAMissingExchangeFailsWhoWaitsForConfirms() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.enableConfirms()
            let error = await #expect(throws: LeveretError.self) {
                try await channel.publishConfirmed(body: "x", exchange: "missing", routingKey: "k")
            }
            #expect(error?.replyCode == 404)
            #expect(error?.method == "basic.publish")
            try await connection.close()
        }
    }

    @Test func acknowledgingTwiceClosesTheChannel() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            try await channel.publish(body: "x", routingKey: queue)
            let delivery = try #require(try await channel.get(queue: queue))
            try await delivery.ack()
            try await delivery.ack()
            let error = await #expect(throws: LeveretError.self) { try await channel.declareQueue() }
            #expect(error?.replyText == "PRECONDITION_FAILED - unknown delivery tag 1")
            try await connection.close()
        }
    }

    @Test(arguments: [("guest:wrong", ""), ("nobody:guest", "")])
    func wrongPasswordIsRefused(login: String, path: String) async throws {
        try await withBroker { broker in
            let error = await #expect(throws: LeveretError.self) {
                try await Connection.connect(to: "amqp://\(login)@\(broker.address)/\(path)")
            }
            #expect(error?.code == .loginRefused)
            #expect(error?.replyCode == 403)
        }
    }

    @Test func missingVirtualHostIsRefused() async throws {
        try await withBroker { broker in
            let error = await #expect(throws: LeveretError.self) { try await broker.connect("missing") }
            #expect(error?.code == .connectionClosedByServer)
            #expect(error?.replyCode == 530)
        }
    }

    @Test func brokerThatIsNotThereIsAConnectFailure() async throws {
        let address = try await withBroker { $0.address }
        let error = await #expect(throws: LeveretError.self) {
            try await Connection.connect(to: "amqp://\(address)")
        }
        #expect(error?.code == .connectFailed)
    }

    @Test func gracefulShutdownOfTheBrokerIsSeenByEverybodyWhoWaits() async throws {
        try await withBroker(shardCount: 2, placement: .spread) { broker in
            let first = try await broker.connect()
            let second = try await broker.connect()
            var waiting: [Task<Int, any Error>] = []
            for connection in [first, second] {
                let channel = try await connection.channel()
                let deliveries = try await channel.consume(queue: try await channel.temporaryQueue())
                waiting.append(Task { try await deliveries.take(1).count })
            }
            await broker.stop()
            for task in waiting {
                let error = await #expect(throws: LeveretError.self) { try await task.value }
                #expect(error?.code == .connectionClosedByServer)
                #expect(error?.replyCode == 320)
                #expect(error?.replyText?.hasPrefix("CONNECTION_FORCED - ") == true)
            }
            await #expect(throws: LeveretError.self) { try await first.channel() }
            #expect(!first.isOpen)
            try await second.close()
        }
    }

    @Test func closedConnectionEndsItsConsumersWithoutAnError() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let deliveries = try await channel.consume(queue: try await channel.temporaryQueue())
            let task = Task { try await deliveries.take(1).count }
            try await connection.close()
            #expect(try await task.value == 0)
            let error = await #expect(throws: LeveretError.self) { try await connection.channel() }
            #expect(error?.code == .closed)
            try await connection.close()
        }
    }

    @Test func droppedConnectionIsClosed() async throws {
        try await withBroker { broker in
            let watching = try await broker.connect()
            let channel = try await watching.channel()
            try await channel.declareQueue("watched")
            do {
                let dropped = try await broker.connect()
                let deliveries = try await dropped.channel().consume(queue: "watched")
                #expect(try await channel.declareQueue("watched", options: .passive).consumerCount == 1)
                withExtendedLifetime((dropped, deliveries)) {}
            }
            while try await channel.declareQueue("watched", options: .passive).consumerCount > 0 {
                await Task.yield()
            }
            try await watching.close()
        }
    }

    @Test func channelsOfAConnectionAreLimited() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect("?channel_max=2")
            let first = try await connection.channel()
            let second = try await connection.channel()
            let error = await #expect(throws: LeveretError.self) { try await connection.channel() }
            #expect(error?.code == .channelLimitReached)
            try await first.close()
            let third = try await connection.channel()
            try await third.declareQueue(options: .temporary)
            try await second.declareQueue(options: .temporary)
            try await connection.close()
        }
    }

    @Test func cancelledRequestLeavesTheChannelUsable() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            for _ in 0..<50 {
                let task = Task { try await channel.declareQueue(options: .temporary) }
                task.cancel()
                _ = try? await task.value
            }
            let queue = try await channel.temporaryQueue()
            try await channel.publish(body: "x", routingKey: queue)
            #expect(try await channel.get(queue: queue, autoAck: true)?.text == "x")
            try await connection.close()
        }
    }

    @Test func heartbeatsKeepAnIdleConnection() async throws {
        try await withBroker(configure: { $0.heartbeatSeconds = 1 }) { broker in
            let connection = try await broker.connect()
            try await Task.sleep(for: .seconds(3.5))
            #expect(connection.isOpen)
            try await connection.channel().declareQueue(options: .temporary)
            try await connection.close()
        }
    }

    /// The task that connects has to wait for a thread, again and again, for longer than the broker for a heartbeat.
    @Test func heartbeatsDoNotWaitForWhoConnects() async throws {
        try await withBroker(configure: { $0.heartbeatSeconds = 1 }) { broker in
            let connecting = Task(executorPreference: SlowExecutor(seconds: 4)) { try await broker.connect() }
            let connection = try await connecting.value
            #expect(connection.isOpen)
            try await connection.channel().declareQueue(options: .temporary)
            try await connection.close()
        }
    }

    @Test func serverPropertiesAreThere() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            #expect(connection.serverProperties["product"] == "Leveret")
            #expect(connection.blockedReason == nil)
            try await connection.close()
        }
    }
}

/// Runs everything late.
private final class SlowExecutor: TaskExecutor {
    private let seconds: Double

    init(seconds: Double) { self.seconds = seconds }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [self] in
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
