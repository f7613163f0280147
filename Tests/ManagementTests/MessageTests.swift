import JSON
import LeveretClient
import Management
import Node
import Testing

@Suite struct MessageTests {
    private func publish(
        _ client: HTTPClient, _ payload: String, encoding: String = "string", key: String = "q",
        properties: JSONValue = [:], exchange: String = "amq.default"
    ) async throws -> HTTPReply {
        try await client.post(
            "/api/exchanges/%2F/\(exchange)/publish",
            [
                "routing_key": .string(key), "properties": properties, "payload": .string(payload),
                "payload_encoding": .string(encoding),
            ])
    }

    private func get(
        _ client: HTTPClient, _ mode: String, count: Int = 1, encoding: String = "auto", truncate: Int? = nil
    ) async throws -> HTTPReply {
        var body: JSONObject = ["count": .integer(count), "ackmode": .string(mode), "encoding": .string(encoding)]
        body["truncate"] = truncate.map { .integer($0) }
        return try await client.post("/api/queues/%2F/q/get", .object(body))
    }

    @Test func whatIsPublishedIsGot() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            let properties: JSONValue = [
                "content_type": "text/plain", "headers": ["a": 1, "b": [true, "c"], "d": ["e": 1.5]],
                "delivery_mode": 2, "priority": 3, "correlation_id": "c", "timestamp": 1_700_000_000, "app_id": "t",
            ]
            #expect(try await publish(client, "größe", properties: properties).json == ["routed": true])
            #expect(try await publish(client, "/w==", encoding: "base64").json == ["routed": true])
            #expect(try await publish(client, "x", key: "nobody").json == ["routed": false])
            let messages = try #require(try await get(client, "ack_requeue_true", count: 5).json.array)
            #expect(messages.count == 2)
            let first = try #require(messages[0].object)
            #expect(first["payload"] == "größe")
            #expect(first["payload_encoding"] == "string")
            #expect(first["payload_bytes"] == 7)
            #expect(first["properties"] == properties)
            #expect(first["exchange"] == "")
            #expect(first["routing_key"] == "q")
            #expect(first["redelivered"] == false)
            #expect(first["message_count"] == 1)
            #expect(messages[1].object?["payload"] == "/w==")
            #expect(messages[1].object?["payload_encoding"] == "base64")
        }
    }

    @Test func publishingIsRefusedDuringAnAlarm() async throws {
        try await TestNode.run({ $0.diskFreeLimit = .bytes(1 << 60) }) { (node: TestNode) async throws in
            _ = try await node.client.put("/api/queues/%2F/q")
            let reply = try await publish(node.client, "x")
            #expect(reply.status == 503)
            #expect(try reply.json == ["error": "publishing_blocked", "reason": "publishers are blocked: low on disk"])
            #expect(try await get(node.client, "ack_requeue_true").json == [])
        }
    }

    @Test func theAckModeDecidesWhatBecomesOfAMessage() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            _ = try await publish(client, "a")
            _ = try await publish(client, "b")
            func count() async throws -> JSONValue? {
                try await client.get("/api/queues/%2F/q").json.object?["messages_ready"]
            }
            for (mode, left) in [("ack_requeue_true", 2), ("reject_requeue_true", 2), ("reject_requeue_false", 1)] {
                let reply = try await get(client, mode)
                #expect(try reply.json.array?.first?.object?["payload"] == "a")
                #expect(try await count() == .integer(left), "\(mode)")
            }
            #expect(try await get(client, "ack_requeue_false").json.array?.first?.object?["payload"] == "b")
            #expect(try await count() == 0)
            #expect(try await get(client, "ack_requeue_false").json == [])
        }
    }

    @Test func payloadsAreEncodedAndCutAsWanted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            _ = try await publish(client, "hällo")
            let whole = try await get(client, "ack_requeue_true", encoding: "base64").json.array?.first?.object
            #expect(whole?["payload"] == .string(Base64.encode(Array("hällo".utf8))))
            let cut = try await get(client, "ack_requeue_true", truncate: 3).json.array?.first?.object
            #expect(cut?["payload"] == "hä")
            #expect(cut?["payload_bytes"] == 6)
            let half = try await get(client, "ack_requeue_true", truncate: 2).json.array?.first?.object
            #expect(half?["payload_encoding"] == "base64")
        }
    }

    @Test func badRequestsAreRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            #expect(try await publish(client, "%", encoding: "base64").reason.contains("'payload'"))
            #expect(try await publish(client, "x", encoding: "rot13").reason.contains("'payload_encoding'"))
            #expect(try await publish(client, "x", properties: ["priority": 256]).reason.contains("'priority'"))
            #expect(try await publish(client, "x", properties: ["headers": 1]).reason.contains("'headers'"))
            #expect(try await publish(client, "x", properties: ["user_id": "hare"]).status == 400)
            #expect(try await publish(client, "x", key: String(repeating: "k", count: 256)).status == 400)
            #expect(try await publish(client, "x", exchange: "nothing").status == 404)
            #expect(try await client.post("/api/exchanges/%2F/amq.default/publish", [:]).reason.contains("routing_key"))
            #expect(try await get(client, "maybe").reason.contains("ackmode"))
            #expect(try await get(client, "ack_requeue_true", count: -1).reason.contains("count"))
            #expect(try await get(client, "ack_requeue_true", encoding: "x").reason.contains("encoding"))
            #expect(try await client.get("/api/queues/%2F/q/get").status == 405)
            #expect(try await client.post("/api/queues/%2F/nothing/get", [:]).status == 404)
            #expect(try await client.get("/api/queues/%2F/q").json.object?["messages"] == 0)
        }
    }

    @Test func aRejectedMessageIsTold() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put(
                "/api/queues/%2F/q", ["arguments": ["x-max-length": 1, "x-overflow": "reject-publish"]])
            #expect(try await publish(node.client, "a").status == 200)
            let rejected = try await publish(node.client, "b")
            #expect(rejected.status == 400)
            #expect(rejected.reason.contains("Unable to publish message"))
        }
    }

    @Test func alargeMessageGoesBothWays() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/queues/%2F/q")
            let payload = String(repeating: "0123456789", count: 100_000)
            #expect(try await publish(node.client, payload).json == ["routed": true])
            let reply = try await get(node.client, "ack_requeue_false")
            #expect(try reply.json.array?.first?.object?["payload"] == .string(payload))
        }
    }

    @Test func unackedMessagesAreShownWithWhoHasThem() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/queues/%2F/q")
            for payload in ["a", "bb", "ccc"] { _ = try await publish(node.client, payload) }
            let connection = try await node.connect()
            let channel = try await connection.channel()
            let first = try #require(try await channel.get(queue: "q"))
            _ = try #require(try await channel.get(queue: "q"))
            let shown = try #require(try await node.client.get("/api/queues/%2F/q/unacked").json.array)
            #expect(shown.map { $0.object?["payload_bytes"] } == [1, 2])
            #expect(shown[0].object?["routing_key"] == "q")
            #expect(shown[0].object?["channel_details"]?.object?["number"] == 1)
            let page = try await node.client.get("/api/queues/%2F/q/unacked?page=2&page_size=1").json.object
            #expect(page?["total_count"] == 2)
            #expect(page?["items"]?.array?.first?.object?["payload_bytes"] == 2)
            try await first.ack()
            try await connection.close()
            #expect(try await node.client.get("/api/queues/%2F/q/unacked").json == [])
        }
    }

    @Test func aQueueIsPausedAndResumed() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            _ = try await publish(client, "a")
            #expect(try await client.put("/api/queues/%2F/q/pause").status == 204)
            #expect(try await client.get("/api/queues/%2F/q").json.object?["state"] == "paused")
            // An operator may still look at what is in it.
            #expect(try await get(client, "ack_requeue_true").json.array?.count == 1)
            #expect(try await client.put("/api/queues/%2F/q/resume").status == 204)
            #expect(try await client.get("/api/queues/%2F/q").json.object?["state"] == "running")
            #expect(try await get(client, "ack_requeue_true").json.array?.count == 1)
            #expect(try await client.put("/api/queues/%2F/nothing/pause").status == 404)
        }
    }

    @Test func whatWasDoneIsCounted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            for _ in 0..<3 { _ = try await publish(client, "x") }
            _ = try await get(client, "ack_requeue_false", count: 2)
            let queue = try #require(
                try await client.get("/api/queues/%2F/q?msg_rates_age=60&msg_rates_incr=5").json.object)
            let stats = try #require(queue["message_stats"]?.object)
            #expect(stats["publish"] == 3)
            #expect(stats["get_no_ack"] == 2)
            #expect(stats["deliver_get"] == 2)
            #expect(stats["publish_details"]?.object?["rate"] != nil)
            #expect(queue["messages"] == 1)
            #expect(queue["message_bytes"] == 1)
            for query in [
                "msg_rates_age=60&msg_rates_incr=0", "lengths_age=x&lengths_incr=5", "lengths_age=9999&lengths_incr=1",
            ] {
                #expect(try await client.get("/api/queues/%2F/q?\(query)").status == 400, "\(query)")
            }
        }
    }
}
