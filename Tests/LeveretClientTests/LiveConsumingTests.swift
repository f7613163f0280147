import Node
import Synchronization
import Testing

@testable import LeveretClient

/// The client against a node in this process: consumers, acknowledgements, prefetch.
@Suite(.serialized) struct LiveConsumingTests {
    @Test(arguments: LiveTopologyTests.Setup.all)
    func unackedWorkGoesToAnotherWorkerWhenItsWorkerIsGone(setup: LiveTopologyTests.Setup) async throws {
        try await withBroker(shardCount: setup.shardCount, placement: setup.placement) { broker in
            let publisher = try await broker.connect()
            let channel = try await publisher.channel()
            try await channel.declareQueue("work")
            for number in 0..<10 { try await channel.publish(body: "\(number)", routingKey: "work") }

            let first = try await broker.connect()
            let own = try await first.channel()
            let taken = try await own.consume(queue: "work", prefetch: 4).take(4)
            #expect(taken.map { $0.text } == ["0", "1", "2", "3"])
            try await taken[0].ack()
            // The connection goes without a word to the three that are left.
            try await first.close()

            let second = try await broker.connect()
            let rest = try await second.channel().consume(queue: "work", prefetch: 0).take(9)
            #expect(rest.map { Int($0.text) ?? -1 }.sorted() == Array(1...9))
            #expect(rest.filter { $0.isRedelivered }.map { $0.text }.sorted().starts(with: ["1", "2", "3"]))
            try await rest[8].ack(multiple: true)
            try await second.close()
            #expect(try await channel.declareQueue("work", options: .passive).messageCount == 0)
            try await publisher.close()
        }
    }

    @Test func prefetchSharesTheWork() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("work")
            let slow = try await connection.channel().consume(queue: "work", prefetch: 1)
            let fast = try await connection.channel().consume(queue: "work", prefetch: 1)
            for number in 0..<20 { try await channel.publish(body: "\(number)", routingKey: "work") }
            let kept = try await slow.take(1)
            var count = 0
            for try await delivery in fast {
                try await delivery.ack()
                count += 1
                if count == 19 { break }
            }
            #expect(kept.count == 1)
            #expect(try await channel.declareQueue("work", options: .passive).messageCount == 0)
            try await kept[0].ack()
            try await connection.close()
        }
    }

    @Test func rejectedAndNackedMessagesComeBackOrGo() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            try await channel.publish(body: "again", routingKey: queue)
            let deliveries = try await channel.consume(queue: queue)
            var iterator = deliveries.makeAsyncIterator()
            let first = try #require(try await iterator.next())
            #expect(!first.isRedelivered)
            try await first.nack(requeue: true)
            let second = try #require(try await iterator.next())
            #expect(second.isRedelivered)
            try await second.reject(requeue: true)
            let third = try #require(try await iterator.next())
            try await third.reject(requeue: false)
            #expect(try await channel.declareQueue(queue, options: .passive).messageCount == 0)
            try await connection.close()
        }
    }

    @Test func cancelledConsumersUntakenDeliveriesGoBackToTheQueue() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("work")
            for number in 0..<10 { try await channel.publish(body: "\(number)", routingKey: "work") }
            let deliveries = try await channel.consume(queue: "work", prefetch: 5)
            var iterator = deliveries.makeAsyncIterator()
            try await iterator.next()?.ack()
            try await deliveries.cancel()
            #expect(try await iterator.next() == nil)
            #expect(try await channel.declareQueue("work", options: .passive).messageCount == 9)
            try await channel.cancel(consumerTag: "nobody")
            try await connection.close()
        }
    }

    @Test func droppedSequenceEndsItsConsumer() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("work")
            for number in 0..<10 { try await channel.publish(body: "\(number)", routingKey: "work") }
            for try await delivery in try await channel.consume(queue: "work", prefetch: 5) {
                try await delivery.ack()
                break
            }
            let description = try await channel.declareQueue("work", options: .passive)
            #expect(description.consumerCount == 0)
            #expect(description.messageCount == 9)
            try await connection.close()
        }
    }

    @Test func deletedQueueEndsItsConsumersWithAnError() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("work")
            let deliveries = try await channel.consume(
                queue: "work", options: ConsumeOptions(consumerTag: "mine"))
            #expect(deliveries.consumerTag == "mine")
            try await connection.channel().deleteQueue("work")
            let error = await #expect(throws: LeveretError.self) { try await deliveries.take(1) }
            #expect(error?.code == .consumerCancelled)
            // The channel goes on.
            try await channel.declareQueue("work")
            try await connection.close()
        }
    }

    @Test func cancelledTaskStopsWaitingAndTheConsumerGoesOn() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            let deliveries = try await channel.consume(queue: queue)
            let task = Task { try await deliveries.take(1).count }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await channel.publish(body: "still here", routingKey: queue)
            #expect(try await deliveries.take(1).first?.text == "still here")
            try await connection.close()
        }
    }

    /// More than the client buffers: the broker waits until the deliveries are taken.
    @Test func slowConsumerWithoutAcksGetsEverything() async throws {
        try await withBroker { broker in
            let publisher = try await broker.connect()
            let consumer = try await broker.connect()
            let channel = try await consumer.channel()
            try await channel.declareQueue("stream")
            let deliveries = try await channel.consume(queue: "stream", options: ConsumeOptions(autoAck: true))
            let count = 48
            let own = try await publisher.channel()
            for number in 0..<count {
                try await own.publish(
                    body: [UInt8](repeating: UInt8(number), count: 1 << 20), routingKey: "stream")
            }
            var iterator = deliveries.makeAsyncIterator()
            for number in 0..<count {
                let delivery = try #require(try await iterator.next())
                #expect(delivery.body.first == UInt8(number))
                // A question for each delivery gets its answer although deliveries wait to be read before it.
                if number % 8 == 0 { try await channel.declareQueue("stream", options: .passive) }
            }
            try await publisher.close()
            try await consumer.close()
        }
    }

    /// What nobody will take any more must not keep the connection from reading.
    @Test func droppedBacklogLetsTheOtherConsumersGoOn() async throws {
        try await withBroker { broker in
            let publisher = try await broker.connect().channel()
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareQueue("stream")
            let other = try await channel.consume(queue: try await channel.temporaryQueue())
            let queue = try await channel.temporaryQueue()
            let waiting = try await channel.consume(queue: queue)
            do {
                let untaken = try await channel.consume(queue: "stream", options: ConsumeOptions(autoAck: true))
                for _ in 0..<32 {
                    try await publisher.publish(body: [UInt8](repeating: 1, count: 1 << 20), routingKey: "stream")
                }
                while !connection.core.isReadingPaused.load(ordering: .sequentiallyConsistent) { await Task.yield() }
                withExtendedLifetime(untaken) {}
            }
            try await publisher.publish(body: "at last", routingKey: queue)
            #expect(try await waiting.take(1).first?.text == "at last")
            try await other.cancel()
            try await connection.close()
            try await publisher.connection.close()
        }
    }

    @Test func remoteProcedureCallsAreAnswered() async throws {
        try await withBroker(shardCount: 2, placement: .spread) { broker in
            let server = try await broker.connect()
            let serving = try await server.channel()
            try await serving.declareQueue("double")
            let requests = try await serving.consume(queue: "double", prefetch: 10)
            let work = Task {
                for try await request in requests {
                    let properties = request.properties
                    try await serving.publish(
                        body: "\((Int(request.text) ?? 0) * 2)", routingKey: properties.replyTo ?? "",
                        properties: MessageProperties(correlationID: properties.correlationID))
                    try await request.ack()
                }
            }
            let client = try await broker.connect()
            let channel = try await client.channel()
            let replyTo = try await channel.temporaryQueue()
            let replies = try await channel.consume(queue: replyTo, options: ConsumeOptions(autoAck: true))
            for number in 0..<100 {
                try await channel.publish(
                    body: "\(number)", routingKey: "double",
                    properties: MessageProperties(correlationID: "id\(number)", replyTo: replyTo))
            }
            for (number, reply) in try await replies.take(100).enumerated() {
                #expect(reply.text == "\(number * 2)")
                #expect(reply.properties.correlationID == "id\(number)")
            }
            // The end of the consumer is the end of the loop.
            try await requests.cancel()
            try await work.value
            try await client.close()
            try await server.close()
        }
    }
}
