import JSON
import Management
import Node
import Testing

@Suite struct ClusterTests {
    @Test func featureFlagsAreAllOn() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let flags = try #require(try await node.client.get("/api/feature-flags").json.array)
            #expect(flags.allSatisfy { $0.object?["state"] == "enabled" })
            #expect(try await node.client.put("/api/feature-flags/quorum_queue/enable").status == 204)
            #expect(try await node.client.put("/api/feature-flags/nope/enable").status == 400)
            #expect(try await node.client.get("/api/deprecated-features").json == [])
            #expect(try await node.client.get("/api/deprecated-features/used").json == [])
            #expect(try await node.client.post("/api/rebalance/queues").status == 204)
            #expect(try await node.client.get("/api/shovels").json == [])
        }
    }

    @Test func attemptsToLogInAreCounted() async throws {
        try await TestNode.run({ $0.nodeName = "leveret@test" }) { (node: TestNode) async throws in
            var stranger = node.client
            stranger.user = "stranger"
            #expect(try await stranger.get("/api/whoami").status == 401)
            let counts = try #require(try await node.client.get("/api/auth/attempts/leveret@test").json.array?.last)
            #expect(counts.object?["protocol"] == "http")
            #expect(counts.object?["auth_attempts_failed"] == 1)
            let sources = try #require(
                try await node.client.get("/api/auth/attempts/leveret@test/source").json.array)
            let failed = sources.first { $0.object?["username"] == "stranger" }
            #expect(failed?.object?["remote_address"] == "127.0.0.1")
            #expect(failed?.object?["auth_attempts"] == 1)
            #expect(try await node.client.delete("/api/auth/attempts/leveret@test/source").status == 204)
            let after = try #require(try await node.client.get("/api/auth/attempts/leveret@test/source").json.array)
            #expect(!after.contains { $0.object?["username"] == "stranger" })
            #expect(try await node.client.get("/api/auth/attempts/nope").status == 404)
        }
    }

    @Test func aPasswordIsHashedAndNeverInAPath() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.post("/api/auth/hash_password", ["password": "secret"])
            let hash = try #require(try reply.json.object?["ok"]?.string)
            #expect(
                try await node.client.put("/api/users/u", ["password_hash": .string(hash), "tags": "management"]).status
                    == 201)
            var other = node.client
            other.user = "u"
            other.password = "secret"
            #expect(try await other.get("/api/whoami").status == 200)
            #expect(try await node.client.get("/api/auth/hash_password/secret").status == 404)
            #expect(try await node.client.post("/api/auth/hash_password").status == 400)
            #expect(try await node.client.post("/api/auth/hash_password", ["password": 5]).status == 400)
        }
    }

    @Test func theConfigurationIsShownWithoutSecrets() async throws {
        try await TestNode.run({
            $0.defaultPass = "very-secret"
            $0.heartbeatSeconds = 17
        }) { (node: TestNode) async throws in
            var client = node.client
            client.password = "very-secret"
            let reply = try await client.get("/api/config/effective")
            #expect(try reply.json.object?["heartbeat"] == "17")
            #expect(try reply.json.object?["default_pass"] == "********")
            #expect(!reply.text.contains("very-secret"))
        }
    }
}
