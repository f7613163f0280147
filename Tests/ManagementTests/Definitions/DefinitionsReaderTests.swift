import AMQPWire
import Broker
import JSON
import Testing

@testable import Management

@Suite struct DefinitionsReaderTests {
    private func read(_ object: JSONObject, virtualHost: ShortString? = nil) throws -> Definitions {
        try DefinitionsReader.read(object, virtualHost: virtualHost)
    }

    private func problems(_ object: JSONObject) -> [String] {
        do throws(DefinitionsError) {
            _ = try DefinitionsReader.read(object)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func whatRabbitMQExportsIsReadAsItIs() throws {
        let definitions = try read(try DefinitionsSample.json)
        #expect(definitions.users.count == 12)
        #expect(definitions.virtualHosts.map(\.name).sorted() == ["/", "billing/eu", "orders"])
        #expect(definitions.permissions.count == 12)
        #expect(definitions.topicPermissions.count == 4)
        #expect(definitions.policies.count { !$0.isOperator } == 10)
        #expect(definitions.policies.count { $0.isOperator } == 3)
        #expect(definitions.queues.count == 45)
        #expect(definitions.exchanges.count == 30)
        #expect(definitions.bindings.count == 75)
        #expect(definitions.virtualHosts.first { $0.name == "orders" }?.limits.maxQueues == 500)
        #expect(definitions.virtualHosts.first { $0.name == "orders" }?.limits.maxConnections == -1)
        #expect(Set(definitions.globalParameters.map(\.name)) == ["cluster_name", "teams"])
        #expect(
            definitions.notes.sorted() == [
                "federation-upstream 'up' in vhost 'orders' is kept and not active",
                "shovel 'mover' in vhost 'orders' is kept and not active",
            ])
        let sha512 = try #require(definitions.users.first { $0.name == "sha512" })
        guard case .hash(let bytes, "rabbit_password_hashing_sha512") = sha512.secret else {
            Issue.record("\(sha512)")
            return
        }
        #expect(bytes.count == 4 + 64)
    }

    @Test func everyMistakeNamesItsObjectAndField() {
        #expect(problems(["queues": 5]) == ["'queues': an array was expected, found an integer"])
        #expect(problems(["queues": [5]]) == ["queues[0]: an object was expected, found an integer"])
        #expect(problems(["queues": [["name": "q"]]]) == ["queues[0] ('q'): field 'vhost' is missing"])
        #expect(
            problems(["queues": [["name": "q", "vhost": "/", "durable": "no"]]]) == [
                "queues[0] ('q'): field 'durable': true or false was expected, found a string"
            ])
        #expect(
            problems(["queues": [["name": "q", "vhost": "/", "arguments": ["x-max-length": "many"]]]]) == [
                "queues[0] ('q'): invalid arg 'x-max-length' for queue 'q' in vhost '/': "
                    + "\"expected integer, got longstr\""
            ])
        #expect(problems(["users": [["name": "u"]]]) == ["users[0] ('u'): tags_not_present: field 'tags' is missing"])
        #expect(
            problems(["users": [["name": "u", "tags": "", "password_hash": "!"]]]) == [
                "users[0] ('u'): field 'password_hash': not_base64"
            ])
        #expect(
            problems(["bindings": [["source": "x", "destination": "q", "vhost": "/", "destination_type": "topic"]]])
                == ["bindings[0]: field 'destination_type': queue or exchange was expected"])
        #expect(problems(["permissions": [["user": "u", "vhost": "/", "configure": "("]]]).count == 1)
        #expect(
            problems(["policies": [["vhost": "/", "name": "p", "pattern": "(", "definition": ["max-length": 1]]]])
                .count == 1)
        let long = JSONValue.string(String(repeating: "n", count: 256))
        #expect(
            problems(["vhosts": [["name": long]]]).first?.hasSuffix("field 'name': a name has at most 255 bytes")
                == true)
    }

    @Test func whatThisBrokerHasNotIsLeftOutAndTold() throws {
        let definitions = try read([
            "queues": [
                ["name": "s", "vhost": "/", "durable": true, "arguments": ["x-queue-type": "stream"]],
                ["name": "amq.gen-1", "vhost": "/", "durable": true, "arguments": [:]],
                ["name": "q", "vhost": "/", "type": "quorum", "durable": true, "arguments": [:]],
            ],
            "exchanges": [
                ["name": "j", "vhost": "/", "type": "x-jms-topic", "durable": true],
                ["name": "amq.topic", "vhost": "/", "type": "topic", "durable": true],
                ["name": "", "vhost": "/", "type": "direct", "durable": true],
            ],
            "policies": [
                ["vhost": "/", "name": "ha", "pattern": ".*", "definition": ["ha-mode": "all"]],
                [
                    "vhost": "/", "name": "both", "pattern": ".*",
                    "definition": ["ha-mode": "all", "max-length": 3],
                ],
            ],
        ])
        #expect(definitions.queues.map(\.name) == ["q"])
        #expect(definitions.queues.first?.arguments["x-queue-type"] == .string("quorum"))
        #expect(definitions.exchanges.isEmpty)
        #expect(definitions.policies.map(\.policy.definition) == [["max-length": .int64(3)]])
        #expect(
            definitions.notes == [
                "exchange 'j' in vhost '/' is left out: no exchanges of type 'x-jms-topic' here",
                "policy 'ha' in vhost '/' is left out: it has only 'ha-mode', which mean nothing here",
                "policy 'both' in vhost '/' is without 'ha-mode', which mean nothing here",
                "queue 's' in vhost '/' is left out: there are no queues of type 'stream' here",
                "queue 'amq.gen-1' in vhost '/' is left out: the prefix 'amq.' is reserved",
            ])
    }

    @Test func definitionsOfOneVirtualHostAreThatVirtualHosts() throws {
        let definitions = try read(
            [
                "users": [["name": "u"]],
                "queues": [["name": "q"], ["name": "r", "vhost": "elsewhere"]],
            ], virtualHost: "here")
        #expect(definitions.users.isEmpty)
        #expect(definitions.queues.map(\.virtualHost) == ["here", "here"])
    }

    @Test func olderAndOtherFormsAreRead() throws {
        let definitions = try read([
            "users": [
                ["name": "old", "administrator": "true", "password_hash": ""],
                ["name": "comma", "tags": "management, policymaker", "password": "secret"],
            ],
            "vhosts": [
                ["name": "a", "metadata": ["description": "d", "tags": ["t"], "default_queue_type": "quorum"]],
                ["name": "b", "limits": [], "default_queue_type": "rabbit_quorum_queue", "tracing": true],
            ],
            "parameters": [
                ["vhost": "z", "component": "vhost-limits", "name": "limits", "value": ["max-connections": 3]]
            ],
            "exchanges": [["name": "x", "vhost": "a", "type": "fanout", "arguments": []]],
        ])
        #expect(definitions.users.map(\.tags) == [["administrator"], ["management", "policymaker"]])
        #expect(definitions.virtualHosts.map(\.defaultQueueType) == [.quorum, .quorum])
        #expect(definitions.virtualHosts[0].description == "d")
        #expect(definitions.virtualHosts[0].tags == ["t"])
        #expect(definitions.virtualHosts[1].isTracing == true)
        #expect(definitions.limits["z"]?.maxConnections == 3)
        #expect(definitions.exchanges.first?.isDurable == true)
    }

    @Test func aThousandMistakesAreNotAllLookedFor() {
        let queues = (0..<1000).map { _ in JSONValue.integer(1) }
        #expect(problems(["queues": .array(queues)]).count == 100)
        #expect("\(DefinitionsError(Array(repeating: "p", count: 30)))".hasSuffix("p; and 10 more"))
    }
}
