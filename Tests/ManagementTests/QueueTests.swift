import JSON
import Management
import Testing

@Suite struct QueueTests {
    @Test func aQueueIsDeclaredShownAndDeleted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let body: JSONValue = ["durable": true, "auto_delete": false, "arguments": ["x-max-length": 5]]
            #expect(try await client.put("/api/queues/%2F/q", body).status == 201)
            #expect(try await client.put("/api/queues/%2F/q", body).status == 204)
            let queue = try #require(try await client.get("/api/queues/%2F/q").json.object)
            #expect(queue["name"] == "q")
            #expect(queue["vhost"] == "/")
            #expect(queue["durable"] == true)
            #expect(queue["type"] == "classic")
            #expect(queue["state"] == "running")
            #expect(queue["arguments"] == ["x-max-length": 5])
            #expect(queue["messages"] == 0)
            #expect(queue["policy"] == .null)
            #expect(queue["consumer_details"] == [])
            #expect(try await client.delete("/api/queues/%2F/q").status == 204)
            #expect(try await client.delete("/api/queues/%2F/q").status == 404)
            #expect(try await client.get("/api/queues/%2F/q").status == 404)
        }
    }

    @Test func whatAClientWouldBeRefusedIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let declared = try await client.put("/api/queues/%2F/q", ["durable": true])
            #expect(declared.status == 201)
            let other = try await client.put("/api/queues/%2F/q", ["durable": false])
            #expect(other.status == 400)
            #expect(
                other.text
                    == #"{"error":"bad_request","reason":"inequivalent arg 'durable' for queue 'q' in vhost '/': "#
                    + #"received 'false' but current is 'true'"}"#)
            let reserved = try await client.put("/api/queues/%2F/amq.q")
            #expect(reserved.status == 401)
            #expect(reserved.text == #"{"error":"not_authorised","reason":"Access refused."}"#)
            let argument = try await client.put("/api/queues/%2F/a", ["arguments": ["x-max-length": "five"]])
            #expect(argument.status == 400)
            #expect(argument.reason.contains("x-max-length"))
            #expect(try await client.put("/api/queues/nowhere/q").status == 404)
        }
    }

    @Test(arguments: [
        (#"{"durable":1}"#, "'durable'"), (#"{"auto_delete":"maybe"}"#, "'auto_delete'"),
        (#"{"arguments":[1]}"#, "'arguments'"), (#"{"arguments":"x"}"#, "'arguments'"), ("[]", "not_json"),
        ("{", "not_json"), (#""{}""#, "not_json"), (#"{"durable":true,"durable":true}"#, "durable"),
        (#"{"arguments":{"a":1e999}}"#, "not_json"), ("{\"a\":\"\u{1}\"}", "not_json"),
    ])
    func badFieldsAreNamed(body: String, name: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.send("PUT", "/api/queues/%2F/q", body: Array(body.utf8))
            #expect(reply.status == 400)
            #expect(reply.reason.contains(name), "\(reply.text)")
            #expect(try await node.client.get("/api/queues/%2F/q").status == 404)
        }
    }

    @Test func bytesThatAreNoUTF8AreRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.send("PUT", "/api/queues/%2F/q", body: [0x7B, 0x22, 0xFF, 0x22, 0x7D])
            #expect(reply.status == 400)
            let deep = Array(repeating: UInt8(ascii: "["), count: 100_000)
            #expect(try await node.client.send("PUT", "/api/queues/%2F/q", body: deep).status == 400)
        }
    }

    @Test func namesMayBeOfOneByteOr255AndOfAnything() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let longest = String(repeating: "n", count: 255)
            for name in ["a", longest, "/", "a b", "ä/%2F", "..", ".", "+", "\"\\", "?&=#", "\u{1}"] {
                let path = "/api/queues/%2F/\(PercentEncoding.encode(name).replacing(".", with: "%2E"))"
                #expect(try await node.client.put(path).status == 201, "\(name)")
                #expect(try await node.client.get(path).json.object?["name"] == .string(name))
                #expect(try await node.client.delete(path).status == 204)
            }
            let tooLong = try await node.client.put("/api/queues/%2F/\(longest)n")
            #expect(tooLong.status == 400)
            #expect(tooLong.reason.contains("255"))
        }
    }

    @Test(arguments: [
        "age=5&PREFIX_incr=1185562530147938048", "age=9223372036854775807&PREFIX_incr=9223372036854775807",
        "age=-1&PREFIX_incr=1", "age=1&PREFIX_incr=0", "age=9223372036854775808&PREFIX_incr=1", "age=501&PREFIX_incr=1",
    ])
    func aHistoryThatCannotBeIsRefused(range: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/queues/%2F/q")
            for (path, prefix) in [
                ("queues/%2F/q", "msg_rates"), ("queues", "lengths"), ("channels", "msg_rates"),
                ("connections", "data_rates"), ("overview", "msg_rates"), ("vhosts/%2F", "lengths"),
            ] {
                let query = "\(prefix)_\(range)".replacing("PREFIX", with: prefix)
                let reply = try await node.client.get("/api/\(path)?\(query)")
                #expect(reply.status == 400 || reply.status == 200 && range.hasPrefix("age=501"), "\(path)?\(query)")
            }
        }
    }

    @Test func deletingMayDependOnUse() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            _ = try await client.put("/api/queues/%2F/q")
            _ = try await client.post(
                "/api/exchanges/%2F/amq.default/publish",
                ["routing_key": "q", "properties": [:], "payload": "x", "payload_encoding": "string"])
            #expect(try await client.delete("/api/queues/%2F/q?if-empty=true").status == 400)
            #expect(try await client.delete("/api/queues/%2F/q/contents").status == 204)
            #expect(try await client.delete("/api/queues/%2F/q?if-empty=true&if-unused=true").status == 204)
            #expect(try await client.delete("/api/queues/%2F/q/contents").status == 404)
        }
    }

    @Test func twoOperatorsDeclareTheSame() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await client.put("/api/queues/%2F/q", ["durable": true]).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 201 || $0 == 204 })
            #expect(statuses.contains(201))
            let ends = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 { group.addTask { try await client.delete("/api/queues/%2F/q").status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(ends.allSatisfy { $0 == 204 || $0 == 404 })
            #expect(try await client.get("/api/queues").json == [])
        }
    }

    @Test func listsAreSortedPagedFilteredAndProjected() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            for index in (0..<25).reversed() {
                let name = index < 10 ? "q-0\(index)" : "Q-\(index)"
                #expect(
                    try await client.put("/api/queues/%2F/\(name)", ["durable": .bool(index % 2 == 0)]).status == 201)
            }
            func names(_ query: String) async throws -> [String] {
                let json = try await client.get("/api/queues?\(query)").json
                return (json.array ?? json.object?["items"]?.array ?? []).compactMap { $0.object?["name"]?.string }
            }
            let all = try await names("columns=name")
            #expect(all.count == 25)
            #expect(all == all.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            #expect(try await names("sort=name&sort_reverse=true") == all.reversed())
            #expect(Array(try await names("sort=durable").prefix(12)).allSatisfy { Int($0.suffix(2))! % 2 == 1 })
            let page = try #require(try await client.get("/api/queues?page=2&page_size=10&columns=name").json.object)
            #expect(page["total_count"] == 25)
            #expect(page["filtered_count"] == 25)
            #expect(page["item_count"] == 10)
            #expect(page["page"] == 2)
            #expect(page["page_size"] == 10)
            #expect(page["page_count"] == 3)
            #expect(page["items"]?.array?.first == ["name": .string(all[10])])
            // KEDA's way of asking.
            let found = try await client.get(
                "/api/queues/%2F?page=1&use_regex=true&pagination=false&name=%5Eq-0%5B0-4%5D%24&page_size=100")
            #expect(try found.json.object?["filtered_count"] == 5)
            #expect(try await names("page=1&name=q-1").count == 10)
            #expect(try await client.get("/api/queues?page=1&name=(&use_regex=true").status == 400)
            let slow = try await client.get("/api/queues?page=1&use_regex=true&name=(a%2B)%2B%24")
            #expect(slow.status == 200)
            #expect(try await client.get("/api/queues?page=4&page_size=10").reason.contains("Page out of range"))
            for query in [
                "page=0", "page=-1", "page=x", "page=1&page_size=501", "page=1&page_size=0", "page=99999999999999",
            ] {
                #expect(try await client.get("/api/queues?\(query)").status == 400, "\(query)")
            }
            let columns = try await client.get("/api/queues?columns=name,message_stats.publish&page=1&page_size=1")
            #expect(
                try columns.json.object?["items"]
                    == [["name": .string(all[0]), "message_stats": ["publish": 0]]])
            let brief = try #require(try await client.get("/api/queues?disable_stats=true").json.array?.first?.object)
            #expect(brief["messages"] == nil)
            let totals = try await client.get("/api/queues?disable_stats=true&enable_queue_totals=true").json
            #expect(totals.array?.first?.object?["messages"] == 0)
            #expect(try await client.get("/api/queues/nowhere").status == 404)
        }
    }
}
