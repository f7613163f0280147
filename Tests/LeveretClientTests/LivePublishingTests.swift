import LeveretClient
import Node
import Testing

/// The client against a node in this process: confirms and returns.
@Suite(.serialized) struct LivePublishingTests {
    @Test(arguments: LiveTopologyTests.Setup.all)
    func manyConfirmedPublishesAtATimeAreAllConfirmed(setup: LiveTopologyTests.Setup) async throws {
        try await withBroker(shardCount: setup.shardCount, placement: setup.placement) { broker in
            let owner = try await broker.connect()
            try await owner.channel().declareQueue("confirmed")
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.enableConfirms()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<500 {
                    group.addTask {
                        try await channel.publishConfirmed(body: "\(number)", routingKey: "confirmed")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await channel.declareQueue("confirmed", options: .passive).messageCount == 500)
            try await connection.close()
            try await owner.close()
        }
    }

    @Test func batchIsConfirmedAtOnce() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            try await channel.enableConfirms()
            for number in 0..<2000 { try await channel.publish(body: "\(number)", routingKey: queue) }
            try await channel.waitForConfirms()
            #expect(try await channel.declareQueue(queue, options: .passive).messageCount == 2000)
            try await connection.close()
        }
    }

    @Test func mandatoryMessageWithoutQueueIsAnErrorOfItsPublisher() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            try await channel.enableConfirms()
            try await channel.publishConfirmed(body: "1", routingKey: queue, mandatory: true)
            let error = await #expect(throws: LeveretError.self) {
                try await channel.publishConfirmed(body: "2", routingKey: "nowhere", mandatory: true)
            }
            #expect(error?.code == .returned)
            #expect(error?.replyCode == 312)
            #expect(error?.replyText == "NO_ROUTE")
            // Unroutable and not mandatory: the broker has taken responsibility, and dropped it.
            try await channel.publishConfirmed(body: "3", routingKey: "nowhere")
            try await connection.close()
        }
    }

    @Test func returnedMessagesAreASequence() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let returned = channel.returnedMessages
            for number in 0..<3 {
                try await channel.publish(
                    body: "\(number)", routingKey: "nowhere", properties: MessageProperties(messageID: "m\(number)"),
                    mandatory: true)
            }
            var iterator = returned.makeAsyncIterator()
            for number in 0..<3 {
                let message = try #require(try await iterator.next())
                #expect(message.replyText == "NO_ROUTE")
                #expect(message.routingKey == "nowhere")
                #expect(message.body == Array("\(number)".utf8))
                #expect(message.properties.messageID == "m\(number)")
            }
            try await channel.close()
            #expect(try await iterator.next() == nil)
            try await connection.close()
        }
    }

    /// More than the client buffers for the socket: publishers wait and nothing is lost.
    @Test func fastPublishersWaitForTheSocket() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            let body = [UInt8](repeating: 1, count: 100_000)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask { for _ in 0..<50 { try await channel.publish(body: body, routingKey: queue) } }
                }
                try await group.waitForAll()
            }
            #expect(try await channel.declareQueue(queue, options: .passive).messageCount == 400)
            try await connection.close()
        }
    }
}
