import AMQPWire
import Testing

@testable import Broker

struct PolicyTests {
    private func policy(
        _ name: ShortString, _ pattern: String = ".*", _ target: Policy.Target = .all, priority: Int64 = 0,
        _ definition: FieldTable = ["max-length": .int64(1)]
    ) -> Policy {
        Policy(name: name, pattern: pattern, target: target, priority: priority, definition: definition)
    }

    @Test(arguments: [
        ("", "", true), ("", "any", true), (".*", "any", true), ("^", "any", true),
        ("^a.b", "axb", true), ("a", "bab", true), ("^a", "ab", true), ("^a", "ba", false), ("^ab$", "ab", true),
        ("^ab$", "abc", false), ("b$", "ab", true), ("^a|b$", "xb", true), ("^amq\\.", "amq.gen", true),
        ("^amq\\.", "amqXgen", false), ("^(?!amq\\.).*", "amq.gen", false), ("^(?!amq\\.).*", "own", true),
        ("^[a-z]{2,3}$", "abc", true), ("^[a-z]{2,3}$", "abcd", false), ("^\u{e9}$", "\u{e9}", true), ("A", "a", false),
        ("(?i)A", "a", true),
    ])
    func aPatternMatchesAnywhere(_ pattern: String, _ name: String, _ matches: Bool) throws {
        #expect(try NamePattern(pattern).matches(ShortString(truncating: name)) == matches)
    }

    @Test(arguments: ["(", "[a", "*", "a{2,1}", "\\"])
    func whatIsNoPatternIsRefused(_ pattern: String) {
        #expect(throws: AdministrationError.self) { try NamePattern(pattern) }
    }

    @Test func theHighestPriorityCountsAndOfEqualOnesTheFirstByName() throws {
        var table = PolicyTable()
        let everything = try NamePattern(".*")
        table.set(policy("c", priority: 1), everything)
        table.set(policy("b", priority: 1), everything)
        table.set(policy("a", priority: -1), everything)
        table.set(policy("d", priority: 2), try NamePattern("^special"))
        #expect(table.policies.map(\.name) == ["d", "b", "c", "a"])
        #expect(table.best(forQueue: "q", type: .classic)?.name == "b")
        #expect(table.best(forQueue: "special", type: .classic)?.name == "d")
        let cleared = [table.clear("b"), table.clear("b")]
        #expect(cleared == [true, false])
        #expect(table.best(forExchange: "q")?.name == "c")
        table.set(policy("c", priority: -2), everything)
        #expect(table.best(forExchange: "q")?.name == "a")
    }

    @Test func aPolicyIsForWhatItSays() throws {
        func found(_ target: Policy.Target) throws -> [Bool] {
            var table = PolicyTable()
            table.set(policy("p", ".*", target), try NamePattern(".*"))
            return [
                table.best(forQueue: "q", type: .classic) != nil, table.best(forQueue: "q", type: .quorum) != nil,
                table.best(forExchange: "q") != nil,
            ]
        }
        #expect(try found(.all) == [true, true, true])
        #expect(try found(.queues) == [true, true, false])
        #expect(try found(.classicQueues) == [true, false, false])
        #expect(try found(.quorumQueues) == [false, true, false])
        #expect(try found(.exchanges) == [false, false, true])
        #expect(try found(.streams) == [false, false, false])
    }

    /// RabbitMQ: the whole policy is not for such a queue, and another one may be.
    @Test func aPolicyWithAKeyThatTheTypeDoesNotKnowIsNotForIt() throws {
        var table = PolicyTable()
        table.set(policy("p", priority: 2, ["queue-mode": .string("lazy")]), try NamePattern(".*"))
        table.set(policy("r"), try NamePattern(".*"))
        #expect(table.best(forQueue: "q", type: .classic)?.name == "p")
        #expect(table.best(forQueue: "q", type: .quorum)?.name == "r")
    }

    @Test(
        arguments: [
            (FieldTable(), false, "no policy provided"),
            (["max-length": .int64(-1)], false, "-1 is not a valid maximum length"),
            (["max-length": .string("5")], false, "<<\"5\">> is not a valid maximum length"),
            (["expires": .int64(0)], false, "0 is not a valid queue expiry"),
            (["overflow": .string("no")], false, "<<\"no\">> is not a valid overflow value"),
            (["dead-letter-exchange": .int64(1)], false, "1 is not a valid dead letter exchange name"),
            (["max-age": .string("7X")], false, "<<\"7X\">> is not a valid max age"),
            (["colour": .string("red")], false, "[{<<\"colour\">>,<<\"red\">>}] are not recognised policy settings"),
            (
                ["alternate-exchange": .string("a")], true,
                "[{<<\"alternate-exchange\">>,<<\"a\">>}] are not recognised policy settings"
            ),
        ] as [(FieldTable, Bool, String)])
    func aDefinitionIsChecked(_ definition: FieldTable, _ isOperator: Bool, _ reason: String) {
        #expect(throws: AdministrationError.invalid(reason)) {
            try PolicyDefinition.check(definition, isOperator: isOperator)
        }
    }

    @Test func everyKeyIsAccepted() throws {
        let definition: FieldTable = [
            "alternate-exchange": .string("a"), "dead-letter-exchange": .string(""),
            "dead-letter-routing-key": .string("k"), "dead-letter-strategy": .string("at-least-once"),
            "message-ttl": .int64(0), "expires": .int64(1), "max-length": .int64(0), "max-length-bytes": .int64(0),
            "max-in-memory-length": .int64(0), "max-in-memory-bytes": .int64(0), "queue-mode": .string("lazy"),
            "queue-version": .int64(2), "overflow": .string("reject-publish-dlx"), "delivery-limit": .int64(-1),
            "consumer-timeout": .int64(1), "max-age": .string("7D"), "queue-leader-locator": .string("balanced"),
            "initial-cluster-size": .int64(3), "stream-max-segment-size-bytes": .int64(1),
            "delayed-retry-type": .string("all"), "delayed-retry-min": .int64(1), "delayed-retry-max": .int64(2),
        ]
        try PolicyDefinition.check(definition, isOperator: false)
        #expect(throws: AdministrationError.self) {
            try PolicyDefinition.check(FieldTable(definition.entries + definition.entries), isOperator: false)
        }
    }

    @Test func theOperatorsStricterNumberCounts() {
        let merged = PolicyDefinition.merge(
            ["max-length": .int64(5), "message-ttl": .int64(10), "overflow": .string("drop-head")],
            [
                "max-length": .int64(9), "message-ttl": .int64(3), "expires": .int64(7),
                "overflow": .string("reject-publish"),
            ])
        #expect(
            merged == [
                "max-length": .int64(5), "message-ttl": .int64(3), "overflow": .string("reject-publish"),
                "expires": .int64(7),
            ])
        #expect(PolicyDefinition.merge(nil, nil) == nil)
        #expect(
            PolicyDefinition.merge(["delivery-limit": .int64(-1)], ["delivery-limit": .int64(4)])
                == ["delivery-limit": .int64(4)])
    }

    private func effective(_ table: FieldTable, _ policy: FieldTable) -> QueueArguments {
        QueueArguments(
            effective: table, policy: policy, resource: ResourceName(kind: .queue, name: "q", virtualHost: "/"))
    }

    /// Row "policies": numbers, the minimum; strings, the argument.
    @Test func argumentsAndPoliciesAreMerged() {
        let policy: FieldTable = [
            "message-ttl": .int64(10), "expires": .int64(20), "max-length": .int64(30), "max-length-bytes": .int64(40),
            "consumer-timeout": .int64(50), "delivery-limit": .int64(6), "dead-letter-exchange": .string("policy"),
            "dead-letter-routing-key": .string("policy"), "overflow": .string("reject-publish"),
        ]
        let alone = effective(FieldTable(), policy)
        #expect(alone.messageTTLMilliseconds == 10)
        #expect(alone.expiresMilliseconds == 20)
        #expect(alone.maxLength == 30)
        #expect(alone.maxLengthBytes == 40)
        #expect(alone.consumerTimeoutMilliseconds == 50)
        #expect(alone.deliveryLimit == 6)
        #expect(alone.deadLetterExchange == "policy")
        #expect(alone.deadLetterRoutingKey == "policy")
        #expect(alone.overflow == .rejectPublish)
        let both = effective(
            [
                "x-message-ttl": .int64(5), "x-expires": .int64(50), "x-max-length": .int64(5),
                "x-delivery-limit": .int64(-1), "x-dead-letter-exchange": .string("own"),
                "x-overflow": .string("drop-head"),
            ], policy)
        #expect(both.messageTTLMilliseconds == 5)
        #expect(both.expiresMilliseconds == 20)
        #expect(both.maxLength == 5)
        #expect(both.maxLengthBytes == 40)
        #expect(both.deliveryLimit == 6)
        #expect(both.deadLetterExchange == "own")
        #expect(both.deadLetterRoutingKey == "policy")
        #expect(both.overflow == .dropHead)
    }

    @Test func quorumQueuesTakeThePolicysOverflowAndLimit() {
        let quorum: FieldTable = ["x-queue-type": .string("quorum"), "x-overflow": .string("drop-head")]
        #expect(effective(quorum, ["overflow": .string("reject-publish")]).overflow == .rejectPublish)
        #expect(effective(quorum, ["delivery-limit": .int64(30)]).deliveryLimit == 30)
        #expect(effective(quorum, ["delivery-limit": .int64(-1)]).deliveryLimit == nil)
        #expect(effective(quorum, ["max-length": .int64(1)]).deliveryLimit == 20)
        let retry = effective(
            quorum,
            [
                "delayed-retry-type": .string("failed"), "delayed-retry-min": .int64(10),
                "delayed-retry-max": .int64(90),
            ])
        #expect(
            retry.delayedRetry
                == DelayedRetry(kind: .failed, minimumMilliseconds: 10, maximumMilliseconds: 90))
    }
}
