import JSON
import Management
import NIOCore
import Node
import Testing

/// What holds for every path: logging in, paths, methods, bodies.
@Suite struct ServerTests {
    @Test func whoHasLoggedInIsTold() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.get("/api/whoami")
            #expect(reply.status == 200)
            #expect(reply.header("content-type") == "application/json")
            #expect(try reply.json.object?["name"] == "guest")
            #expect(try reply.json.object?["tags"] == ["administrator"])
        }
    }

    @Test func whoDoesNotLogInIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let nobody = try await node.client.send("GET", "/api/whoami", isAuthenticated: false)
            #expect(nobody.status == 401)
            #expect(nobody.header("www-authenticate") == #"Basic realm="RabbitMQ Management""#)
            #expect(nobody.text == #"{"error":"not_authorized","reason":"Not_Authorized"}"#)
            for header in ["Basic", "Basic !", "Basic Z3Vlc3Q=", "Bearer abc", "Basic \(Base64.encode([0xFF, 0x3A]))"] {
                let reply = try await node.client.send(
                    "GET", "/api/whoami", headers: [("Authorization", header)], isAuthenticated: false)
                #expect(reply.status == 401, "\(header)")
            }
            var stranger = node.client
            stranger.password = "wrong"
            #expect(try await stranger.get("/api/whoami").status == 401)
        }
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for path in ["/", "/api", "/api/nothing", "/api/whoami/more", "//api/whoami", "/api//whoami"] {
                let reply = try await node.client.get(path)
                #expect(reply.status == 404, "\(path)")
                #expect(reply.text == #"{"error":"Object Not Found","reason":"Not Found"}"#)
            }
            #expect(try await node.client.get("/api/whoami/").status == 200)
        }
    }

    @Test func otherMethodsAreNotAllowed() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.send("DELETE", "/api/whoami")
            #expect(reply.status == 405)
            #expect(reply.header("allow") == "HEAD, GET, OPTIONS")
            let options = try await node.client.send("OPTIONS", "/api/whoami", isAuthenticated: false)
            #expect(options.status == 200)
            #expect(options.header("allow") == "HEAD, GET, OPTIONS")
            #expect(options.header("access-control-allow-origin") == nil)
            let head = try await node.client.send("HEAD", "/api/whoami")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test(arguments: ["/api/%", "/api/%4", "/api/%zz", "/api/%FF", "/api/%C0%AF", "/api/whoami?a=%"])
    func malformedPercentEncodingIsRefused(path: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.get(path)
            #expect(reply.status == 400, "\(path)")
            #expect(reply.reason.contains("malformed"))
        }
    }

    @Test func aPathThatIsTooLongIsRefused() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.get("/api/" + String(repeating: "a", count: 17_000))
            #expect(reply.status == 414)
        }
    }

    @Test func aBodyThatIsTooLargeIsRefused() async throws {
        try await TestNode.run { configuration in
            configuration.httpMaxBodySize = 1000
        } _: { (node: TestNode) async throws in
            let reply = try await node.client.send("GET", "/api/whoami", body: Array(repeating: 0x20, count: 1001))
            #expect(reply.status == 413)
            let chunks = "\r\n3e9\r\n\(String(repeating: " ", count: 1001))\r\n0\r\n\r\n"
            let head =
                "GET /api/whoami HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                + "Authorization: Basic \(Base64.encode(Array("guest:guest".utf8)))\r\n"
            #expect(try await node.client.exchange(Array((head + chunks).utf8)).status == 413)
        }
    }

    @Test(arguments: ["GET\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "G@T / HTTP/1.1\r\n\r\n"])
    func whatIsNoHTTPIsRefused(text: String) async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.exchange(Array(text.utf8))
            #expect(reply.status == 400)
            #expect(try await node.client.get("/api/whoami").status == 200)
        }
    }

    @Test func pagesOfAllowedOriginsMayReadTheAnswers() async throws {
        try await TestNode.run { configuration in
            configuration.corsAllowOrigins = ["https://a.example"]
        } _: { (node: TestNode) async throws in
            let allowed = try await node.client.send("GET", "/api/whoami", headers: [("Origin", "https://a.example")])
            #expect(allowed.header("access-control-allow-origin") == "https://a.example")
            let other = try await node.client.send("GET", "/api/whoami", headers: [("Origin", "https://b.example")])
            #expect(other.header("access-control-allow-origin") == nil)
            let preflight = try await node.client.send(
                "OPTIONS", "/api/whoami",
                headers: [("Origin", "https://a.example"), ("Access-Control-Request-Headers", "authorization")])
            #expect(preflight.header("access-control-allow-methods") == "HEAD, GET, OPTIONS")
            #expect(preflight.header("access-control-allow-headers") == "authorization")
        }
    }

    @Test func whoAsksIsToldToGoOn() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.send(
                "PUT", "/api/queues/%2F/q", headers: [("Expect", "100-continue")], body: Array("{}".utf8))
            #expect(reply.status == 201)
        }
    }

    /// A client that takes nothing of a long answer does not keep the broker from stopping.
    @Test func aSlowClientDoesNotHoldUpTheEnd() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for index in 0..<200 { _ = try await node.client.put("/api/queues/%2F/q\(index)") }
            let head = "GET /api/queues HTTP/1.1\r\nHost: a\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n"
            let stalled = try await node.client.open()
            for _ in 0..<64 { try await stalled.writeAndFlush(ByteBuffer(string: head)) }
            #expect(try await node.client.get("/api/whoami").status == 200)
        }
    }

    @Test func pathsBeginWithThePrefix() async throws {
        try await TestNode.run { configuration in
            configuration.httpPathPrefix = "/broker"
        } _: { (node: TestNode) async throws in
            let reply = try await node.client.get("/broker/api/whoami")
            #expect(reply.status == 200)
            #expect(try await node.client.get("/api/whoami").status == 404)
        }
    }
}
