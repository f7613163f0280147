import JSON
import Management
import Testing

@Suite struct BindingTests {
    @Test func anExchangeIsDeclaredShownAndDeleted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let body: JSONValue = ["type": "topic", "durable": true, "arguments": ["alternate-exchange": "amq.fanout"]]
            #expect(try await client.put("/api/exchanges/%2F/x", body).status == 201)
            #expect(try await client.put("/api/exchanges/%2F/x", body).status == 204)
            let exchange = try #require(try await client.get("/api/exchanges/%2F/x").json.object)
            #expect(exchange["type"] == "topic")
            #expect(exchange["durable"] == true)
            #expect(exchange["internal"] == false)
            #expect(exchange["arguments"] == ["alternate-exchange": "amq.fanout"])
            #expect(try await client.put("/api/exchanges/%2F/x", ["type": "fanout"]).status == 400)
            #expect(try await client.put("/api/exchanges/%2F/y", ["type": "strange"]).status == 400)
            #expect(try await client.put("/api/exchanges/%2F/y", ["type": 1]).reason.contains("'type'"))
            #expect(try await client.delete("/api/exchanges/%2F/amq.direct").status == 401)
            #expect(try await client.delete("/api/exchanges/%2F/x").status == 204)
            #expect(try await client.delete("/api/exchanges/%2F/x").status == 404)
            let names = try await client.get("/api/exchanges/%2F?columns=name").json.array?
                .compactMap { $0.object?["name"]?.string }
            #expect(names?.contains("amq.topic") == true)
            #expect(names?.first == "")
            #expect(try await client.get("/api/exchanges/%2F/amq.default").json.object?["type"] == "direct")
        }
    }

    @Test func exchangesTellWhoDeclaredThemAlsoAfterARestart() async throws {
        func creators(_ node: TestNode) async throws -> [String?] {
            var creators: [String?] = []
            for name in ["x", "y", "amq.topic"] {
                let exchange = try await node.client.get("/api/exchanges/%2F/\(name)").json.object
                creators.append(exchange?["user_who_performed_action"]?.string)
            }
            return creators
        }
        try await TestNode.withDirectory { directory in
            try await TestNode.keep(in: directory) { (node: TestNode) async throws in
                let ann = try await node.user("ann", tags: "management", mayOpen: ["%2F"])
                _ = try await ann.put("/api/exchanges/%2F/x", ["type": "topic", "durable": true])
                _ = try await node.client.put("/api/exchanges/%2F/y", ["type": "topic", "durable": true])
                // Who declares it again has not made it.
                _ = try await node.client.put("/api/exchanges/%2F/x", ["type": "topic", "durable": true])
                #expect(try await creators(node) == ["ann", "guest", "rmq-internal"])
            }
            try await TestNode.keep(in: directory) { (node: TestNode) async throws in
                #expect(try await creators(node) == ["ann", "guest", "rmq-internal"])
            }
        }
    }

    @Test func bindingsAreMadeFoundAndEndedByTheirPropertiesKey() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            let path = "/api/bindings/%2F/e/amq.topic/q/q"
            let bodies: [JSONValue] = [
                [:], ["routing_key": "a.b"], ["routing_key": "~ /%ä"], ["arguments": ["x": 1]],
                ["routing_key": "a.b", "arguments": ["x": 1, "y": ["z": [true]]]],
            ]
            for body in bodies {
                let reply = try await client.post(path, body)
                #expect(reply.status == 201)
                let location = try #require(reply.header("location"))
                let found = try #require(
                    try await client.get("/api/bindings/%2F/e/amq.topic/q/\(location)").json.object)
                #expect(found["routing_key"] == body.object?["routing_key"] ?? "")
                #expect(found["arguments"] == body.object?["arguments"] ?? [:])
                #expect(found["destination_type"] == "queue")
            }
            let bindings = try #require(try await client.get(path).json.array)
            #expect(bindings.count == bodies.count)
            let keys = bindings.compactMap { $0.object?["properties_key"]?.string }
            #expect(Set(keys).count == bodies.count)
            #expect(keys.contains("~"))
            #expect(keys.contains("a.b"))
            #expect(try await client.get("/api/bindings/%2F").json.array?.count == bodies.count + 1)
            #expect(try await client.get("/api/queues/%2F/q/bindings").json.array?.count == bodies.count + 1)
            #expect(
                try await client.get("/api/exchanges/%2F/amq.topic/bindings/source").json.array?.count == bodies.count)
            for key in keys {
                #expect(try await client.delete("\(path)/\(PercentEncoding.encode(key))").status == 204, "\(key)")
                #expect(try await client.delete("\(path)/\(PercentEncoding.encode(key))").status == 404, "\(key)")
            }
            #expect(try await client.get(path).json == [])
        }
    }

    @Test func exchangesAreBoundToExchanges() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let path = "/api/bindings/%2F/e/amq.topic/e/amq.fanout"
            #expect(try await client.post(path, ["routing_key": "k"]).header("location") == "amq.fanout/k")
            let binding = try #require(try await client.get(path).json.array?.first?.object)
            #expect(binding["destination_type"] == "exchange")
            #expect(
                try await client.get("/api/exchanges/%2F/amq.fanout/bindings/destination").json.array?.count == 1)
            #expect(try await client.delete("\(path)/k").status == 204)
        }
    }

    @Test func whatCannotBeBoundIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            let missing = try await client.post("/api/bindings/%2F/e/nothing/q/q")
            #expect(missing.status == 404)
            #expect(missing.text == #"{"error":"not_found","reason":"no exchange 'nothing' in vhost '/'"}"#)
            #expect(try await client.post("/api/bindings/%2F/e/amq.topic/q/nothing").status == 404)
            #expect(try await client.post("/api/bindings/%2F/e/amq.default/q/q").status == 401)
            #expect(try await client.post("/api/bindings/%2F/e/amq.topic/x/q").status == 404)
            #expect(try await client.get("/api/bindings/%2F/e/amq.topic/q/q/a~b~c").status == 400)
            #expect(try await client.get("/api/bindings/%2F/e/amq.topic/q/q/%25zz").status == 400)
            let long = JSONValue.string(String(repeating: "k", count: 256))
            #expect(try await client.post("/api/bindings/%2F/e/amq.topic/q/q", ["routing_key": long]).status == 400)
            #expect(try await client.send("PUT", "/api/bindings/%2F/e/amq.topic/q/q").status == 405)
        }
    }
}
