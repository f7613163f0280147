import AMQPWire

/// A policy or operator policy: arguments for every exchange and queue of a virtual host whose name matches.
package struct Policy: Hashable, Sendable {
    /// What it is for, in RabbitMQ's words.
    package enum Target: String, Sendable, CaseIterable {
        case all, exchanges, queues
        case classicQueues = "classic_queues"
        case quorumQueues = "quorum_queues"
        case streams
    }

    package let name: ShortString
    /// A regular expression that matches anywhere in the name.
    package let pattern: String
    package let target: Target
    /// Of several that match, the one with the highest counts; of several with the same, the first by name.
    package let priority: Int64
    /// Keys and values as in the arguments, the keys without `x-`.
    package let definition: FieldTable

    package init(name: ShortString, pattern: String, target: Target, priority: Int64, definition: FieldTable) {
        self.name = name
        self.pattern = pattern
        self.target = target
        self.priority = priority
        self.definition = definition
    }

    /// Whether it is for queues of this type, and has nothing that they do not know (RabbitMQ: `is_applicable`).
    func applies(to type: QueueType) -> Bool {
        switch target {
        case .all, .queues: break
        case .classicQueues: if type != .classic { return false }
        case .quorumQueues: if type != .quorum { return false }
        case .exchanges, .streams: return false
        }
        return !definition.entries.contains { type.unsupportedPolicyKeys.contains($0.name) }
    }

    var appliesToExchanges: Bool { target == .all || target == .exchanges }
}

extension QueueType {
    /// A policy with one of these keys is not for queues of this type (RabbitMQ: `capabilities/0`). The keys that
    /// Leveret has for every queue are not among them.
    fileprivate var unsupportedPolicyKeys: [ShortString] {
        switch self {
        case .classic:
            [
                "max-age", "stream-max-segment-size-bytes", "stream-filter-size-bytes", "initial-cluster-size",
                "dead-letter-strategy", "max-in-memory-length", "max-in-memory-bytes", "target-group-size",
                "delayed-retry-type", "delayed-retry-min", "delayed-retry-max",
            ]
        case .quorum:
            [
                "queue-mode", "queue-version", "max-age", "stream-max-segment-size-bytes", "stream-filter-size-bytes",
                "initial-cluster-size",
            ]
        }
    }
}

// As a table: what the journal keeps, beside the name.
extension Policy {
    package var table: FieldTable {
        [
            "pattern": .string(pattern), "apply-to": .string(target.rawValue), "priority": .int64(priority),
            "definition": .table(definition),
        ]
    }

    /// nil where the table is not one of `table`'s.
    init?(name: ShortString, table: FieldTable) {
        guard let pattern = table["pattern"]?.text, let target = table["apply-to"]?.text.flatMap(Target.init),
            let priority = table["priority"]?.integer, case .table(let definition)? = table["definition"]
        else { return nil }
        self.init(name: name, pattern: pattern, target: target, priority: priority, definition: definition)
    }
}
