import AMQPWire
import Glibc
import Processes
import Testing

@testable import LeveretClient

/// What a restarted broker has, and has not.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RestartTests {
    @Test(arguments: Stop.all)
    func durableTopologyStays(stop: Stop) async throws {
        let types: [ExchangeType] = [.direct, .fanout, .topic, .headers]
        let queueOptions = QueueOptions(arguments: ["x-dead-letter-exchange": "dead", "x-unknown": ["a", 1, true]])
        let headers: LeveretClient.FieldTable = ["x-match": "any", "kind": "hare", "legs": 4]
        func exchange(_ type: ExchangeType) -> ExchangeOptions {
            ExchangeOptions(arguments: type == .topic ? ["alternate-exchange": "rest"] : [:])
        }
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            for type in types { try await channel.declareExchange(type.rawValue, type: type, options: exchange(type)) }
            try await channel.declareExchange("rest", type: .fanout)
            try await channel.declareExchange("inner", type: .fanout, options: ExchangeOptions(internal: true))
            for queue in ["a", "b", "gone"] { try await channel.declareQueue(queue, options: queueOptions) }
            try await channel.bindQueue("a", to: "direct", routingKey: "key")
            try await channel.bindQueue("a", to: "fanout")
            try await channel.bindQueue("b", to: "fanout")
            try await channel.bindQueue("a", to: "topic", routingKey: "*.b.#")
            try await channel.bindQueue("b", to: "rest")
            try await channel.bindQueue("b", to: "headers", arguments: headers)
            try await channel.bindExchange("inner", to: "direct", routingKey: "in")
            try await channel.bindQueue("a", to: "inner")
            try await channel.bindQueue("a", to: "amq.direct", routingKey: "predeclared")
            try await channel.bindQueue("b", to: "direct", routingKey: "unbound")
            try await channel.unbindQueue("b", from: "direct", routingKey: "unbound")
            try await channel.deleteQueue("gone")
        } after: { connection in
            let channel = try await connection.channel()
            // With the same options: others would be refused.
            for type in types { try await channel.declareExchange(type.rawValue, type: type, options: exchange(type)) }
            for queue in ["a", "b"] { try await channel.declareQueue(queue, options: queueOptions) }
            #expect(try await !exists(connection) { try await $0.declareQueue("gone", options: .passive) })
            try await channel.enableConfirms()
            func publish(_ exchange: String, _ key: String, _ properties: MessageProperties = .init()) async throws {
                try await channel.publishConfirmed(
                    body: "\(exchange) \(key)", exchange: exchange, routingKey: key, properties: properties)
            }
            try await publish("direct", "key")
            try await publish("direct", "other")
            try await publish("direct", "unbound")
            try await publish("fanout", "x")
            try await publish("topic", "a.b.c.d")
            try await publish("headers", "no", MessageProperties(headers: ["kind": "fox"]))
            try await publish("headers", "yes", MessageProperties(headers: ["legs": 4]))
            try await publish("direct", "in")
            try await publish("amq.direct", "predeclared")
            let expected = ["direct key", "fanout x", "topic a.b.c.d", "direct in", "amq.direct predeclared"]
            #expect(try await take("a", on: connection).map { $0.text } == expected)
            #expect(try await take("b", on: connection).map { $0.text } == ["fanout x", "headers yes"])
            // Deleting is not undone by what came before.
            let refused = await #expect(throws: LeveretError.self) {
                try await connection.channel().publishConfirmed(body: "", exchange: "inner", routingKey: "")
            }
            #expect(refused != nil)
        }
    }

    @Test(arguments: Stop.all)
    func persistentMessagesStayByteForByteAndInOrder(stop: Stop) async throws {
        let table: LeveretClient.FieldTable = [
            "bool": true, "int8": .int8(-8), "uint8": .uint8(200), "int16": .int16(-300), "uint16": .uint16(60000),
            "int32": .int32(-70000), "uint32": .uint32(4_000_000_000), "int64": .int64(.min), "float": .float(1.5),
            "double": .double(-2.25), "decimal": .decimal(scale: 2, value: 314), "text": "häßlich",
            "array": ["a", 1, .void], "time": .timestamp(1_700_000_000), "table": .table(["inner": [true]]),
            "void": .void, "bytes": .bytes([0, 255, 7]),
        ]
        let all = MessageProperties(
            contentType: "application/json", contentEncoding: "gzip", headers: table, deliveryMode: .persistent,
            priority: 9, correlationID: "c", replyTo: "r", messageID: "m", timestamp: 1_700_000_001, type: "t",
            userID: "guest", applicationID: "a")
        let sizes = [0, 1, 7, 8, 4096, 131_064, 131_065, 400_000] + (0..<300).map { $0 * 3 }
        func body(_ number: Int) -> [UInt8] {
            (0..<sizes[number]).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        }
        func properties(_ number: Int) -> MessageProperties { number % 2 == 0 ? all : .persistent }
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.declareQueue("q")
            try await channel.enableConfirms()
            for number in sizes.indices {
                try await channel.publish(body: body(number), routingKey: "q", properties: properties(number))
            }
            try await channel.waitForConfirms()
        } after: { connection in
            let deliveries = try await take("q", on: connection)
            #expect(deliveries.count == sizes.count)
            for (number, delivery) in deliveries.enumerated() {
                #expect(delivery.body == body(number))
                let expected = try bytes(of: properties(number))
                #expect(delivery.message.propertyBytes == expected)
                #expect(delivery.exchange == "" && delivery.routingKey == "q")
                if stop.isClean { #expect(!delivery.isRedelivered) }
            }
        }
    }

    /// As they stand in a content header.
    private func bytes(of properties: MessageProperties) throws -> [UInt8] {
        var buffer = OutboundBuffer()
        try properties.wire().write(to: &buffer)
        return Array(buffer.bytes)
    }

    @Test(arguments: Stop.all)
    func unackedMessagesComeBackRedelivered(stop: Stop) async throws {
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.declareQueue("q")
            try await channel.enableConfirms()
            for number in 0..<10 {
                try await channel.publish(body: "\(number)", routingKey: "q", properties: .persistent)
            }
            try await channel.waitForConfirms()
            var iterator = try await channel.consume(queue: "q", prefetch: 6).makeAsyncIterator()
            for number in 0..<6 {
                let delivery = try #require(try await iterator.next())
                #expect(delivery.text == "\(number)" && !delivery.isRedelivered)
                // 0 and 3 are done with; what the rest of the window is used for does not matter.
                if number == 0 || number == 3 { try await delivery.ack() }
            }
            try await channel.publishConfirmed(body: "cover", routingKey: "q", properties: .persistent)
            // The window has moved on by two.
            #expect(try await iterator.next()?.text == "6")
            #expect(try await iterator.next()?.text == "7")
        } after: { connection in
            let deliveries = try await take("q", on: connection)
            #expect(deliveries.map { $0.text } == ["1", "2", "4", "5", "6", "7", "8", "9", "cover"])
            #expect(deliveries.prefix(6).allSatisfy { $0.isRedelivered })
            if stop.isClean { #expect(deliveries.dropFirst(6).allSatisfy { !$0.isRedelivered }) }
        }
    }

    @Test(arguments: Stop.all)
    func deadLettersStayInOnePlace(stop: Stop) async throws {
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.declareQueue("dead")
            let options = QueueOptions(
                arguments: ["x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"])
            try await channel.declareQueue("work", options: options)
            try await channel.enableConfirms()
            for number in 0..<6 {
                try await channel.publish(body: "\(number)", routingKey: "work", properties: .persistent)
            }
            try await channel.waitForConfirms()
            for _ in 0..<4 { try await channel.get(queue: "work")?.reject(requeue: false) }
            while try await channel.declareQueue("dead", options: .passive).messageCount < 4 {}
            try await channel.publishConfirmed(body: "cover", routingKey: "work", properties: .persistent)
        } after: { connection in
            #expect(try await take("work", on: connection).map { $0.text } == ["4", "5", "cover"])
            let dead = try await take("dead", on: connection)
            #expect(dead.map { $0.text } == ["0", "1", "2", "3"])
            for delivery in dead {
                #expect(delivery.properties.headers?["x-first-death-queue"] == "work")
                #expect(delivery.properties.headers?["x-first-death-reason"] == "rejected")
            }
        }
    }

    /// A queue of the same name is another one.
    @Test(arguments: Stop.all)
    func deletedAndPurgedMessagesStayGone(stop: Stop) async throws {
        try await restart(stop) { connection in
            let channel = try await connection.channel()
            try await channel.enableConfirms()
            for queue in ["deleted", "purged"] {
                try await channel.declareQueue(queue)
                for number in 0..<100 {
                    try await channel.publish(body: "\(number)", routingKey: queue, properties: .persistent)
                }
            }
            try await channel.waitForConfirms()
            #expect(try await channel.deleteQueue("deleted") == 100)
            try await channel.declareQueue("deleted")
            #expect(try await channel.purgeQueue("purged") == 100)
            for queue in ["deleted", "purged"] {
                try await channel.publishConfirmed(body: "new", routingKey: queue, properties: .persistent)
            }
        } after: { connection in
            for queue in ["deleted", "purged"] {
                let left = try await take(queue, on: connection)
                #expect(left.map { $0.text } == ["new"], "\(queue)")
            }
        }
    }

    @Test(arguments: [1, 4])
    func manyRestartsChangeNothing(shards: Int) async throws {
        let workspace = try Workspace.spread()
        for life in 0..<6 {
            let broker = try await BrokerProcess.start(in: workspace, shards: shards)
            let channel = try await connect(port: broker.port).channel()
            let count = try await channel.declareQueue("q").messageCount
            #expect(count == life * 10)
            try await channel.enableConfirms()
            for number in 0..<10 {
                try await channel.publish(body: "\(count + number)", routingKey: "q", properties: .persistent)
            }
            try await channel.waitForConfirms()
            try await broker.end(life % 2 == 0 ? SIGTERM : SIGKILL)
        }
        // With another number of shards than before.
        let broker = try await BrokerProcess.start(in: workspace, shards: 5 - shards)
        let deliveries = try await take("q", on: connect(port: broker.port))
        #expect(deliveries.map { $0.text } == (0..<60).map { "\($0)" })
    }
}
