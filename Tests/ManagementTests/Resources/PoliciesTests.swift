import JSON
import Management
import Testing

@Suite struct PoliciesTests {
    @Test(arguments: ["policies", "operator-policies"])
    func aPolicyIsSetShownAndCleared(kind: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/\(kind)/%2F/p"
            let body: JSONValue = [
                "pattern": "^a", "definition": ["max-length": 5], "priority": 2, "apply-to": "queues",
            ]
            #expect(try await node.client.put(path, body).status == 201)
            #expect(try await node.client.put(path, body).status == 204)
            let shown: JSONValue = [
                "vhost": "/", "name": "p", "pattern": "^a", "apply-to": "queues", "definition": ["max-length": 5],
                "priority": 2,
            ]
            #expect(try await node.client.get(path).json == shown)
            #expect(try await node.client.get("/api/\(kind)").json == [shown])
            #expect(try await node.client.get("/api/\(kind)/%2F").json == [shown])
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.delete(path).status == 404)
            #expect(try await node.client.get(path).status == 404)
            #expect(try await node.client.get("/api/\(kind)/nope").status == 404)
        }
    }

    @Test func aBadPolicyIsRefusedWithItsField() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let bad: [(JSONValue, String)] = [
                (["definition": ["max-length": 1]], "field 'pattern' is missing"),
                (["pattern": "a"], "field 'definition' is missing"),
                (["pattern": "a", "definition": [:]], "Validation failed\n\nno policy provided\n"),
                (["pattern": "a", "definition": 5], "field 'definition': an object was expected, found an integer"),
                (
                    ["pattern": 5, "definition": ["max-length": 1]],
                    "field 'pattern': a string was expected, found an integer"
                ),
                (
                    ["pattern": "a", "definition": ["max-length": 1], "priority": "high"],
                    "field 'priority': an integer was expected, found a string"
                ),
                (
                    ["pattern": "a", "definition": ["max-length": 1], "apply-to": "all of them"],
                    "apply-to 'all of them' unrecognised; should be one of: all, exchanges, queues, classic_queues, "
                        + "quorum_queues, streams"
                ),
            ]
            for (body, reason) in bad {
                let reply = try await node.client.put("/api/policies/%2F/p", body)
                #expect(reply.status == 400)
                #expect(reply.reason == reason)
            }
            let body: JSONValue = ["pattern": "(", "definition": ["max-length": 1]]
            #expect(try await node.client.put("/api/policies/%2F/p", body).status == 400)
            let missing = try await node.client.put("/api/policies/nope/p", body)
            #expect(missing.status == 404)
            #expect(missing.text == #"{"error":"not_found","reason":"vhost_not_found"}"#)
            let long = String(repeating: "p", count: 256)
            #expect(try await node.client.put("/api/policies/%2F/\(long)", body).status == 400)
            #expect(try await node.client.get("/api/policies").json == [])
        }
    }

    @Test func whoMakesPoliciesBoundsNobody() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let maker = try await node.user("maker", tags: "policymaker", mayOpen: ["%2F"])
            let body: JSONValue = ["pattern": "a", "definition": ["max-length": 1]]
            #expect(try await maker.put("/api/policies/%2F/p", body).status == 201)
            #expect(try await maker.put("/api/operator-policies/%2F/p", body).status == 401)
            let parameter: JSONValue = ["value": body]
            #expect(try await maker.put("/api/parameters/operator_policy/%2F/p", parameter).status == 401)
            #expect(try await node.client.put("/api/vhosts/other").status == 201)
            #expect(try await maker.put("/api/policies/other/p", body).status == 401)
            #expect(try await node.client.put("/api/policies/other/q", body).status == 201)
            #expect(try await maker.get("/api/policies").json.array?.count == 1)
            let reader = try await node.user("reader", tags: "management", mayOpen: ["%2F"])
            #expect(try await reader.put("/api/policies/%2F/p", body).status == 401)
            #expect(try await reader.get("/api/policies").json.array?.count == 1)
        }
    }
}
