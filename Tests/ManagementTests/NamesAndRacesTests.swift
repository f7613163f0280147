import JSON
import Management
import Testing

/// What holds for every kind of object: names of any bytes, and operators who do the same at once.
@Suite struct NamesAndRacesTests {
    /// Paths that make something, and what they are given.
    private static let kinds: [(path: String, body: JSONValue)] = [
        ("/api/vhosts/NAME", [:]),
        ("/api/users/NAME", ["password": "p", "tags": ""]),
        ("/api/exchanges/%2F/NAME", ["type": "fanout"]),
        ("/api/queues/%2F/NAME", ["durable": true]),
        ("/api/policies/%2F/NAME", ["pattern": "^x", "definition": ["max-length": 1]]),
        ("/api/operator-policies/%2F/NAME", ["pattern": "^x", "definition": ["max-length": 1]]),
        ("/api/parameters/shovel/%2F/NAME", ["value": ["src-uri": "amqp://", "dest-uri": "amqp://"]]),
        ("/api/global-parameters/NAME", ["value": 1]),
    ]

    private static func path(_ template: String, _ name: String) -> String {
        template.replacing("NAME", with: PercentEncoding.encode(name).replacing(".", with: "%2E"))
    }

    @Test(arguments: kinds.indices) func namesAreOfOneByteTo255AndOfAnything(kind: Int) async throws {
        let (template, body) = Self.kinds[kind]
        let longest = String(repeating: "n", count: 253) + "ü"
        try await TestNode.run { (node: TestNode) async throws in
            for name in ["a", longest, "/", "//", "a b", "ä/%2F", "..", ".", "+", "\"\\", "?&=#", "\u{1}", "%", "😀"] {
                // Every node begins with this virtual host.
                if kind == 0, name == "/" { continue }
                let path = Self.path(template, name)
                #expect(try await node.client.put(path, body).status == 201, "\(name)")
                #expect(try await node.client.get(path).json.object?["name"] == .string(name))
                #expect(try await node.client.put(path, body).status == 204, "\(name)")
                #expect(try await node.client.delete(path).status == 204, "\(name)")
                #expect(try await node.client.get(path).status == 404, "\(name)")
            }
            for name in [longest + "n", String(repeating: "ü", count: 128)] {
                let reply = try await node.client.put(Self.path(template, name), body)
                #expect(reply.status == 400)
                #expect(reply.reason.contains("255"), "\(reply.reason)")
            }
            // An empty name is another path, or none.
            let empty = try await node.client.put(template.replacing("NAME", with: ""), body).status
            #expect([404, 405].contains(empty), "\(empty)")
            for bytes in ["%", "%4", "%zz", "%FF", "%C0%AF", "%ED%A0%80"] {
                let reply = try await node.client.put(template.replacing("NAME", with: bytes), body)
                #expect(reply.status == 400, "\(bytes)")
            }
        }
    }

    /// Whoever is first, in the end it is there, or it is not: and nobody is told of an error that is none of theirs.
    @Test(arguments: kinds.indices) func operatorsWhoDoTheSameAtOnceAreAllAnswered(kind: Int) async throws {
        let (template, body) = Self.kinds[kind]
        let path = Self.path(template, "same")
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            func all(_ send: @escaping @Sendable (Int) async throws -> Int) async throws -> [Int] {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<16 { group.addTask { try await send(number) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
            }
            let made = try await all { _ in try await client.put(path, body).status }
            #expect(made.allSatisfy { $0 == 201 || $0 == 204 } && made.contains(201), "\(made)")
            let ended = try await all { _ in try await client.delete(path).status }
            #expect(ended.allSatisfy { $0 == 204 || $0 == 404 } && ended.contains(204), "\(ended)")
            #expect(try await client.get(path).status == 404)
            for _ in 0..<4 {
                let mixed = try await all { number in
                    number % 2 == 0 ? try await client.put(path, body).status : try await client.delete(path).status
                }
                #expect(mixed.allSatisfy { [201, 204, 404].contains($0) }, "\(mixed)")
            }
            _ = try await client.put(path, body)
            #expect(try await client.get(path).json.object?["name"] == "same")
        }
    }

    @Test func permissionsOfUsersWhoAreJustDeletedAreRefusedAndNotKept() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let client = node.client
            let everything: JSONValue = ["configure": ".*", "write": ".*", "read": ".*"]
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<48 {
                    group.addTask {
                        switch number % 3 {
                        case 0: try await client.put("/api/users/u", ["password": "p", "tags": ""]).status
                        case 1: try await client.put("/api/permissions/%2F/u", everything).status
                        default: try await client.delete("/api/users/u").status
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { [201, 204, 400, 404].contains($0) }, "\(statuses)")
            _ = try await client.delete("/api/users/u")
            // With the user its permissions are gone: a new one of that name has none.
            _ = try await client.put("/api/users/u", ["password": "p", "tags": ""])
            #expect(try await client.get("/api/users/u/permissions").json == [])
        }
    }
}
