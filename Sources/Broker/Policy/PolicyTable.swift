import AMQPWire

/// The policies of a virtual host, or its operator policies: the best first.
struct PolicyTable {
    private struct Row {
        let policy: Policy
        let pattern: NamePattern
    }

    private var rows: [Row] = []

    var isEmpty: Bool { rows.isEmpty }
    var policies: [Policy] { rows.map(\.policy) }

    /// Adds a policy, in the place of the one with its name.
    mutating func set(_ policy: Policy, _ pattern: NamePattern) {
        clear(policy.name)
        let place = rows.firstIndex {
            ($0.policy.priority, policy.name) < (policy.priority, $0.policy.name)
        }
        rows.insert(Row(policy: policy, pattern: pattern), at: place ?? rows.count)
    }

    @discardableResult
    mutating func clear(_ name: ShortString) -> Bool {
        guard let index = rows.firstIndex(where: { $0.policy.name == name }) else { return false }
        rows.remove(at: index)
        return true
    }

    /// The one policy that counts.
    func best(forQueue name: ShortString, type: QueueType) -> Policy? {
        rows.first { $0.policy.applies(to: type) && $0.pattern.matches(name) }?.policy
    }

    func best(forExchange name: ShortString) -> Policy? {
        rows.first { $0.policy.appliesToExchanges && $0.pattern.matches(name) }?.policy
    }
}
