import LeveretClient
import Node
import Testing

/// The client against a node in this process: how exchanges route, on one shard and across two.
@Suite(.serialized) struct LiveTopologyTests {
    struct Setup: CustomTestStringConvertible, Sendable {
        let shardCount: Int
        let placement: ConnectionPlacement
        var testDescription: String { "\(shardCount) shards, \(placement)" }
        static let all = [
            Setup(shardCount: 1, placement: .pack), Setup(shardCount: 2, placement: .spread),
        ]
    }

    struct Routing: CustomTestStringConvertible, Sendable {
        let type: ExchangeType
        let bindingKey: String
        var arguments: FieldTable = [:]
        let hits: [String]
        let misses: [String]
        var testDescription: String { type.rawValue }
    }

    static let routings = [
        Routing(type: .direct, bindingKey: "a", hits: ["a", "a"], misses: ["b", ""]),
        Routing(type: .fanout, bindingKey: "", hits: ["a", "b.c", ""], misses: []),
        Routing(type: .topic, bindingKey: "a.*.#", hits: ["a.b", "a.b.c.d"], misses: ["a", "b.a"]),
        Routing(
            type: .headers, bindingKey: "", arguments: ["x-match": "all", "key": "a"], hits: ["a"], misses: ["b"]),
    ]

    @Test(arguments: Setup.all, routings)
    func exchangeRoutesToItsSubscribers(setup: Setup, routing: Routing) async throws {
        try await withBroker(shardCount: setup.shardCount, placement: setup.placement) { broker in
            let publisher = try await broker.connect("?connection_name=publisher")
            let subscribers = [try await broker.connect(), try await broker.connect()]
            let channel = try await publisher.channel()
            try await channel.declareExchange("news", type: routing.type)
            var sequences: [Deliveries] = []
            for subscriber in subscribers {
                let own = try await subscriber.channel()
                let queue = try await own.temporaryQueue()
                try await own.bindQueue(
                    queue, to: "news", routingKey: routing.bindingKey, arguments: routing.arguments)
                sequences.append(try await own.consume(queue: queue))
            }
            for key in routing.misses + routing.hits {
                try await channel.publish(
                    body: "to \(key)", exchange: "news", routingKey: key,
                    properties: MessageProperties(headers: ["key": .string(key)]))
            }
            for deliveries in sequences {
                let taken = try await deliveries.take(routing.hits.count)
                #expect(taken.map { $0.text } == routing.hits.map { "to \($0)" })
                #expect(taken.allSatisfy { $0.exchange == "news" })
                try await taken.last?.ack(multiple: true)
            }
            for connection in subscribers + [publisher] { try await connection.close() }
        }
    }

    @Test func topologyIsDeclaredChangedAndDeleted() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            try await channel.declareExchange("first")
            try await channel.declareExchange("second", type: .fanout)
            try await channel.bindExchange("second", to: "first", routingKey: "k")
            let queue = try await channel.declareQueue("orders", options: QueueOptions(arguments: ["x-max-length": 10]))
            #expect(queue == (try await channel.declareQueue("orders", options: .passive)))
            #expect(queue.name == "orders")
            try await channel.bindQueue("orders", to: "second")
            for _ in 0..<3 { try await channel.publish(body: "x", exchange: "first", routingKey: "k") }
            #expect(try await channel.declareQueue("orders", options: .passive).messageCount == 3)
            #expect(try await channel.purgeQueue("orders") == 3)
            try await channel.unbindQueue("orders", from: "second")
            try await channel.publish(body: "x", exchange: "first", routingKey: "k")
            try await channel.publish(body: "y", routingKey: "orders")
            try await channel.unbindExchange("second", from: "first", routingKey: "k")
            #expect(try await channel.deleteQueue("orders") == 1)
            try await channel.deleteExchange("first")
            try await channel.deleteExchange("second", ifUnused: true)
            let error = await #expect(throws: LeveretError.self) {
                try await channel.declareQueue("orders", options: .passive)
            }
            #expect(error?.replyCode == 404)
            #expect(error?.method == "queue.declare")
            #expect(connection.isOpen)
            try await connection.close()
        }
    }

    @Test func propertiesArriveAsTheyWereSent() async throws {
        try await withBroker { broker in
            let connection = try await broker.connect()
            let channel = try await connection.channel()
            let queue = try await channel.temporaryQueue()
            let properties = MessageProperties(
                contentType: "text/plain", contentEncoding: "identity",
                headers: ["text": "ü", "number": 5, "list": [1, true], "inner": ["a": 0.5]],
                deliveryMode: .transient, priority: 3, correlationID: "c", replyTo: "r", expiration: "60000",
                messageID: "m", timestamp: 1_700_000_000, type: "t", userID: "guest", applicationID: "a")
            try await channel.publish(body: [], routingKey: queue, properties: properties)
            let delivery = try #require(try await channel.get(queue: queue, autoAck: true))
            #expect(delivery.properties == properties)
            #expect(delivery.body == [])
            #expect(delivery.remainingMessageCount == 0)
            #expect(try await channel.get(queue: queue) == nil)
            try await connection.close()
        }
    }

    @Test(arguments: [131_064, 131_065, 1_000_000, 10_000_000])
    func largeBodiesArriveWhole(byteCount: Int) async throws {
        try await withBroker(shardCount: 2, placement: .spread) { broker in
            let publisher = try await broker.connect()
            let consumer = try await broker.connect("?frame_max=8192")
            let channel = try await consumer.channel()
            let queue = try await channel.declareQueue("large", options: QueueOptions()).name
            let deliveries = try await channel.consume(queue: queue)
            let body = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            try await publisher.channel().publish(body: body, routingKey: queue)
            let delivery = try #require(try await deliveries.take(1).first)
            #expect(delivery.body == body)
            try await publisher.close()
            try await consumer.close()
        }
    }
}
