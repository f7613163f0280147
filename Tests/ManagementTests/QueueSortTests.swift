import JSON
import LeveretClient
import Testing

@testable import Management

/// Queues sorted by what their shards know of them.
@Suite struct QueueSortTests {
    /// Every column that any queue shows, whether it is quickly had or not: a page is part of the whole list, sorted.
    @Test func everyColumnSortsAsItsValuesDo() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let (connection, deliveries) = try await Self.fill(node)
            let columns = try await Self.columns(node)
            #expect(columns.count > 60 && columns.contains("message_stats.publish_details.rate"))
            for column in columns {
                for query in [
                    "sort=\(column)", "sort=\(column)&sort_reverse=true", "sort=\(column)&disable_stats=true",
                ] {
                    try await Self.checkPages(node, query, SortColumn(column))
                }
            }
            try await connection.close()
            #expect(deliveries.count == 3)
        }
    }

    /// Compared with the list before and after, in case a rate has changed meanwhile.
    private static func checkPages(_ node: TestNode, _ query: String, _ column: SortColumn) async throws {
        let plain = query.contains("disable_stats") ? "disable_stats=true" : ""
        while true {
            let list = try #require(try await node.client.get("/api/queues?\(plain)").json.array).compactMap(\.object)
            var pages: [JSONValue] = []
            for page in 1...4 {
                let path = "/api/queues?\(query)&columns=name,vhost&page=\(page)&page_size=4"
                pages += try #require(try await node.client.get(path).json.object?["items"]?.array)
            }
            let after = try await node.client.get("/api/queues?\(plain)").json.array?.compactMap(\.object)
            guard after == list else { continue }
            var places = list.indices.sorted {
                (column.value(in: list[$0]), $0) < (column.value(in: list[$1]), $1)
            }
            if query.contains("sort_reverse") { places.reverse() }
            let expected = places.map { Columns("name,vhost").project(list[$0]) }
            #expect(pages.compactMap(\.object).map { $0["name"] } == expected.map { $0["name"] }, "\(query)")
            return
        }
    }

    /// Paths of all values, two levels deep.
    private static func columns(_ node: TestNode) async throws -> [String] {
        var columns: Set<String> = ["nothing", "messages.nothing"]
        for queue in try #require(try await node.client.get("/api/queues").json.array).compactMap(\.object) {
            for member in queue.members {
                columns.insert(member.name)
                for inner in member.value.object?.members ?? [] {
                    columns.insert("\(member.name).\(inner.name)")
                    for deepest in inner.value.object?.members ?? [] {
                        columns.insert("\(member.name).\(inner.name).\(deepest.name)")
                    }
                }
            }
        }
        return columns.sorted()
    }

    /// Sixteen queues of two virtual hosts that differ in whatever they can.
    private static func fill(_ node: TestNode) async throws -> (Connection, [Deliveries]) {
        _ = try await node.client.put("/api/vhosts/other")
        _ = try await node.client.put("/api/permissions/other/guest", ["configure": ".*", "write": ".*", "read": ".*"])
        _ = try await node.client.put(
            "/api/policies/%2F/p", ["pattern": "^q1", "definition": ["max-length": 100], "apply-to": "queues"])
        let connection = try await node.connect()
        let channel = try await connection.channel()
        var deliveries: [Deliveries] = []
        for index in 0..<16 {
            let host = index % 5 == 4 ? "other" : "%2F"
            let arguments: JSONObject = index % 3 == 0 ? ["x-queue-type": "quorum"] : [:]
            _ = try await node.client.put(
                "/api/queues/\(host)/q\(index * 7 % 16)",
                ["durable": .bool(index % 2 == 0 || index % 3 == 0), "arguments": .object(arguments)])
            for count in 0..<index * 5 % 7 {
                var properties: JSONObject = ["delivery_mode": .integer(index % 2 + 1)]
                if count == 0, index % 4 == 1 { properties.append("timestamp", .integer(1_700_000_000 + index)) }
                _ = try await node.client.post(
                    "/api/exchanges/\(host)/amq.default/publish",
                    [
                        "routing_key": .string("q\(index * 7 % 16)"), "properties": .object(properties),
                        "payload": .string(String(repeating: "x", count: index)), "payload_encoding": "string",
                    ])
            }
            if host == "%2F", index % 4 == 2 {
                _ = try await channel.get(queue: "q\(index * 7 % 16)")
                deliveries.append(try await channel.consume(queue: "q\(index * 7 % 16)", prefetch: 1))
            }
            if index == 7 { _ = try await node.client.put("/api/queues/\(host)/q\(index * 7 % 16)/pause") }
        }
        return (connection, deliveries)
    }
}
