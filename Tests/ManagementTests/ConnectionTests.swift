import JSON
import LeveretClient
import Management
import Node
import Testing

@Suite struct ConnectionTests {
    @Test func connectionsAndChannelsAreShown() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            let queue = try await channel.declareQueue(options: .temporary).name
            let deliveries = try await channel.consume(queue: queue, prefetch: 7)
            let shown = try #require(try await node.client.get("/api/connections").json.array)
            #expect(shown.count == 1)
            let object = try #require(shown.first?.object)
            let name = try #require(object["name"]?.string)
            #expect(object["user"] == "guest")
            #expect(object["vhost"] == "/")
            #expect(object["state"] == "running")
            #expect(object["channels"] == 1)
            #expect(object["peer_host"] == "127.0.0.1")
            #expect(object["port"] == .integer(node.amqpPort))
            #expect(object["protocol"] == "AMQP 0-9-1")
            #expect(object["auth_mechanism"] == "PLAIN")
            #expect(object["client_properties"]?.object?["capabilities"]?.object != nil)
            let path = "/api/connections/\(PercentEncoding.encode(name))"
            #expect(try await node.client.get(path).json.object?["name"] == .string(name))
            #expect(try await node.client.get("/api/connections/").json.array?.count == 1)
            let channels = try #require(try await node.client.get("\(path)/channels").json.array)
            #expect(channels.count == 1)
            #expect(channels[0].object?["name"] == .string("\(name) (1)"))
            #expect(channels[0].object?["consumer_count"] == 1)
            #expect(try await node.client.get("/api/channels").json.array?.count == 1)
            let details = try await node.client.get("/api/channels/\(PercentEncoding.encode("\(name) (1)"))").json
            #expect(details.object?["consumer_details"]?.array?.count == 1)
            let consumers = try #require(try await node.client.get("/api/consumers/%2F").json.array)
            #expect(consumers.count == 1)
            #expect(consumers[0].object?["queue"] == ["name": .string(queue), "vhost": "/"])
            #expect(consumers[0].object?["prefetch_count"] == 7)
            let owner = try await node.client.get("/api/queues/%2F/\(queue)").json.object?["owner_pid_details"]
            #expect(owner?.object?["name"] == .string(name))
            _ = deliveries
            try await connection.close()
            #expect(try await node.client.get(path).status == 404)
        }
    }

    /// The clock is the system's here, so only that rates come is waited for.
    @Test func connectionsAndChannelsHaveRatesAndAHistory() async throws {
        try await TestNode.run({ $0.statisticsIntervalMilliseconds = 1000 }) { (node: TestNode) async throws in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            func isThere(_ details: JSONObject) -> Bool {
                guard case .double(let rate)? = details["rate"], rate > 0 else { return false }
                return details["samples"]?.array?.count ?? 0 > 2 && details["avg_rate"] != nil
            }
            func details(_ path: String, _ field: String) async throws -> JSONObject {
                let item = try await node.client.get(path).json.array?.first?.object
                return item?[field]?.object ?? item?["message_stats"]?.object?[field]?.object ?? JSONObject()
            }
            var rates: Set<String> = []
            while rates.count < 3 {
                try await channel.publish(body: "x", routingKey: "nobody")
                for field in ["recv_oct_details", "send_oct_details"] {
                    let details = try await details("/api/connections?data_rates_age=60&data_rates_incr=1", field)
                    if isThere(details) { rates.insert(field) }
                    // Something that the client is answered.
                    _ = try await channel.declareQueue("q")
                }
                let stats = try await details("/api/channels?msg_rates_age=60&msg_rates_incr=1", "publish_details")
                if isThere(stats) { rates.insert("publish") }
            }
            let name = try #require(
                try await node.client.get("/api/connections").json.array?.first?.object?["name"]?.string)
            let path = PercentEncoding.encode(name)
            let one = try await node.client.get("/api/connections/\(path)?data_rates_age=60&data_rates_incr=1").json
                .object
            #expect(one?["send_oct_details"]?.object?["samples"]?.array?.count ?? 0 > 1)
            let shown = try await node.client.get(
                "/api/channels/\(path)%20(1)?msg_rates_age=60&msg_rates_incr=1"
            ).json.object
            let publish = shown?["message_stats"]?.object?["publish_details"]?.object
            #expect(publish?["samples"]?.array?.count ?? 0 > 1)
            #expect(try await node.client.get("/api/connections?data_rates_age=x&data_rates_incr=1").status == 400)
            try await connection.close()
        }
    }

    @Test(arguments: ["basic", "detailed"]) func pairsAreToldWhereTheyAreCounted(mode: String) async throws {
        try await TestNode.run({ $0.ratesMode = mode }) { (node: TestNode) async throws in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            _ = try await channel.declareQueue("q")
            for _ in 0..<3 { try await channel.publish(body: "x", routingKey: "q") }
            _ = try await channel.get(queue: "q")
            let name = try #require(
                try await node.client.get("/api/connections").json.array?.first?.object?["name"]?.string)
            func list(_ path: String, _ field: String) async throws -> [JSONValue] {
                try #require(try await node.client.get("/api/\(path)").json.object?[field]?.array, "\(path)")
            }
            let own = "channels/\(PercentEncoding.encode("\(name) (1)"))"
            func check(_ path: String, _ field: String, _ kind: String, _ named: JSONValue) async throws {
                let items = try await list(path, field)
                guard mode == "detailed" else { return #expect(items.isEmpty, "\(path) \(field)") }
                #expect(items.count == 1, "\(path) \(field)")
                let item = items.first?.object
                let found = kind == "channel_details" ? item?[kind]?.object?["connection_name"] : item?[kind]
                #expect(found == named, "\(path) \(field)")
                let stats = item?["stats"]?.object
                if field == "deliveries" {
                    #expect(stats?["deliver_get"] == 1)
                } else {
                    #expect(stats?["publish"] == 3)
                    #expect(stats?["publish_details"]?.object?["rate"] != nil)
                }
            }
            let exchange: JSONValue = ["name": "", "vhost": "/"]
            let queue: JSONValue = ["name": "q", "vhost": "/"]
            try await check("exchanges/%2F/amq.default", "incoming", "channel_details", .string(name))
            try await check("exchanges/%2F/amq.default", "outgoing", "queue", queue)
            try await check("queues/%2F/q", "incoming", "exchange", exchange)
            try await check("queues/%2F/q", "deliveries", "channel_details", .string(name))
            try await check(own, "publishes", "exchange", exchange)
            try await check(own, "deliveries", "queue", queue)
            #expect(try await node.client.get("/api/overview").json.object?["rates_mode"] == .string(mode))
            try await connection.close()
        }
    }

    @Test func withoutRatesNothingIsSaidOfMessages() async throws {
        try await TestNode.run({ $0.ratesMode = "none" }) { (node: TestNode) async throws in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            _ = try await channel.declareQueue("q")
            try await channel.publish(body: "x", routingKey: "q")
            _ = try await channel.get(queue: "q")
            for path in ["queues", "channels", "connections", "exchanges", "vhosts"] {
                let items = try #require(try await node.client.get("/api/\(path)").json.array)
                #expect(!items.isEmpty)
                for item in items { #expect(item.object?["message_stats"] == nil, "\(path)") }
            }
            let overview = try #require(try await node.client.get("/api/overview").json.object)
            #expect(overview["message_stats"] == [:] && overview["rates_mode"] == "none")
            #expect(overview["queue_totals"]?.object?["messages"] == 1)
            try await connection.close()
        }
    }

    @Test func anOperatorClosesAConnection() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let connection = try await node.connect()
            let channel = try await connection.channel()
            let name = try #require(
                try await node.client.get("/api/connections").json.array?.first?.object?["name"]?.string)
            let reply = try await node.client.send(
                "DELETE", "/api/connections/\(PercentEncoding.encode(name))", headers: [("X-Reason", "time to go")])
            #expect(reply.status == 204)
            await #expect {
                while true { _ = try await channel.declareQueue(options: .temporary) }
            } throws: { error in
                "\(error)".contains("CONNECTION_FORCED - time to go")
            }
        }
    }

    @Test func whatAnOperatorDoesIsNoConnection() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for index in 0..<8 { _ = try await node.client.put("/api/queues/%2F/q\(index)", ["durable": true]) }
            #expect(try await node.client.get("/api/connections").json == [])
            #expect(try await node.client.get("/api/channels").json == [])
        }
    }

    @Test func whatIsAnsweredIsThereAfterAStart() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/queues/%2F/q", ["durable": true])
            #expect(try await node.client.get("/api/queues/%2F/q").status == 200)
        }
    }
}
