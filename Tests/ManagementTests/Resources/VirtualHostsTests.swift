import JSON
import Management
import Testing

@Suite struct VirtualHostsTests {
    @Test func aVirtualHostIsMadeChangedAndDeleted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let body: JSONValue = [
                "description": "for tests", "tags": "a,b", "default_queue_type": "quorum", "tracing": true,
            ]
            #expect(try await node.client.put("/api/vhosts/v", body).status == 201)
            let host = try #require(try await node.client.get("/api/vhosts/v").json.object)
            #expect(host["description"] == "for tests")
            #expect(host["tags"] == ["a", "b"])
            #expect(host["default_queue_type"] == "quorum")
            #expect(host["tracing"] == true)
            #expect(
                host["metadata"] == [
                    "description": "for tests", "tags": ["a", "b"], "default_queue_type": "quorum",
                ])
            #expect(host["cluster_state"]?.object?.members.map(\.value) == ["running"])
            // Who makes it may do everything there.
            #expect(try await node.client.get("/api/permissions/v/guest").status == 200)
            #expect(try await node.client.put("/api/vhosts/v").status == 204)
            let changed = try #require(try await node.client.get("/api/vhosts/v").json.object)
            #expect(changed["description"] == "")
            #expect(changed["tags"] == [])
            #expect(changed["tracing"] == true)
            #expect(try await node.client.get("/api/vhosts").json.array?.count == 2)
            #expect(try await node.client.delete("/api/vhosts/v").status == 204)
            #expect(try await node.client.delete("/api/vhosts/v").status == 404)
            #expect(try await node.client.get("/api/vhosts/v").status == 404)
        }
    }

    @Test func aBadVirtualHostIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let bad: [JSONValue] = [
                ["tracing": 3], ["description": 5], ["tags": 5], ["default_queue_type": "nonsense"],
                ["default_queue_type": 5], ["metadata": []],
            ]
            for body in bad.dropLast() {
                #expect(try await node.client.put("/api/vhosts/v", body).status == 400, "\(body)")
            }
            for text in ["[]", "{", "5"] {
                let reply = try await node.client.send("PUT", "/api/vhosts/v", body: Array(text.utf8))
                #expect(reply.status == 400)
                #expect(reply.reason.hasPrefix("not_json"))
            }
            #expect(try await node.client.get("/api/vhosts/v").status == 404)
            for name in ["a%2Fb", "%20", String(repeating: "v", count: 255)] {
                #expect(try await node.client.put("/api/vhosts/\(name)").status == 201)
                #expect(try await node.client.get("/api/vhosts/\(name)").status == 200)
            }
            #expect(try await node.client.put("/api/vhosts/\(String(repeating: "v", count: 256))").status == 400)
        }
    }

    @Test func aProtectedVirtualHostIsNotDeleted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let protection = "/api/vhosts/v/deletion/protection"
            #expect(try await node.client.post(protection).status == 404)
            #expect(try await node.client.put("/api/vhosts/v").status == 201)
            #expect(try await node.client.post(protection).status == 204)
            #expect(try await node.client.get("/api/vhosts/v").json.object?["protected_from_deletion"] == true)
            let refused = try await node.client.delete("/api/vhosts/v")
            #expect(refused.status == 412)
            #expect(refused.reason == "Refusing to delete virtual host 'v' because it is protected from deletion")
            #expect(try await node.client.delete(protection).status == 204)
            #expect(try await node.client.delete("/api/vhosts/v").status == 204)
        }
    }

    @Test func usersSeeTheVirtualHostsThatTheyMayOpen() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            #expect(try await node.client.put("/api/vhosts/v").status == 201)
            let other = try await node.user("other", tags: "management", mayOpen: ["v"])
            let seen = try await other.get("/api/vhosts").json.array
            #expect(seen?.compactMap { $0.object?["name"]?.string } == ["v"])
            #expect(try await other.get("/api/vhosts/%2F").status == 401)
            #expect(try await other.put("/api/vhosts/w").status == 401)
            #expect(try await other.delete("/api/vhosts/v").status == 401)
            let monitor = try await node.user("monitor", tags: "monitoring", mayOpen: [])
            #expect(try await monitor.get("/api/vhosts").json.array?.count == 2)
        }
    }

    @Test func limitsAreSetShownAndTakenAway() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/vhost-limits/%2F/max-queues"
            #expect(try await node.client.get("/api/vhost-limits").json == [])
            #expect(try await node.client.put(path, ["value": 1]).status == 204)
            let shown: JSONValue = [["vhost": "/", "value": ["max-queues": 1]]]
            #expect(try await node.client.get("/api/vhost-limits").json == shown)
            #expect(try await node.client.get("/api/vhost-limits/%2F").json == shown)
            // It holds for what is imported too.
            let queues: JSONValue = ["queues": [["name": "q", "vhost": "/"], ["name": "r", "vhost": "/"]]]
            #expect(try await node.client.post("/api/definitions", queues).status == 400)
            #expect(try await node.client.put(path, [:]).reason == "field 'value' is missing")
            #expect(try await node.client.put(path, ["value": "x"]).status == 400)
            #expect(try await node.client.put(path, ["value": -2]).status == 400)
            #expect(try await node.client.put("/api/vhost-limits/%2F/nope", ["value": 1]).status == 400)
            #expect(try await node.client.put("/api/vhost-limits/nope/max-queues", ["value": 1]).status == 404)
            #expect(try await node.client.get("/api/vhost-limits/nope").status == 404)
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.get("/api/vhost-limits/%2F").json == [])
            #expect(try await node.client.post("/api/definitions", queues).status == 204)
        }
    }

    @Test func limitsOfUsersAreSetShownAndTakenAway() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/user-limits/guest/max-connections"
            #expect(try await node.client.put(path, ["value": 5]).status == 204)
            let shown: JSONValue = [["user": "guest", "value": ["max-connections": 5]]]
            #expect(try await node.client.get("/api/user-limits").json == shown)
            #expect(try await node.client.get("/api/user-limits/guest").json == shown)
            #expect(try await node.client.put("/api/user-limits/guest/nope", ["value": 5]).status == 400)
            #expect(try await node.client.put("/api/user-limits/nope/max-channels", ["value": 5]).status == 400)
            #expect(try await node.client.get("/api/user-limits/nope").status == 404)
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.get("/api/user-limits/guest").json == [])
        }
    }
}
