import AMQPWire
import Routing
import SplitMix
import Testing

@testable import Broker

/// Policies, queues and exchanges come and go at random; what holds for each is compared with looking at all policies.
@Suite struct PolicyModelTests {
    private static let patterns = ["", "^a", "^a1$", "1$", "^[ab]1", "(?!a)b"]
    private static let names: [ShortString] = ["a1", "a2", "b1", "b2"]

    private struct Model {
        var policies: [ShortString: Policy] = [:]
        var operatorPolicies: [ShortString: Policy] = [:]

        private func best(_ all: [ShortString: Policy], _ name: ShortString, _ type: QueueType?) throws -> Policy? {
            try all.values.filter { policy in
                let isMeant = type.map(policy.applies) ?? policy.appliesToExchanges
                return try isMeant && NamePattern(policy.pattern).matches(name)
            }.min { ($1.priority, $0.name) < ($0.priority, $1.name) }
        }

        func applied(_ name: ShortString, _ type: QueueType?) throws -> AppliedPolicies {
            AppliedPolicies(try best(policies, name, type), try best(operatorPolicies, name, type))
        }
    }

    private func policy(_ random: inout SplitMix64) -> Policy {
        var definition: FieldTable = ["max-length": .int64(Int64(random.below(5)))]
        if random.chance(30) { definition["overflow"] = .string("reject-publish") }
        if random.chance(20) { definition["expires"] = .int64(1_000_000) }
        return Policy(
            name: random.pick(["p", "q", "r", "s"]), pattern: random.pick(Self.patterns),
            target: random.pick(Policy.Target.allCases), priority: Int64(random.below(3)), definition: definition)
    }

    private func change(
        _ model: inout Model, _ broker: Conversation, _ client: ConversationClient, _ random: inout SplitMix64
    ) throws {
        let name = random.pick(Self.names)
        switch random.below(10) {
        case 0..<4:
            let policy = policy(&random)
            let isOperator = random.chance(40)
            try broker.controlPlane.setPolicy(policy, isOperator: isOperator, virtualHost: "/")
            if isOperator {
                model.operatorPolicies[policy.name] = policy
            } else {
                model.policies[policy.name] = policy
            }
        case 4:
            guard let policy = model.policies.keys.sorted().first else { return }
            model.policies[policy] = nil
            try broker.controlPlane.clearPolicy(policy, virtualHost: "/")
        case 5:
            guard let policy = model.operatorPolicies.keys.sorted().last else { return }
            model.operatorPolicies[policy] = nil
            try broker.controlPlane.clearPolicy(policy, isOperator: true, virtualHost: "/")
        case 6:
            client.send(ExchangeDelete(exchange: name, noWait: true))
            client.send(ExchangeDeclare(exchange: name, type: "direct", noWait: true))
        case 7: client.send(QueueDelete(queue: name, noWait: true))
        default: client.send(Self.declare(name))
        }
    }

    private static func declare(_ name: ShortString) -> QueueDeclare {
        let type = name.hasPrefix("b") ? "quorum" : "classic"
        return QueueDeclare(
            queue: name, durable: true, noWait: true,
            arguments: ["x-queue-type": .string(type), "x-max-length": .int64(3)])
    }

    @Test(arguments: Seeds.first(8))
    func whatHoldsIsWhatTheBestPoliciesSay(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var model = Model()
        let broker = Conversation(shards: 2, settings: BrokerSettings())
        let clients = [broker.connect(shard: 0), broker.connect(shard: 1)]
        for _ in 0..<60 {
            try change(&model, broker, random.pick(clients), &random)
            broker.advance(milliseconds: 1000)
            let topology = try broker.controlPlane.withTopology { topology in
                Array(topology.virtualHosts[0].queues.values)
            }
            for queue in topology {
                let applied = try model.applied(queue.name, queue.type)
                #expect(queue.policies == applied)
                let state = broker.shards[queue.address.shard].queue(queue.address)
                let arguments = QueueArguments(
                    effective: queue.arguments, policy: applied.definition,
                    resource: ResourceName(kind: .queue, name: queue.name, virtualHost: "/"))
                #expect(state?.pointee.arguments == arguments)
                for shard in broker.shards {
                    #expect(shard.rejectingQueues.contains(queue.address) == arguments.mayReject)
                }
            }
            for name in Self.names {
                let found = broker.controlPlane.appliedPolicies(toExchange: name, virtualHost: "/")
                if let found { #expect(try found == model.applied(name, nil)) }
            }
        }
        broker.end(sourceLocation: #_sourceLocation)
    }
}
