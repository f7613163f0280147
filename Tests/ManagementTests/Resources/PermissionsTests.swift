import JSON
import Management
import Testing

@Suite struct PermissionsTests {
    private let all: JSONValue = ["configure": ".*", "write": ".*", "read": ".*"]

    @Test func permissionsAreSetShownAndCleared() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            #expect(try await node.client.put("/api/users/u", ["tags": ""]).status == 201)
            let path = "/api/permissions/%2F/u"
            #expect(try await node.client.get(path).status == 404)
            #expect(try await node.client.delete(path).status == 404)
            #expect(try await node.client.put(path, all).status == 201)
            #expect(try await node.client.put(path, ["configure": "", "write": "^w", "read": ""]).status == 204)
            let shown: JSONValue = ["user": "u", "vhost": "/", "configure": "", "write": "^w", "read": ""]
            #expect(try await node.client.get(path).json == shown)
            #expect(try await node.client.get("/api/users/u/permissions").json == [shown])
            #expect(try await node.client.get("/api/permissions").json.array?.count == 2)
            #expect(try await node.client.get("/api/vhosts/%2F/permissions").json.array?.count == 2)
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.get("/api/users/u/permissions").json == [])
        }
    }

    @Test func badPermissionsAreRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/permissions/%2F/guest"
            #expect(
                try await node.client.put(path, ["configure": "", "write": ""]).reason == "field 'read' is missing")
            #expect(try await node.client.put(path, ["configure": "(", "write": "", "read": ""]).status == 400)
            #expect(try await node.client.put(path, ["configure": [], "write": "", "read": ""]).status == 400)
            for missing in ["/api/permissions/nope/guest", "/api/permissions/%2F/nope"] {
                let reply = try await node.client.put(missing, all)
                #expect(reply.status == 400)
                #expect(reply.reason == "vhost_or_user_not_found")
                #expect(try await node.client.get(missing).status == 404)
            }
            for path in ["users/nope/permissions", "vhosts/nope/permissions", "users/nope/topic-permissions"] {
                #expect(try await node.client.get("/api/\(path)").status == 404)
            }
        }
    }

    @Test func topicPermissionsAreSetShownAndCleared() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/topic-permissions/%2F/guest"
            #expect(try await node.client.get(path).status == 404)
            let one: JSONValue = ["exchange": "amq.topic", "write": "^{username}", "read": ".*"]
            #expect(try await node.client.put(path, one).status == 201)
            #expect(try await node.client.put(path, one).status == 204)
            #expect(try await node.client.put(path, ["exchange": "other", "write": "", "read": ""]).status == 201)
            #expect(try await node.client.put(path, ["write": "", "read": ""]).reason == "field 'exchange' is missing")
            #expect(try await node.client.put(path, ["exchange": "x", "write": "(", "read": ""]).status == 400)
            let shown: JSONValue = [
                "user": "guest", "vhost": "/", "exchange": "amq.topic", "write": "^{username}", "read": ".*",
            ]
            #expect(try await node.client.get("\(path)/amq.topic").json == [shown])
            #expect(try await node.client.get(path).json.array?.count == 2)
            for list in ["topic-permissions", "users/guest/topic-permissions", "vhosts/%2F/topic-permissions"] {
                #expect(try await node.client.get("/api/\(list)").json.array?.count == 2, "\(list)")
            }
            #expect(try await node.client.delete("\(path)/other").status == 204)
            #expect(try await node.client.delete("\(path)/other").status == 404)
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.get("/api/topic-permissions").json == [])
        }
    }
}
