import JSON
import Testing

@testable import leveretctl

@Suite struct DefinitionsTests {
    private let before: JSONValue = [
        "rabbit_version": "3.10.8",
        "users": [["name": "alice", "tags": "administrator", "password_hash": "AAA"]],
        "vhosts": [["name": "/"]],
        "queues": [
            ["name": "orders", "vhost": "/", "durable": true, "auto_delete": false, "arguments": ["x-max-length": 10]],
            ["name": "old", "vhost": "/", "durable": true, "arguments": []],
        ],
        "bindings": [
            [
                "source": "orders", "vhost": "/", "destination": "orders", "destination_type": "queue",
                "routing_key": "a", "arguments": [:],
            ]
        ],
        "policies": [["vhost": "/", "name": "p", "pattern": "^x", "definition": ["max-length": 1]]],
    ]

    private func diff(_ change: (inout JSONValue) -> Void) -> [DefinitionsDiff.Difference] {
        var after = before
        change(&after)
        return DefinitionsDiff(from: before, to: after).differences
    }

    @Test func theSameSaidOtherwiseIsNoDifference() {
        let differences = diff { after in
            after["rabbit_version"] = "4.2.0"
            after["users"] = [["tags": ["administrator"], "name": "alice", "password_hash": "AAA", "limits": [:]]]
            after["vhosts"] = [["name": "/", "metadata": ["description": "", "tags": []], "limits": []]]
            after["queues"] = .array(before["queues"].items.reversed())
            after["policies"] = [
                [
                    "vhost": "/", "name": "p", "pattern": "^x", "apply-to": "all", "priority": 0,
                    "definition": ["max-length": 1],
                ]
            ]
            after["exchanges"] = []
        }
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test func whatDiffersIsNamed() {
        let differences = diff { after in
            after["users"] = [["name": "alice", "tags": "monitoring", "password_hash": "BBB"]]
            after["queues"] = [
                ["name": "orders", "vhost": "/", "durable": true, "arguments": ["x-max-length": 20]],
                ["name": "new", "vhost": "/", "durable": true],
            ]
            after["bindings"] = []
        }
        #expect(
            DefinitionsDiff.lines(differences) == [
                "users", "  ~ alice", "      password_hash: differs",
                #"      tags: ["administrator"] → ["monitoring"]"#,
                "queues", "  + new (/)", "  - old (/)", "  ~ orders (/)", "      arguments.x-max-length: 10 → 20",
                "bindings", "  - orders 'a' → queue orders (/)",
            ])
        #expect(differences[0].json["kind"] == "changed")
    }

    @Test func bindingsWithOtherArgumentsAreOthers() {
        let differences = diff { after in
            after["bindings"] = .array(
                before["bindings"].items.map { binding in
                    var other = binding
                    other["arguments"] = ["x": 1]
                    return other
                })
        }
        #expect(differences.map(\.kind) == [.removed, .added])
    }

    @Test func summariesCount() {
        #expect(DefinitionsSummary(before).text == "1 user, 1 virtual host, 1 policy, 2 queues, 1 binding")
        #expect(DefinitionsSummary([:]).text == "no objects")
    }

    @Test func whatIsNotVeryLargeIsOnePart() {
        #expect(DefinitionsPart.parts(of: before) == [DefinitionsPart(definitions: before)])
    }

    @Test func largeFilesAreSplitInOrder() {
        // So small that every object is too large for a part with another.
        let parts = DefinitionsPart.parts(of: before, byteLimit: 1)
        #expect(
            parts.map(\.text) == [
                "what is not a queue, exchange or binding", "queues 1 to 1", "queues 2 to 2", "bindings 1 to 1",
            ])
        #expect(parts[0].definitions["users"] == before["users"] && parts[0].definitions["queues"].isNull)
        #expect(parts[1].definitions["queues"].items.count == 1)
        #expect(parts[1].definitions["rabbit_version"] == "3.10.8" && parts[1].definitions["users"].isNull)
        #expect(parts[3].definitions["bindings"] == before["bindings"])
    }

    @Test(arguments: [60, 500, 1000, 3000, 10_000])
    func partsFitAndHaveEverythingOnce(byteLimit: Int) {
        func names(_ count: Int) -> JSONValue { .array((0..<count).map { ["name": .string("n\($0)")] }) }
        let definitions: JSONValue = ["rabbit_version": "4.2.0", "queues": names(150), "bindings": names(70)]
        let parts = DefinitionsPart.parts(of: definitions, byteLimit: byteLimit)
        #expect((parts.count == 1) == (definitions.encoded.count <= byteLimit))
        for name in ["queues", "bindings"] {
            #expect(parts.flatMap { $0.definitions[name].items } == definitions[name].items)
        }
        // The members' names and what belongs to each part come on top.
        #expect(parts.allSatisfy { $0.definitions.encoded.count <= byteLimit + 100 })
        #expect(parts.allSatisfy { DefinitionsSummary($0.definitions).total > 0 })
        #expect(DefinitionsSummary(sum: parts.map { DefinitionsSummary($0.definitions) }).total == 220)
    }
}
