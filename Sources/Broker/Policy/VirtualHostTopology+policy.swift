import AMQPWire
import Routing

// Policies: which of them hold for an exchange or a queue, and what that makes of it.
extension VirtualHostTopology {
    mutating func set(
        _ policy: Policy, _ pattern: NamePattern, isOperator: Bool, changes: inout TopologyLog
    ) {
        if isOperator { operatorPolicies.set(policy, pattern) } else { policies.set(policy, pattern) }
        changes.journal(.policySet(virtualHost: name, isOperator: isOperator, policy))
        if isOperator {
            changes.announce(.parameterSet("operator_policy", policy.name, .table(policy.table), name))
        }
        changes.announce(.policySet(policy, name))
        refreshPolicies(of: policy.name, pattern, isOperator: isOperator, changes: &changes)
    }

    /// Returns false when there is none of that name.
    mutating func clearPolicy(_ policy: ShortString, isOperator: Bool, changes: inout TopologyLog) -> Bool {
        guard isOperator ? operatorPolicies.clear(policy) : policies.clear(policy) else { return false }
        changes.journal(.policyCleared(virtualHost: name, isOperator: isOperator, name: policy))
        if isOperator { changes.announce(.parameterCleared("operator_policy", policy, name)) }
        changes.announce(.policyCleared(policy, isOperator: isOperator, name))
        refreshPolicies(of: policy, nil, isOperator: isOperator, changes: &changes)
        return true
    }

    /// Only what had the policy, or what its pattern matches, can have changed.
    private mutating func refreshPolicies(
        of policy: ShortString, _ pattern: NamePattern?, isOperator: Bool, changes: inout TopologyLog
    ) {
        func isConcerned(_ name: ShortString, _ applied: AppliedPolicies) -> Bool {
            (isOperator ? applied.operatorPolicy : applied.policy) == policy || pattern?.matches(name) == true
        }
        for queue in queues.values where isConcerned(queue.name, queue.policies) {
            refreshPolicies(ofQueue: queue.name, changes: &changes)
        }
        for exchange in exchanges.values where isConcerned(exchange.name, exchange.policies) {
            refreshPolicies(ofExchange: exchange.name, changes: &changes)
        }
    }

    /// Tells the queue's shard when it is to have other arguments.
    mutating func refreshPolicies(ofQueue name: ShortString, changes: inout TopologyLog) {
        guard let queue = queues[name] else { return }
        let applied = AppliedPolicies(
            policies.isEmpty ? nil : policies.best(forQueue: name, type: queue.type),
            operatorPolicies.isEmpty ? nil : operatorPolicies.best(forQueue: name, type: queue.type))
        guard applied != queue.policies else { return }
        queues[name]?.policies = applied
        guard applied.definition != queue.policies.definition else { return }
        let arguments = QueueArguments(
            effective: queue.arguments, policy: applied.definition, resource: resource(.queue, name))
        if arguments.mayReject != queue.mayReject {
            queues[name]?.mayReject = arguments.mayReject
            changes.append(.rejectionChanged(queue.address, mayReject: arguments.mayReject))
        }
        changes.append(.queueArgumentsChanged(address: queue.address, arguments))
    }

    mutating func refreshPolicies(ofExchange name: ShortString, changes: inout TopologyLog) {
        guard let exchange = exchanges[name] else { return }
        let applied = AppliedPolicies(
            policies.isEmpty ? nil : policies.best(forExchange: name),
            operatorPolicies.isEmpty ? nil : operatorPolicies.best(forExchange: name))
        guard applied != exchange.policies else { return }
        exchanges[name]?.policies = applied
        let key: ShortString = "alternate-exchange"
        guard applied.definition?[key] != exchange.policies.definition?[key] else { return }
        var alternate: ShortString?
        if case .longString(let bytes)? = applied.definition?[key], bytes.count <= ShortString.byteLimit {
            alternate = ShortString(bytes: bytes)
        }
        setPolicyAlternate(alternate, of: exchange, changes: &changes)
    }
}

/// The policies that hold for an exchange or a queue, and what they say together.
package struct AppliedPolicies: Equatable, Sendable {
    package var policy: ShortString?
    package var operatorPolicy: ShortString?
    /// nil when none holds.
    package var definition: FieldTable?

    init() {}

    init(_ policy: Policy?, _ operatorPolicy: Policy?) {
        self.policy = policy?.name
        self.operatorPolicy = operatorPolicy?.name
        definition = PolicyDefinition.merge(policy?.definition, operatorPolicy?.definition)
    }
}
