import Foundation
import Glibc
import LeveretClient
import Processes
import Testing

/// What does not outlive a restart, what outlives it under conditions, and data that is refused.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TransienceTests {
    @Test(arguments: Stop.all)
    func transientThingsAreGone(stop: Stop) async throws {
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.declareQueue("durable")
            try await channel.declareQueue("transient", options: QueueOptions(durable: false))
            try await channel.declareQueue("exclusive", options: QueueOptions(exclusive: true))
            try await channel.declareExchange("lasting", type: .direct)
            try await channel.declareExchange("passing", type: .direct, options: ExchangeOptions(durable: false))
            try await channel.bindQueue("durable", to: "passing", routingKey: "k")
            try await channel.bindQueue("transient", to: "lasting", routingKey: "k")
            try await channel.bindQueue("exclusive", to: "lasting", routingKey: "k")
            try await channel.enableConfirms()
            try await channel.publishConfirmed(body: "transient", routingKey: "durable")
            try await channel.publishConfirmed(body: "persistent", routingKey: "durable", properties: .persistent)
            try await channel.publishConfirmed(
                body: "transient too", routingKey: "durable", properties: MessageProperties(deliveryMode: .transient))
            for queue in ["transient", "exclusive"] {
                try await channel.publishConfirmed(body: "x", routingKey: queue, properties: .persistent)
            }
        } after: { connection in
            #expect(try await take("durable", on: connection).map { $0.text } == ["persistent"])
            for queue in ["transient", "exclusive"] {
                #expect(try await !exists(connection) { try await $0.declareQueue(queue, options: .passive) })
            }
            let passive = ExchangeOptions(passive: true)
            #expect(try await exists(connection) { try await $0.declareExchange("lasting", options: passive) })
            #expect(try await !exists(connection) { try await $0.declareExchange("passing", options: passive) })

            // The names are free, and nothing of what had them is left.
            let channel = try await connection.channel()
            try await channel.declareQueue("transient", options: QueueOptions(durable: false))
            try await channel.declareQueue("exclusive", options: QueueOptions(exclusive: true))
            try await channel.declareExchange("passing", type: .direct)
            try await channel.enableConfirms()
            for exchange in ["lasting", "passing"] {
                try await channel.publishConfirmed(body: "y", exchange: exchange, routingKey: "k")
            }
            for queue in ["durable", "transient", "exclusive"] {
                #expect(try await channel.declareQueue(queue, options: .passive).messageCount == 0)
            }
        }
    }

    /// Auto-delete waits for a first consumer, or binding, and for the last one's end: a restart is neither.
    @Test(arguments: Stop.all)
    func autoDeleteGoesOnAfterARestart(stop: Stop) async throws {
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.declareQueue("q", options: QueueOptions(autoDelete: true))
            try await channel.declareQueue("bound")
            try await channel.declareExchange("x", type: .fanout, options: ExchangeOptions(autoDelete: true))
            try await channel.bindQueue("bound", to: "x")
            try await channel.enableConfirms()
            try await channel.publishConfirmed(body: "kept", routingKey: "q", properties: .persistent)
        } after: { connection in
            let channel = try await connection.channel()
            let passive = ExchangeOptions(passive: true)
            #expect(try await exists(connection) { try await $0.declareExchange("x", options: passive) })
            try await channel.unbindQueue("bound", from: "x")
            #expect(try await !exists(connection) { try await $0.declareExchange("x", options: passive) })

            #expect(try await channel.declareQueue("q", options: .passive).messageCount == 1)
            let deliveries = try await channel.consume(queue: "q")
            var iterator = deliveries.makeAsyncIterator()
            #expect(try await iterator.next()?.text == "kept")
            try await deliveries.cancel()
            #expect(try await !exists(connection) { try await $0.declareQueue("q", options: .passive) })
        }
    }

    /// One line, exit code 2, and the first one does not notice.
    @Test func secondBrokerOnTheSameDataIsRefused() async throws {
        let workspace = try Workspace.spread()
        let first = try await BrokerProcess.start(in: workspace, shards: 1)
        let channel = try await connect(port: first.port).channel()
        try await channel.declareQueue("q")
        try await channel.enableConfirms()
        try await channel.publishConfirmed(body: "before", routingKey: "q", properties: .persistent)

        let second = try BrokerProcess(in: workspace, shards: 1)
        #expect(try await second.ended() == 2)
        let lines = workspace.errors.split(separator: "\n")
        #expect(lines.count == 1 && lines.first?.hasPrefix("leveret: ") == true, "\(workspace.errors)")
        #expect(workspace.errors.contains("\(first.pid)"), "\(workspace.errors)")

        try await channel.publishConfirmed(body: "after", routingKey: "q", properties: .persistent)
        #expect(try await first.end(SIGTERM) == 0)
        let third = try await BrokerProcess.start(in: workspace, shards: 1)
        #expect(try await take("q", on: connect(port: third.port)).map { $0.text } == ["before", "after"])
    }

    @Test func dataOfANewerFormatIsRefused() async throws {
        let workspace = try Workspace.spread()
        let first = try await BrokerProcess.start(in: workspace, shards: 1)
        #expect(try await first.end(SIGTERM) == 0)
        let files = FileManager.default.enumerator(atPath: workspace.data)?.compactMap { $0 as? String } ?? []
        let format = try #require(files.first { $0.hasSuffix("format") }, "\(files)")
        let path = "\(workspace.data)/\(format)"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.split(separator: "\n").count == 1)
        let newer = text.replacing(#/[0-9]+/#, with: "999")
        try newer.write(toFile: path, atomically: false, encoding: .utf8)

        let second = try BrokerProcess(in: workspace, shards: 1)
        #expect(try await second.ended() == 2)
        let lines = workspace.errors.split(separator: "\n")
        #expect(lines.count == 1 && lines.first?.hasPrefix("leveret: ") == true, "\(workspace.errors)")
        // Nothing was touched: the right version can still read it.
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        let third = try await BrokerProcess.start(in: workspace, shards: 1)
        #expect(try await third.end(SIGTERM) == 0)
    }
}
