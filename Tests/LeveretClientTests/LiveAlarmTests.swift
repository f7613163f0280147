import LeveretClient
import Node
import Testing

/// The client against a node in this process that runs short of disk space.
@Suite(.serialized) struct LiveAlarmTests {
    /// Waits for what the broker sends without being asked.
    private func waitUntil(_ isReached: () async throws -> Bool) async throws {
        while try await !isReached() { try await Task.sleep(for: .milliseconds(1)) }
    }

    /// No disk has as much as this asks for.
    @Test func publisherIsBlockedWhileConsumersGoOn() async throws {
        try await withBroker(
            shardCount: 2, placement: .spread,
            configure: {
                $0.diskFreeLimit = .bytes(1_000_000_000_000_000)
            }
        ) { broker in
            let consuming = try await broker.connect()
            let consumer = try await consuming.channel()
            try await consumer.declareQueue("q")
            let deliveries = try await consumer.consume(queue: "q")
            let publishing = try await broker.connect()
            let publisher = try await publishing.channel()
            #expect(publishing.blockedReason == nil)
            try await publisher.publish(body: "one", routingKey: "q")
            try await waitUntil { publishing.blockedReason != nil }
            #expect(publishing.blockedReason == "low on disk")
            let delivery = try #require(try await deliveries.take(1).first)
            #expect(delivery.text == "one")
            try await delivery.ack()
            #expect(try await consumer.declareQueue("q", options: .passive).consumerCount == 1)
            #expect(consuming.blockedReason == nil)
            // The broker stops in order with a blocked connection.
            await broker.stop()
            try await waitUntil { !publishing.isOpen }
            let error = await #expect(throws: LeveretError.self) { try await publishing.channel() }
            #expect(error?.replyCode == 320)
        }
    }

    @Test func publisherGoesOnWhenTheDiskHasSpaceAgain() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            try await channel.enableConfirms()
            broker.node.setDiskFull(true)
            try await waitUntil {
                try await channel.publish(body: "x", routingKey: queue)
                return connection.blockedReason != nil
            }
            #expect(connection.blockedReason == "low on disk")
            let last = Task { try await channel.publishConfirmed(body: "last", routingKey: queue) }
            broker.node.setDiskFull(false)
            try await last.value
            #expect(connection.blockedReason == nil)
            try await connection.close()
        }
    }

    /// Its socket is not read, but its end is seen.
    @Test func blockedConnectionThatGoesAwayIsForgotten() async throws {
        try await withBroker { broker in
            let watching = try await broker.connect()
            let channel = try await watching.channel()
            try await channel.declareQueue("watched")
            broker.node.setDiskFull(true)
            do {
                let dropped = try await broker.connect()
                let publisher = try await dropped.channel()
                let deliveries = try await publisher.consume(queue: "watched")
                try await waitUntil {
                    try await publisher.publish(body: "x", routingKey: "nowhere")
                    return dropped.blockedReason != nil
                }
                #expect(try await channel.declareQueue("watched", options: .passive).consumerCount == 1)
                withExtendedLifetime((dropped, deliveries)) {}
            }
            try await waitUntil { try await channel.declareQueue("watched", options: .passive).consumerCount == 0 }
            try await watching.close()
        }
    }
}
