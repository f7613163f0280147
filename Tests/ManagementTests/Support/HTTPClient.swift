import JSON
import Management
import NIOCore
import NIOPosix

/// What came back.
struct HTTPReply: Sendable {
    var status = 0
    /// Names in lower case.
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON.
    var json: JSONValue {
        get throws { try JSONParser.parse(body) }
    }

    var reason: String { (try? json.object?["reason"]?.string) ?? "" }
}

/// A small HTTP client: one connection for each request, bytes as the test wants them.
struct HTTPClient: Sendable {
    let port: Int
    var user = "guest"
    var password = "guest"

    func get(_ path: String) async throws -> HTTPReply { try await send("GET", path) }
    func delete(_ path: String) async throws -> HTTPReply { try await send("DELETE", path) }

    func put(_ path: String, _ body: JSONValue = [:]) async throws -> HTTPReply {
        try await send("PUT", path, body: body.encoded)
    }

    func post(_ path: String, _ body: JSONValue = [:]) async throws -> HTTPReply {
        try await send("POST", path, body: body.encoded)
    }

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil,
        isAuthenticated: Bool = true
    ) async throws -> HTTPReply {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        if isAuthenticated { head += "Authorization: Basic \(Base64.encode(Array("\(user):\(password)".utf8)))\r\n" }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.count)\r\n" }
        return try await exchange(Array("\(head)\r\n".utf8) + (body ?? []), isHead: method == "HEAD")
    }

    /// A connection that reads nothing.
    func open() async throws -> any Channel {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: false).connect(host: "127.0.0.1", port: port).get()
    }

    /// Sends the bytes and reads one answer.
    func exchange(_ bytes: [UInt8], isHead: Bool = false) async throws -> HTTPReply {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(bytes: bytes))
            var received: [UInt8] = []
            do {
                for try await piece in inbound {
                    received += piece.readableBytesView
                    if let reply = Self.parse(received, isHead: isHead, isEnd: false) { return reply }
                }
            } catch is IOError {
                // The server closed before everything was written: what it said counts.
            }
            guard let reply = Self.parse(received, isHead: isHead, isEnd: true) else { throw TruncatedReply() }
            return reply
        }
    }

    struct TruncatedReply: Error {}

    /// nil while something is missing.
    private static func parse(_ bytes: [UInt8], isHead: Bool, isEnd: Bool) -> HTTPReply? {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
        var reply = HTTPReply()
        reply.status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let name = line.prefix { $0 != ":" }
            reply.headers.append((name.lowercased(), line.dropFirst(name.count + 1).trimmingBlanks()))
        }
        if reply.status == 100 { return parse(Array(bytes[end.upperBound...]), isHead: isHead, isEnd: isEnd) }
        let rest = Array(bytes[end.upperBound...])
        if isHead || reply.status == 204 { return reply }
        if let length = reply.header("content-length").flatMap({ Int($0) }) {
            guard rest.count >= length else { return nil }
            reply.body = Array(rest[..<length])
            return reply
        }
        if reply.header("transfer-encoding") == "chunked" {
            guard let body = joined(rest) else { return nil }
            reply.body = body
            return reply
        }
        reply.body = rest
        return isEnd ? reply : nil
    }

    private static func joined(_ bytes: [UInt8]) -> [UInt8]? {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: Array("\r\n".utf8)) {
            guard let count = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16),
                rest.endIndex - end.upperBound >= count + 2
            else { return nil }
            if count == 0 { return body }
            body += rest[end.upperBound..<end.upperBound + count]
            rest = rest[(end.upperBound + count + 2)...]
        }
        return nil
    }
}

extension Substring {
    fileprivate func trimmingBlanks() -> String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
