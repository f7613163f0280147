import JSON
import Broker
import LeveretClient
import Management
import Node
import Testing

@Suite struct HealthChecksTests {
    @Test func aNodeThatIsWellSaysSo() async throws {
        try await TestNode.run({ $0.nodeName = "leveret@test" }) { (node: TestNode) async throws in
            let checks = [
                "health/checks/alarms", "health/checks/local-alarms", "health/checks/virtual-hosts",
                "health/checks/certificate-expiration/1/days", "health/checks/is-in-service",
                "health/checks/ready-to-serve-clients", "health/checks/metadata-store/initialized",
                "healthchecks/node", "healthchecks/node/leveret@test", "aliveness-test/%2F",
            ]
            for check in checks {
                let reply = try await node.client.get("/api/\(check)")
                #expect(reply.status == 200, "\(check)")
                #expect(reply.text == #"{"status":"ok"}"#, "\(check)")
            }
            let critical = try await node.client.get("/api/health/checks/node-is-quorum-critical")
            #expect(critical.text == #"{"status":"ok","reason":"single node cluster"}"#)
            #expect(try await node.client.get("/api/aliveness-test/nope").status == 404)
            #expect(try await node.client.get("/api/healthchecks/node/nope").status == 404)
            #expect(try await node.client.get("/api/health/checks/nope").status == 404)
        }
    }

    @Test func probesNeedNoPassword() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for check in ["is-in-service", "ready-to-serve-clients"] {
                let reply = try await node.client.send("GET", "/api/health/checks/\(check)", isAuthenticated: false)
                #expect(reply.status == 200)
            }
            let alarms = try await node.client.send("GET", "/api/health/checks/alarms", isAuthenticated: false)
            #expect(alarms.status == 401)
        }
    }

    @Test func aNodeThatIsFullSaysSo() async throws {
        try await TestNode.run({ $0.limits.connections = 1 }) { (node: TestNode) async throws in
            let path = "/api/health/checks/below-node-connection-limit"
            #expect(try await node.client.get(path).json == ["status": "ok", "limit": 1, "connections": 0])
            // What an operator does is no connection.
            _ = try await node.client.put("/api/queues/%2F/q")
            let connection = try await node.connect()
            let full = try await node.client.get(path)
            #expect(full.status == 503)
            #expect(
                try full.json == [
                    "status": "failed", "reason": "node connection limit is reached", "limit": 1, "connections": 1,
                ])
            #expect(try await node.client.get("/api/health/checks/ready-to-serve-clients").status == 503)
            await #expect { _ = try await node.connect() } throws: { error in
                "\(error)".contains("node connection limit (1) is reached")
            }
            try await connection.close()
            while try await node.client.get(path).status != 200 {}
        }
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.get("/api/health/checks/below-node-connection-limit")
            #expect(try reply.json == ["status": "ok", "limit": "infinity", "connections": 0])
        }
    }

    @Test func anAlarmFailsTheCheck() async throws {
        try await TestNode.run({
            $0.diskFreeLimit = .bytes(1 << 60)
            $0.nodeName = "leveret@test"
        }) { (node: TestNode) async throws in
            let reply = try await node.client.get("/api/health/checks/alarms")
            #expect(reply.status == 503)
            #expect(
                reply.text == #"{"status":"failed","reason":"There are alarms in effect in the cluster","#
                    + #""alarms":[{"resource":"disk space","node":"leveret@test"}]}"#)
        }
    }

    @Test func listenersAreFoundByPortAndProtocol() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/health/checks"
            let ok = try await node.client.get("\(path)/port-listener/\(node.amqpPort)")
            #expect(try ok.json == ["status": "ok", "port": .integer(node.amqpPort)])
            #expect(try await node.client.get("\(path)/port-listener/\(node.client.port)").status == 200)
            let missing = try await node.client.get("\(path)/port-listener/1")
            #expect(missing.status == 503)
            #expect(
                try missing.json == [
                    "status": "failed", "reason": "No active listener", "missing": 1,
                    "ports": [.integer(node.amqpPort), .integer(node.client.port)],
                ])
            for port in ["x", "-1", "65536", "1.5"] {
                #expect(try await node.client.get("\(path)/port-listener/\(port)").reason == "Invalid port")
            }
            for name in ["amqp", "amqp091", "http", "HTTP"] {
                #expect(try await node.client.get("\(path)/protocol-listener/\(name)").status == 200, "\(name)")
            }
            for name in ["mqtt", "amqp10", "amqps"] {
                let reply = try await node.client.get("\(path)/protocol-listener/\(name)")
                #expect(reply.status == 503, "\(name)")
                #expect(try reply.json.object?["protocols"] == ["amqp", "http"])
            }
        }
    }

    @Test func expirationIsAskedForInUnitsThatThereAre() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let path = "/api/health/checks/certificate-expiration"
            #expect(
                try await node.client.get("\(path)/1/fortnights").reason
                    == "Time unit not recognised. Supported units: days, weeks, months, years.")
            #expect(try await node.client.get("\(path)/x/days").reason == "Invalid expiration value.")
            #expect(try await node.client.get("\(path)/-1/days").status == 400)
        }
    }
}
