import JSON
import Management
import Node
import Testing

@Suite struct ParametersTests {
    @Test func parametersAreKept() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/parameters/federation-upstream/%2F/up"
            let value: JSONValue = ["uri": "amqp://remote.example", "expires": 3_600_000]
            #expect(try await node.client.put(path, ["value": value]).status == 201)
            #expect(try await node.client.put(path, ["value": value]).status == 204)
            let shown: JSONValue = [
                "value": value, "vhost": "/", "component": "federation-upstream", "name": "up",
            ]
            #expect(try await node.client.get(path).json == shown)
            for list in ["parameters", "parameters/federation-upstream", "parameters/federation-upstream/%2F"] {
                #expect(try await node.client.get("/api/\(list)").json == [shown], "\(list)")
            }
            #expect(try await node.client.get("/api/parameters/shovel").json == [])
            #expect(try await node.client.get("/api/parameters/shovel/nope").status == 404)
            #expect(try await node.client.get("/api/federation-links").json == [])
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.delete(path).status == 404)
        }
    }

    @Test func whatIsNoParameterIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let unknown = try await node.client.put("/api/parameters/nope/%2F/x", ["value": [:]])
            #expect(unknown.status == 400)
            #expect(unknown.reason == "Validation failed\n\ncomponent nope not found\n")
            #expect(try await node.client.put("/api/parameters/shovel/%2F/x").reason == "field 'value' is missing")
            #expect(try await node.client.put("/api/parameters/shovel/nope/x", ["value": [:]]).status == 404)
        }
    }

    /// As RabbitMQ keeps them.
    @Test func operatorPoliciesAndLimitsAreParametersToo() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let policy: JSONValue = [
                "pattern": "^a", "definition": ["max-length": 5], "priority": 0, "apply-to": "queues",
            ]
            #expect(try await node.client.put("/api/parameters/operator_policy/%2F/p", ["value": policy]).status == 201)
            #expect(try await node.client.get("/api/operator-policies/%2F/p").status == 200)
            let limits: JSONValue = ["value": ["max-queues": 9]]
            #expect(try await node.client.put("/api/parameters/vhost-limits/%2F/limits", limits).status == 201)
            #expect(
                try await node.client.get("/api/vhost-limits/%2F").json == [["vhost": "/", "value": ["max-queues": 9]]])
            #expect(try await node.client.get("/api/parameters").json.array?.count == 2)
            #expect(try await node.client.delete("/api/parameters/operator_policy/%2F/p").status == 204)
            #expect(try await node.client.delete("/api/parameters/vhost-limits/%2F/limits").status == 204)
            #expect(try await node.client.get("/api/parameters").json == [])
            #expect(try await node.client.get("/api/vhost-limits").json == [])
        }
    }

    @Test func globalParametersAreKept() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/global-parameters/g"
            let value: JSONValue = ["a": [1, 2.5, true, nil, "x"], "b": [:]]
            #expect(try await node.client.put(path, ["value": value]).status == 201)
            #expect(try await node.client.get(path).json == ["name": "g", "value": value])
            #expect(try await node.client.put(path, ["value": "x"]).status == 204)
            #expect(try await node.client.get("/api/global-parameters").json == [["name": "g", "value": "x"]])
            #expect(try await node.client.put(path).reason == "field 'value' is missing")
            #expect(try await node.client.delete(path).status == 204)
            #expect(try await node.client.get(path).status == 404)
        }
    }

    @Test func theClusterHasAName() async throws {
        try await TestNode.run({ $0.nodeName = "leveret@test" }) { (node: TestNode) async throws in
            #expect(try await node.client.get("/api/cluster-name").json == ["name": "leveret@test"])
            #expect(try await node.client.put("/api/cluster-name", ["name": "warren"]).status == 204)
            #expect(try await node.client.get("/api/cluster-name").json == ["name": "warren"])
            #expect(try await node.client.put("/api/cluster-name").status == 400)
            #expect(try await node.client.put("/api/cluster-name", ["name": 5]).status == 400)
            #expect(try await node.client.put("/api/cluster-name", ["name": ""]).status == 400)
        }
    }
}
