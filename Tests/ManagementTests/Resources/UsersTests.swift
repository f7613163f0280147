import AMQPWire
import JSON
import Management
import Testing

@Suite struct UsersTests {
    @Test func whoHasThePasswordMayLogIn() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.put("/api/users/m", ["password": "p&w=1 %", "tags": "management"])
            _ = try await node.client.put("/api/users/u", ["password": "p", "tags": ""])
            func logIn(_ form: String) async throws -> HTTPReply {
                try await node.client.send(
                    "POST", "/api/login", headers: [("Content-Type", "application/x-www-form-urlencoded")],
                    body: Array(form.utf8), isAuthenticated: false)
            }
            let welcome = try await logIn("username=m&password=p%26w%3D1+%25")
            #expect(welcome.status == 200 && welcome.text == "\"ok\"")
            // Credentials are not handed back.
            #expect(welcome.header("set-cookie") == nil)
            for form in [
                "username=m&password=x", "username=nobody&password=p", "username=u&password=p", "", "username=m",
            ] {
                #expect(try await logIn(form).status == 401, "\(form)")
            }
            #expect(try await logIn("username=%zz&password=p").status == 400)
            #expect(try await node.client.get("/api/login").status == 405)
        }
    }

    @Test func aUserIsMadeChangedAndDeleted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let body: JSONValue = ["password": "secret", "tags": "management,policymaker"]
            #expect(try await node.client.put("/api/users/u", body).status == 201)
            #expect(try await node.client.put("/api/users/u", body).status == 204)
            let user = try #require(try await node.client.get("/api/users/u").json.object)
            #expect(user["tags"] == ["management", "policymaker"])
            #expect(user["hashing_algorithm"] == "rabbit_password_hashing_sha256")
            #expect(user["limits"] == [:])
            #expect(user.members.map(\.name) == ["name", "password_hash", "hashing_algorithm", "tags", "limits"])
            let hash = try #require(user["password_hash"]?.string.flatMap { Base64.decode($0) })
            #expect(hash.count == 36)
            #expect(try await node.client.get("/api/users").json.array?.count == 2)
            var other = node.client
            other.user = "u"
            other.password = "secret"
            #expect(try await other.get("/api/whoami").status == 200)
            #expect(try await node.client.put("/api/users/u", ["tags": []]).status == 204)
            #expect(try await node.client.get("/api/users/u").json.object?["password_hash"] == "")
            #expect(try await node.client.delete("/api/users/u").status == 204)
            #expect(try await node.client.delete("/api/users/u").status == 404)
            #expect(try await node.client.get("/api/users/u").status == 404)
        }
    }

    /// The example of RabbitMQ's documentation: 908D C60A, `test12`.
    @Test func aHashOfRabbitMQsIsTakenAsItIs() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let body: JSONValue = [
                "password_hash": "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "tags": "management",
            ]
            #expect(try await node.client.put("/api/users/u", body).status == 201)
            var other = node.client
            other.user = "u"
            other.password = "test12"
            #expect(try await other.get("/api/whoami").status == 200)
        }
    }

    @Test func aBadUserIsRefusedWithItsField() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let bad: [(JSONValue, String)] = [
                (["password": "x"], "tags_not_present: field 'tags' is missing"),
                (["password": 5, "tags": ""], "field 'password': a string was expected, found an integer"),
                (["tags": 5], "field 'tags': a list of strings was expected"),
                (["tags": [5]], "field 'tags': a list of strings was expected"),
                (["password_hash": "not base 64", "tags": ""], "field 'password_hash': not_base64"),
                (
                    ["password": "a", "password_hash": "", "tags": ""],
                    "both_password_and_password_hash_are_provided"
                ),
                (
                    ["password_hash": "AAAA", "hashing_algorithm": "rot13", "tags": ""],
                    "field 'hashing_algorithm': 'rot13' is not known here"
                ),
            ]
            for (body, reason) in bad {
                let reply = try await node.client.put("/api/users/u", body)
                #expect(reply.status == 400)
                #expect(reply.reason == reason)
            }
            #expect(try await node.client.get("/api/users/u").status == 404)
            #expect(
                try await node.client.put("/api/users/\(String(repeating: "u", count: 256))", ["tags": ""]).status
                    == 400)
            #expect(
                try await node.client.put("/api/users/\(String(repeating: "u", count: 255))", ["tags": ""]).status
                    == 201)
        }
    }

    @Test func severalAreDeletedTogetherOrNone() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for name in ["a", "b"] {
                #expect(try await node.client.put("/api/users/\(name)", ["tags": ""]).status == 201)
            }
            let path = "/api/users/bulk-delete"
            #expect(try await node.client.post(path, ["users": ["a", "missing"]]).status == 400)
            #expect(try await node.client.get("/api/users/a").status == 200)
            #expect(try await node.client.post(path, [:]).reason == "field 'users' is missing")
            #expect(try await node.client.post(path, ["users": "a"]).status == 400)
            #expect(try await node.client.post(path, ["users": [1]]).status == 400)
            #expect(try await node.client.post(path, ["users": ["a", "b"]]).status == 204)
            #expect(try await node.client.get("/api/users").json.array?.count == 1)
        }
    }

    @Test func usersWithoutPermissionsAreFound() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.user("with", tags: "", mayOpen: ["%2F"])
            _ = try await node.user("without", tags: "", mayOpen: [])
            let found = try await node.client.get("/api/users/without-permissions").json.array
            #expect(found?.compactMap { $0.object?["name"]?.string } == ["without"])
        }
    }

    @Test func onlyAdministratorsSeeUsers() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            for tags in ["management", "policymaker", "monitoring"] {
                let other = try await node.user("other", tags: tags, mayOpen: ["%2F"])
                for path in ["users", "users/guest", "permissions", "topic-permissions", "users/guest/permissions"] {
                    #expect(try await other.get("/api/\(path)").status == 401, "\(tags) \(path)")
                }
                #expect(try await other.put("/api/users/other", ["tags": "administrator"]).status == 401)
            }
        }
    }
}
