import AMQPWire
import Testing

@testable import Broker

/// Row "policies": applied live to what is there, and to what comes.
@Suite struct PolicyConversationTests {
    private func policy(
        _ name: ShortString, _ pattern: String, priority: Int64 = 0, _ definition: FieldTable
    ) -> Policy {
        Policy(name: name, pattern: pattern, target: .all, priority: priority, definition: definition)
    }

    private func expectCount(
        _ count: UInt32, in queue: ShortString, _ client: ConversationClient,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client.request(
            QueueDeclare(queue: queue, passive: true), QueueDeclareOk(queue: queue, messageCount: count),
            sourceLocation: sourceLocation)
    }

    @Test(arguments: [0, 1])
    func aPolicyHoldsForQueuesThatAreThereAndForNewOnes(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect(shard: shard)
            owner.declare(QueueDeclare(queue: "q1"))
            owner.declare(QueueDeclare(queue: "other"))
            for body in ["1", "2", "3"] {
                owner.publish(body, routingKey: "q1")
                owner.publish(body, routingKey: "other")
            }
            #expect(throws: Never.self) {
                try broker.controlPlane.setPolicy(policy("p", "^q", ["max-length": .int64(1)]), virtualHost: "/")
            }
            broker.advance(milliseconds: 1000)
            expectCount(1, in: "q1", owner)
            expectCount(3, in: "other", owner)
            owner.declare(QueueDeclare(queue: "q2"))
            for body in ["1", "2"] { owner.publish(body, routingKey: "q2") }
            owner.get("q2", expecting: "2", tag: 1, noAck: true)
            #expect(throws: Never.self) { try broker.controlPlane.clearPolicy("p", virtualHost: "/") }
            broker.advance(milliseconds: 1000)
            for body in ["4", "5"] { owner.publish(body, routingKey: "q1") }
            expectCount(3, in: "q1", owner)
        }
    }

    @Test func theNextBestPolicyTakesOver() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        try controlPlane.setPolicy(policy("low", ".*", ["max-length": .int64(1)]), virtualHost: "/")
        try controlPlane.setPolicy(policy("high", "^amq", priority: 1, ["expires": .int64(1)]), virtualHost: "/")
        func applied(_ exchange: ShortString) -> ShortString? {
            controlPlane.appliedPolicies(toExchange: exchange, virtualHost: "/")?.policy
        }
        #expect(applied("amq.topic") == "high")
        #expect(applied("") == "low")
        try controlPlane.setPolicy(policy("high", "^x", priority: 1, ["expires": .int64(1)]), virtualHost: "/")
        #expect(applied("amq.topic") == "low")
        try controlPlane.clearPolicy("low", virtualHost: "/")
        #expect(applied("amq.topic") == nil)
        #expect(throws: AdministrationError.notFound("policy 'low' in vhost '/' not found")) {
            try controlPlane.clearPolicy("low", virtualHost: "/")
        }
        #expect(throws: AdministrationError.notFound("vhost 'v' not found")) {
            try controlPlane.setPolicy(policy("p", "", ["max-length": .int64(1)]), virtualHost: "v")
        }
        #expect(try controlPlane.policies(virtualHost: "/").map(\.name) == ["high"])
    }

    @Test func anOperatorPolicyBoundsWhatQueuesAskFor() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", arguments: ["x-max-length": .int64(5)]))
            #expect(throws: Never.self) {
                try broker.controlPlane.setPolicy(policy("p", "", ["max-length": .int64(4)]), virtualHost: "/")
                try broker.controlPlane.setPolicy(
                    policy("o", "", ["max-length": .int64(2)]), isOperator: true, virtualHost: "/")
            }
            for body in ["1", "2", "3"] { client.publish(body, routingKey: "q") }
            expectCount(2, in: "q", client)
            let applied = broker.controlPlane.appliedPolicies(toQueue: "q", virtualHost: "/")
            #expect(applied?.policy == "p")
            #expect(applied?.operatorPolicy == "o")
            #expect(applied?.definition == ["max-length": .int64(2)])
        }
    }

    @Test func aPolicyGivesADeadLetterExchange() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.declare(QueueDeclare(queue: "dead"))
            #expect(throws: Never.self) {
                try broker.controlPlane.setPolicy(
                    policy(
                        "p", "^q$", ["dead-letter-exchange": .string(""), "dead-letter-routing-key": .string("dead")]),
                    virtualHost: "/")
            }
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            client.get("dead", expecting: "one", tag: 2)
        }
    }

    /// Row "alternate exchange": by argument or by policy; the argument goes first.
    @Test func aPolicyGivesAnAlternateExchange() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "unrouted"))
            client.request(QueueBind(queue: "unrouted", exchange: "amq.fanout"), QueueBindOk())
            client.request(
                ExchangeDeclare(
                    exchange: "own", type: "direct", arguments: ["alternate-exchange": .string("nowhere")]),
                ExchangeDeclareOk())
            client.request(ExchangeDeclare(exchange: "x", type: "direct"), ExchangeDeclareOk())
            #expect(throws: Never.self) {
                try broker.controlPlane.setPolicy(
                    policy("p", "^(x|y|own)$", ["alternate-exchange": .string("amq.fanout")]), virtualHost: "/")
            }
            client.request(ExchangeDeclare(exchange: "y", type: "direct"), ExchangeDeclareOk())
            for exchange in ["x", "y"] as [ShortString] {
                client.publish("one", exchange: exchange, routingKey: "unrouted", mandatory: true)
            }
            client.publish("two", exchange: "own", routingKey: "k", mandatory: true)
            client.expectReturn("two", exchange: "own", routingKey: "k")
            client.request(QueuePurge(queue: "unrouted"), QueuePurgeOk(messageCount: 2))
            #expect(throws: Never.self) { try broker.controlPlane.clearPolicy("p", virtualHost: "/") }
            client.publish("three", exchange: "x", routingKey: "k", mandatory: true)
            client.expectReturn("three", exchange: "x", routingKey: "k")
        }
    }

    @Test(arguments: [0, 1])
    func aPolicyMakesAQueueRejectWhatIsPublished(shard: Int) {
        converse(shards: 2) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let publisher = broker.connect(shard: shard)
            publisher.request(ConfirmSelect(), ConfirmSelectOk())
            publisher.publish("one", routingKey: "q")
            publisher.expect(BasicAck(deliveryTag: 1))
            #expect(throws: Never.self) {
                try broker.controlPlane.setPolicy(
                    policy("p", "", ["max-length": .int64(1), "overflow": .string("reject-publish")]),
                    virtualHost: "/")
            }
            broker.advance(milliseconds: 1000)
            publisher.publish("two", routingKey: "q")
            publisher.expect(BasicNack(deliveryTag: 2))
            #expect(throws: Never.self) { try broker.controlPlane.clearPolicy("p", virtualHost: "/") }
            broker.advance(milliseconds: 1000)
            publisher.publish("three", routingKey: "q")
            publisher.expect(BasicAck(deliveryTag: 3))
        }
    }

    @Test func policiesAreJournaledAndRecovered() throws {
        let journal = DrivenJournal(shardCount: 1, pace: .onDemand)
        let before = Conversation(shards: 1, settings: BrokerSettings(), journal: journal)
        let policy = policy("p", "^q", ["max-length": .int64(1)])
        try before.controlPlane.setPolicy(policy, virtualHost: "/")
        try before.controlPlane.setPolicy(policy, isOperator: true, virtualHost: "/")
        try before.controlPlane.clearPolicy("p", isOperator: true, virtualHost: "/")
        before.connect().declare(QueueDeclare(queue: "q", durable: true))
        var snapshot: [UInt8]?
        #expect(
            journal.takeStateRecords() == ["policy p", "operator policy p", "no operator policy p", "queue q is 1"])
        journal.onTake = { _, records in
            for case .stateSnapshot(let bytes) in records { snapshot = bytes }
        }
        before.controlPlane.appendSnapshot()
        before.settle()
        let topology = try DurableTopology(snapshot: snapshot, changes: [])
        before.end(sourceLocation: #_sourceLocation)
        let after = Conversation(shards: 1, settings: BrokerSettings()) { controlPlane, shards in
            #expect(controlPlane.recover(topology, shards: shards).problems == [])
            for shard in shards { shard.finishRecovery(nextSequence: 1) }
        }
        #expect(try after.controlPlane.policies(virtualHost: "/") == [policy])
        let client = after.connect()
        for body in ["1", "2"] { client.publish(body, routingKey: "q") }
        expectCount(1, in: "q", client)
        after.end(sourceLocation: #_sourceLocation)
    }
}
