import JSON
import Broker
import LeveretClient
import Logging
import Management
import Node
import Testing

/// The pages of a node, over HTTP.
@Suite struct MetricsPagesTests {
    private func page(_ node: TestNode, _ path: String) async throws -> ParsedPage {
        let reply = try await node.client.send("GET", path, isAuthenticated: false)
        #expect(reply.status == 200)
        #expect(reply.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        return try ParsedPage(reply.text)
    }

    @Test func everythingThatTheOfficialOverviewAsksForIsServed() async throws {
        try await TestNode.run { node in
            let page = try await page(node, "/metrics")
            for (name, labels) in DashboardNames.overview {
                let samples = page.named(name)
                #expect(!samples.isEmpty, "\(name)")
                for sample in samples {
                    #expect(labels.allSatisfy { sample.labels[$0]?.isEmpty == false }, "\(name) \(sample.labels)")
                }
            }
            for name in DashboardNames.olderOverview + DashboardNames.alerts {
                #expect(!page.named(name).isEmpty, "\(name)")
            }
            let bounds = page.named("rabbitmq_message_size_bytes_bucket").compactMap { $0.labels["le"] }
            #expect(
                bounds == ["100", "1000", "10000", "100000", "1000000", "10000000", "50000000", "100000000", "+Inf"])
        }
    }

    /// Dashboards choose one kind of page by this label, so that nothing is counted twice.
    @Test(arguments: [
        ("/metrics", "aggregated"), ("/metrics/per-object", "per-object"), ("/metrics/detailed", "detailed"),
    ])
    func eachPageSaysWhichItIs(path: String, endpoint: String) async throws {
        try await TestNode.run { node in
            let page = try await page(node, path)
            #expect(page.value("rabbitmq_identity_info", ["rabbitmq_endpoint": endpoint]) == 1)
        }
    }

    /// Who monitors may read the pages, once Prometheus has to log in.
    private func checkLogin(_ node: TestNode, _ pages: HTTPClient) async throws {
        for path in ["/metrics", "/metrics/per-object", "/metrics/detailed?family=queue_metrics"] {
            let nobody = try await pages.send("GET", path, isAuthenticated: false)
            #expect(nobody.status == 401, "\(path)")
            #expect(nobody.header("www-authenticate")?.hasPrefix("Basic ") == true)
            #expect(!nobody.text.contains("rabbitmq_"))
            var other = pages
            other.user = "m"
            other.password = "p"
            #expect(try await other.get(path).status == 200, "\(path)")
            other.password = "wrong"
            #expect(try await other.get(path).status == 401, "\(path)")
            other.user = "u"
            other.password = "p"
            let user = try await other.get(path)
            #expect(user.status == 401 && user.reason == "Not monitor user", "\(path)")
            #expect(try await pages.get(path).status == 200, "\(path)")
        }
    }

    @Test func prometheusHasToLogInWhereItIsToldTo() async throws {
        try await TestNode.run({ $0.metricsAuthentication = "basic" }) { (node: TestNode) async throws in
            _ = try await node.client.put("/api/users/m", ["password": "p", "tags": "monitoring"])
            _ = try await node.client.put("/api/users/u", ["password": "p", "tags": "management"])
            try await checkLogin(node, node.client)
        }
    }

    @Test(arguments: ["none", "basic"]) func metricsHaveAPortOfTheirOwn(authentication: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/users/m", ["password": "p", "tags": "monitoring"])
            _ = try await node.client.put("/api/users/u", ["password": "p", "tags": "management"])
            var configuration = Configuration { _ in nil }
            configuration.metricsPort = 0
            configuration.metricsAuthentication = authentication
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let server = try #require(
                ManagementServer(metricsOf: node.node, configuration: configuration, logger: logger))
            try await server.start()
            let port = server.listeningAddress?.split(separator: ":").last.flatMap { Int($0) } ?? 0
            let pages = HTTPClient(port: port)
            if authentication == "basic" {
                try await checkLogin(node, pages)
            } else {
                let page = try await pages.send("GET", "/metrics", isAuthenticated: false)
                #expect(
                    try ParsedPage(page.text).value("rabbitmq_identity_info", ["rabbitmq_endpoint": "aggregated"]) == 1)
            }
            // Nothing else is served there.
            for path in ["/api/overview", "/api/openapi.json", "/"] {
                #expect(try await pages.get(path).status == 404, "\(path)")
            }
            #expect(try await pages.send("POST", "/metrics").status == 405)
            await server.stop()
        }
    }

    @Test func groupsAreServedByTheirNames() async throws {
        try await TestNode.run { node in
            let connection = try await Connection.connect(to: "amqp://127.0.0.1:\(node.amqpPort)")
            let channel = try await connection.channel()
            _ = try await channel.declareQueue("q")
            for (group, name) in DashboardNames.groups {
                let page = try await page(node, "/metrics/detailed?family=\(group)")
                #expect(!page.named(name).isEmpty, "\(group)")
            }
            let two = try await page(
                node, "/metrics/detailed?family=queue_consumer_count&family=queue_metrics&family=nonsense")
            #expect(two.named("rabbitmq_detailed_queue_consumers").count == 1)
            let nothing = try await page(node, "/metrics/detailed?family=nonsense")
            #expect(Set(nothing.samples.map(\.name)) == ["rabbitmq_build_info", "rabbitmq_identity_info"])
            try await connection.close()
        }
    }

    @Test func queuesAreShownWithTheirVirtualHosts() async throws {
        try await TestNode.run { node in
            _ = try await node.client.put("/api/vhosts/other")
            let connection = try await Connection.connect(to: "amqp://127.0.0.1:\(node.amqpPort)")
            let channel = try await connection.channel()
            for name in ["plain", "with \"quotes\" and \\", "überlauf\n"] { _ = try await channel.declareQueue(name) }
            let path = "/metrics/detailed?family=queue_coarse_metrics"
            let all = try await page(node, path)
            let names = all.named("rabbitmq_detailed_queue_messages_ready").compactMap { $0.labels["queue"] }
            #expect(Set(names) == ["plain", "with \"quotes\" and \\", "überlauf"])
            #expect(
                all.value(
                    "rabbitmq_detailed_queue_info",
                    ["vhost": "/", "queue": "plain", "queue_type": "rabbit_classic_queue", "membership": "leader"]) == 1
            )
            #expect(try await page(node, path + "&vhost=%2F").named("rabbitmq_detailed_queue_messages").count == 3)
            #expect(try await page(node, path + "&vhost=other").named("rabbitmq_detailed_queue_messages").isEmpty)
            #expect(
                try await page(node, path + "&vhost=other&vhost=%2F").named("rabbitmq_detailed_queue_messages").count
                    == 3)
            #expect(try await page(node, path + "&vhost=").named("rabbitmq_detailed_queue_messages").isEmpty)
            try await connection.close()
        }
    }
}
