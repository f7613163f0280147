import JSON
import LeveretClient
import Management
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
