import AMQPWire
import Broker
import Foundation
import JSON
import Management
import Node
import Testing

@Suite struct DefinitionsImportTests {
    @Test func whatRabbitMQExportsComesOutAgain() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.send("POST", "/api/definitions", body: DefinitionsSample.bytes)
            #expect(reply.status == 200)
            #expect(try reply.json.object?["imported"]?.object?["queues"] == 45)
            #expect(try reply.json.object?["notes"]?.array?.count == 2)
            let export = try await node.client.get("/api/definitions")
            let exported = try #require(try export.json.object)
            let sample = try DefinitionsSample.json
            for category in DefinitionsSample.categories {
                let expected = try DefinitionsSample.objects(category, of: sample)
                var found = try DefinitionsSample.objects(category, of: exported)
                // The node's own user may do everything in its own virtual host, as RabbitMQ's guest may.
                if category == "users" { found = found.union(expected.filter { $0.contains(#""guest""#) }) }
                #expect(expected.subtracting(found) == [], "\(category)")
            }
            // Importing twice is importing once, from the own export too.
            #expect(try await node.client.send("POST", "/api/definitions", body: DefinitionsSample.bytes).status == 200)
            #expect(try await node.client.send("POST", "/api/definitions", body: export.body).status == 200)
            #expect(try await node.client.get("/api/definitions").body == export.body)
        }
    }

    @Test func aUserOfTheImportLogsInWithTheOldPassword() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.send("POST", "/api/definitions", body: DefinitionsSample.bytes)
            for (user, password) in [("user1", "secret1"), ("sha512", "secret")] {
                var client = node.client
                client.user = user
                client.password = password
                let reply = try await client.get("/api/whoami")
                #expect(reply.status == 200, "\(user)")
            }
        }
    }

    @Test func aBadFileChangesNothing() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let before = try await node.client.get("/api/definitions").body
            let bodies: [JSONValue] = [
                ["vhosts": [["name": "new"]], "queues": [["name": "q", "vhost": "missing"]]],
                ["vhosts": [["name": "new"]], "queues": [["name": "q"]]],
                [
                    "vhosts": [["name": "new"]],
                    "permissions": [
                        ["user": "missing", "vhost": "new", "configure": "", "write": "", "read": ""]
                    ],
                ],
                ["users": [["name": "new", "tags": ""]], "exchanges": [["name": "x", "vhost": "/"]]],
                [
                    "vhosts": [["name": "new", "limits": ["max-queues": 1]]],
                    "queues": [["name": "q", "vhost": "new"], ["name": "r", "vhost": "new"]],
                ],
            ]
            for body in bodies {
                let reply = try await node.client.post("/api/definitions", body)
                #expect(reply.status == 400)
                #expect(try reply.json.object?["error"] == "bad_request")
            }
            for text in ["{", "[]", "5", "\"x\"", "{\"a\":1,}", "\u{FEFF}{"] {
                let reply = try await node.client.send("POST", "/api/definitions", body: Array(text.utf8))
                #expect(reply.status == 400, "\(text)")
                #expect(reply.reason.hasPrefix("failed_to_parse_json"), "\(reply.reason)")
            }
            #expect(try await node.client.get("/api/definitions").body == before)
        }
    }

    @Test func whatIsThereStaysAsItIsAndIsTold() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let queue: JSONValue = ["queues": [["name": "q", "vhost": "/", "durable": true, "arguments": [:]]]]
            #expect(try await node.client.post("/api/definitions", queue).status == 204)
            #expect(try await node.client.post("/api/definitions", queue).status == 204)
            let other: JSONValue = [
                "queues": [["name": "q", "vhost": "/", "durable": true, "arguments": ["x-max-length": 5]]]
            ]
            let reply = try await node.client.post("/api/definitions", other)
            #expect(reply.status == 200)
            #expect(
                try reply.json.object?["notes"] == [
                    "queue 'q' in vhost '/' was there with other properties, and keeps them"
                ])
            let binding: JSONValue = [
                "bindings": [
                    [
                        "source": "nowhere", "vhost": "/", "destination": "q", "destination_type": "queue",
                        "routing_key": "", "arguments": [:],
                    ]
                ]
            ]
            let left = try await node.client.post("/api/definitions", binding)
            #expect(left.status == 200)
            #expect(left.text.contains("no exchange 'nowhere' in vhost '/'"))
        }
    }

    /// What stands in the way is not known before: then it is told which are there and which are not.
    @Test func anImportThatCannotBeFinishedSaysWhatItDid() async throws {
        try await TestNode.run({
            $0.limits.queues = 2
            $0.limits.virtualHosts = 2
        }) { (node: TestNode) async throws in
            func queue(_ name: String, _ host: String) -> JSONValue {
                ["name": .string(name), "vhost": .string(host), "durable": true, "arguments": [:]]
            }
            func binding(_ destination: String) -> JSONValue {
                [
                    "source": "amq.fanout", "vhost": "/", "destination": .string(destination),
                    "destination_type": "queue", "routing_key": "", "arguments": [:],
                ]
            }
            let reply = try await node.client.post(
                "/api/definitions",
                [
                    "vhosts": [["name": "a"], ["name": "b"]],
                    "queues": [queue("q", "/"), queue("r", "a"), queue("s", "/"), queue("t", "b")],
                    "bindings": [binding("q"), binding("s")],
                ])
            #expect(reply.status == 200)
            let report = try #require(try reply.json.object)
            #expect(report["imported"] == ["vhosts": 1, "queues": 2, "bindings": 1])
            let notes = (report["notes"]?.array ?? []).compactMap(\.string)
            let expected = [
                "vhost 'b' is left out: cannot create vhost 'b': vhost limit of 2 is reached",
                "queue 's' in vhost '/' is left out: cannot declare queue 's': queue limit in cluster (2) is reached",
                "queue 't' in vhost 'b' is left out", "binding from 'amq.fanout' to 's' in vhost '/' is left out",
            ]
            #expect(notes.count == expected.count, "\(notes)")
            for (note, beginning) in zip(notes, expected) { #expect(note.hasPrefix(beginning), "\(note)") }
            let queues = try #require(try await node.client.get("/api/queues?columns=name,vhost").json.array)
            #expect(queues == [["name": "q", "vhost": "/"], ["name": "r", "vhost": "a"]])
            let hosts = try #require(try await node.client.get("/api/vhosts?columns=name").json.array)
            #expect(hosts == [["name": "/"], ["name": "a"]])
            #expect(try await node.client.get("/api/bindings/%2F/e/amq.fanout/q/q").json.array?.count == 1)
        }
    }

    /// The objects of a list, whose order says nothing.
    private func texts(_ list: JSONValue?) -> [String] { (list?.array ?? []).map { String(describing: $0) }.sorted() }

    @Test func aVirtualHostsDefinitionsGoToAnother() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            _ = try await node.client.send("POST", "/api/definitions", body: DefinitionsSample.bytes)
            #expect(try await node.client.put("/api/vhosts/copy").status == 201)
            let export = try await node.client.get("/api/definitions/orders")
            let orders = try #require(try export.json.object)
            #expect(orders["rabbitmq_definition_format"] == "single_virtual_host")
            #expect(orders["users"] == nil)
            #expect(orders["queues"]?.array?.first?.object?["vhost"] == nil)
            #expect(try await node.client.send("POST", "/api/definitions/copy", body: export.body).status == 200)
            let copy = try #require(try await node.client.get("/api/definitions/copy").json.object)
            for category in ["queues", "exchanges", "bindings", "policies", "parameters"] {
                #expect(texts(copy[category]) == texts(orders[category]), "\(category)")
            }
            #expect(try await node.client.get("/api/definitions/nope").status == 400)
            #expect(try await node.client.post("/api/definitions/nope").status == 404)
        }
    }

    @Test func aBrowsersFormIsRead() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let form =
                "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"d.json\"\r\n"
                + "Content-Type: application/json\r\n\r\n{\"vhosts\":[{\"name\":\"formed\"}]}\r\n--x--\r\n"
            let type = ("Content-Type", "multipart/form-data; boundary=x")
            let reply = try await node.client.send(
                "POST", "/api/definitions", headers: [type], body: Array(form.utf8))
            #expect(reply.status == 204)
            #expect(try await node.client.get("/api/vhosts/formed").status == 200)
            for broken in ["", "--x", "--x\r\n", "--x\r\n\r\n\r\n--x--", "--y--", "--x--", String(form.dropLast(8))] {
                let reply = try await node.client.send(
                    "POST", "/api/definitions", headers: [type], body: Array(broken.utf8))
                #expect(reply.status == 400, "\(broken)")
            }
        }
    }

    @Test func theExportHasAFileNameWhereOneIsWanted() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let reply = try await node.client.get("/api/definitions?download=all.json")
            #expect(reply.header("content-disposition") == "attachment; filename=all.json")
            #expect(try await node.client.get("/api/definitions?download=a%22b").status == 400)
            #expect(try await node.client.get("/api/definitions?download=a%0D%0Ab").status == 400)
        }
    }

    @Test func whoIsNoAdministratorNeitherImportsNorExports() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let body: JSONValue = ["tags": "monitoring,policymaker,management", "password": "p"]
            let created = try await node.client.put("/api/users/other", body)
            #expect(created.status == 201)
            var other = node.client
            other.user = "other"
            other.password = "p"
            let refused = try await other.get("/api/definitions")
            #expect(refused.status == 401)
            #expect(try await other.post("/api/definitions").status == 401)
            #expect(try await other.get("/api/definitions/%2F").status == 401)
        }
    }

    @Test func tensOfThousandsOfQueuesAreOneImport() async throws {
        try await TestNode.run { (node: TestNode) async throws in
            let count = 20_000
            var queues: [JSONValue] = []
            var bindings: [JSONValue] = []
            for index in 0..<count {
                let name = JSONValue.string("q\(index)")
                queues.append(["name": name, "vhost": "/", "durable": true, "auto_delete": false, "arguments": [:]])
                bindings.append([
                    "source": "amq.direct", "vhost": "/", "destination": name, "destination_type": "queue",
                    "routing_key": name, "arguments": [:],
                ])
            }
            let body: JSONValue = ["queues": .array(queues), "bindings": .array(bindings)]
            #expect(try await node.client.post("/api/definitions", body).status == 204)
            let exported = try #require(try await node.client.get("/api/definitions").json.object)
            #expect(exported["queues"]?.array?.count == count)
            #expect(exported["bindings"]?.array?.count == count)
        }
    }
}
