import AMQPWire
import JSON
import LeveretClient
import Management
import Node
import Testing

@Suite struct OverviewTests {
    /// Ten messages published and confirmed, three of them got; one that nobody wanted.
    private func work(_ node: TestNode) async throws {
        let options = ConnectionOptions(host: "127.0.0.1", port: node.amqpPort)
        let connection = try await Connection.connect(options)
        let channel = try await connection.channel()
        try await channel.enableConfirms()
        try await channel.declareQueue("q")
        for index in 0..<10 { try await channel.publishConfirmed(body: "\(index)", routingKey: "q") }
        try await channel.publishConfirmed(body: "x", routingKey: "nobody")
        for _ in 0..<3 { _ = try await channel.get(queue: "q", autoAck: true) }
        try await connection.close()
    }

    @Test func whatWasDoneIsCounted() async throws {
        try await TestNode.run({ $0.nodeName = "leveret@test" }) { (node: TestNode) async throws in
            try await work(node)
            let overview = try #require(try await node.client.get("/api/overview").json.object)
            let stats = try #require(overview["message_stats"]?.object)
            #expect(stats["publish"] == 11)
            #expect(stats["drop_unroutable"] == 1)
            #expect(stats["get_no_ack"] == 3)
            #expect(stats["confirm"] == 11)
            #expect(stats["publish_details"]?.object?["rate"] != nil)
            #expect(overview["queue_totals"]?.object?["messages"] == 7)
            #expect(overview["object_totals"]?.object?["queues"] == 1)
            #expect(overview["object_totals"]?.object?["connections"] == 0)
            #expect(overview["churn_rates"]?.object?["connection_created"] == 1)
            #expect(overview["churn_rates"]?.object?["connection_closed"] == 1)
            #expect(overview["churn_rates"]?.object?["queue_created"] == 1)
            #expect(overview["node"] == "leveret@test")
            #expect(overview["cluster_name"] == "leveret@test")
            let listeners = try #require(overview["listeners"]?.array)
            #expect(listeners.compactMap { $0.object?["port"]?.integer } == [node.amqpPort, node.client.port])
            let host = try #require(try await node.client.get("/api/vhosts/%2F").json.object)
            #expect(host["message_stats"]?.object?["publish"] == 11)
            #expect(host["messages"] == overview["queue_totals"]?.object?["messages"])
            let bare = try #require(try await node.client.get("/api/vhosts/%2F?disable_stats=true").json.object)
            #expect(bare["message_stats"] == nil)
        }
    }

    @Test func whoIsNoMonitorSeesTheirOwn() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            try await work(node)
            #expect(try await node.client.put("/api/vhosts/v").status == 201)
            let other = try await node.user("other", tags: "management", mayOpen: ["v"])
            let overview = try #require(try await other.get("/api/overview").json.object)
            #expect(overview["queue_totals"]?.object?["messages"] == 0)
            #expect(overview["object_totals"]?.object?["queues"] == 0)
            #expect(overview["listeners"] == nil)
            #expect(overview["node"] == nil)
            #expect(try await other.get("/api/nodes").status == 401)
            let monitor = try await node.user("monitor", tags: "monitoring", mayOpen: [])
            #expect(try await monitor.get("/api/overview").json.object?["object_totals"]?.object?["queues"] == 1)
        }
    }

    @Test func samplesAreGivenWhereTheyAreAskedFor() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/overview?columns=message_stats.publish_details,queue_totals.messages_details"
            let plain = try #require(try await node.client.get(path).json.object)
            #expect(plain.members.map(\.name) == ["message_stats", "queue_totals"])
            for bad in [
                "msg_rates_age=10", "lengths_incr=5", "msg_rates_age=x&msg_rates_incr=5",
                "msg_rates_age=0&msg_rates_incr=5", "lengths_age=100000&lengths_incr=1",
            ] {
                #expect(try await node.client.get("\(path)&\(bad)").status == 400, "\(bad)")
            }
            #expect(try await node.client.get("\(path)&msg_rates_age=60&msg_rates_incr=5").status == 200)
            func samples() async throws -> [JSONValue] {
                let overview = try await node.client.get("/api/overview?msg_rates_age=60&msg_rates_incr=1").json.object
                let churn = overview?["churn_rates"]?.object?["queue_declared_details"]?.object
                return churn?["samples"]?.array ?? []
            }
            while try await samples().count < 2 {}
        }
    }

    @Test func theNodeTellsWhatItUses() async throws {
        try await TestNode.run({
            $0.nodeName = "leveret@test"
            $0.files = ["/etc/leveret/leveret.conf"]
            $0.statisticsIntervalMilliseconds = 1000
        }) { (node: TestNode) async throws in
            let shown = try #require(try await node.client.get("/api/nodes/leveret@test").json.object)
            #expect(shown["name"] == "leveret@test")
            #expect(shown["running"] == true)
            #expect(shown["partitions"] == [])
            for field in [
                "uptime", "mem_used", "mem_limit", "disk_free", "fd_used", "fd_total", "proc_used", "proc_total",
                "processors",
            ] {
                #expect(shown[field]?.integer.map { $0 > 0 } == true, "\(field)")
            }
            #expect(shown["mem_alarm"] == false)
            #expect(shown["config_files"] == ["/etc/leveret/leveret.conf"])
            // What is written is written at some rate: when the clock has gone on, and there are two samples.
            var rate = 0.0
            while rate == 0 {
                _ = try await node.client.put("/api/queues/%2F/q", ["durable": true])
                _ = try await node.client.delete("/api/queues/%2F/q")
                let now = try await node.client.get("/api/nodes/leveret@test").json.object
                if case .double(let found)? = now?["io_write_count_details"]?.object?["rate"] { rate = found }
            }
            #expect(rate > 0)
            #expect(try await node.client.get("/api/nodes").json.array?.count == 1)
            #expect(try await node.client.get("/api/nodes/nope").status == 404)
            let memory = try #require(
                try await node.client.get("/api/nodes/leveret@test/memory").json.object?["memory"]?.object)
            #expect(memory["total"]?.object?["rss"]?.integer.map { $0 > 1 << 20 } == true)
            let parts = memory.members.compactMap(\.value.integer).reduce(0, +)
            #expect(parts == memory["total"]?.object?["rss"]?.integer)
            #expect(try await node.client.get("/api/nodes/leveret@test/memory/relative").status == 200)
            #expect(try await node.client.delete("/api/reset").status == 204)
            #expect(try await node.client.delete("/api/reset/nope").status == 404)
        }
    }
}
