import AMQPWire

/// What a policy may say: its keys and their values, as RabbitMQ's `rabbit_policies` checks them, with its texts.
enum PolicyDefinition {
    private enum Rule {
        /// A text, which the refusal calls so.
        case text(String)
        /// A number from the first on.
        case number(Int64, String)
        case oneOf([String], String)
        case age
    }

    private static let rules: [ShortString: Rule] = [
        "alternate-exchange": .text("a valid alternate exchange name"),
        "dead-letter-exchange": .text("a valid dead letter exchange name"),
        "dead-letter-routing-key": .text("a valid dead letter routing key"),
        "dead-letter-strategy": .oneOf(["at-most-once", "at-least-once"], "a valid dead letter strategy"),
        "message-ttl": .number(0, "a valid message TTL"),
        "expires": .number(1, "a valid queue expiry"),
        "max-length": .number(0, "a valid maximum length"),
        "max-length-bytes": .number(0, "a valid maximum length in bytes"),
        "max-in-memory-length": .number(0, "a valid maximum memory in bytes"),
        "max-in-memory-bytes": .number(0, "a valid maximum memory in bytes"),
        "queue-mode": .oneOf(["default", "lazy"], "a valid queue-mode value"),
        "queue-version": .number(1, "a valid queue version"),
        "overflow": .oneOf(["drop-head", "reject-publish", "reject-publish-dlx"], "a valid overflow value"),
        "delivery-limit": .number(.min, "a valid delivery limit"),
        "consumer-timeout": .number(1, "a valid consumer timeout"),
        "consumer-disconnected-timeout": .number(0, "a valid consumer disconnected timeout"),
        "max-age": .age,
        "stream-max-segment-size-bytes": .number(0, "a valid segment size"),
        "stream-filter-size-bytes": .number(16, "a valid filter size"),
        "queue-leader-locator": .oneOf(
            ["client-local", "balanced", "random", "least-leaders"], "a valid queue leader locator value"),
        "initial-cluster-size": .number(0, "a valid cluster size"),
        "target-group-size": .number(1, "a valid target group size"),
        "delayed-retry-type": .oneOf(["disabled", "all", "failed", "returned"], "a valid delayed retry type"),
        "delayed-retry-min": .number(0, "a valid delayed retry minimum"),
        "delayed-retry-max": .number(0, "a valid delayed retry maximum"),
        "federation-upstream": .text("a valid upstream name"),
        "federation-upstream-set": .text("a valid upstream set name"),
    ]

    /// Of these an operator may bound what others ask for.
    private static let operatorKeys: Set<ShortString> = [
        "expires", "message-ttl", "max-length", "max-length-bytes", "max-in-memory-length", "max-in-memory-bytes",
        "delivery-limit", "overflow", "queue-version", "target-group-size",
    ]

    static func knows(_ key: ShortString, isOperator: Bool) -> Bool {
        rules[key] != nil && (!isOperator || operatorKeys.contains(key))
    }

    static func check(_ definition: FieldTable, isOperator: Bool) throws(AdministrationError) {
        if definition.isEmpty { throw .invalid("no policy provided") }
        guard definition.entries.count <= rules.count else { throw .invalid("too many policy settings") }
        var names: Set<ShortString> = []
        for entry in definition.entries {
            guard names.insert(entry.name).inserted else {
                throw .invalid("<<\"\(entry.name)\">> duplicate keys not allowed")
            }
            guard let rule = rules[entry.name], !isOperator || operatorKeys.contains(entry.name) else {
                throw .invalid("[{<<\"\(entry.name)\">>,\(entry.value.termText)}] are not recognised policy settings")
            }
            if let expected = violation(of: rule, entry.value) {
                throw .invalid("\(entry.value.termText) is not \(expected)")
            }
        }
    }

    /// What was expected, when the value is not it.
    private static func violation(of rule: Rule, _ value: FieldValue) -> String? {
        switch rule {
        case .text(let expected):
            guard case .longString(let bytes) = value, bytes.count <= ShortString.byteLimit else { return expected }
            return nil
        case .number(let minimum, let expected):
            return (value.integer ?? .min) >= minimum && value.integer != nil ? nil : expected
        case .oneOf(let names, let expected): return value.text.map(names.contains) == true ? nil : expected
        case .age: return value.text.map(isAge) == true ? nil : "a valid max age"
        }
    }

    /// A number that is not zero, and one of the units Y, M, D, h, m, s.
    private static func isAge(_ text: String) -> Bool {
        guard let unit = text.last, "YMDhms".contains(unit), let number = UInt64(text.dropLast()) else { return false }
        return number > 0
    }

    // MARK: Merging

    /// What holds where both a policy and an operator policy apply: the stricter number, else the operator's word.
    static func merge(_ policy: FieldTable?, _ operatorPolicy: FieldTable?) -> FieldTable? {
        guard let policy else { return operatorPolicy }
        guard let operatorPolicy else { return policy }
        var merged = policy
        for entry in operatorPolicy.entries {
            guard let own = policy[entry.name]?.integer, let limit = entry.value.integer else {
                merged[entry.name] = entry.value
                continue
            }
            merged[entry.name] = .int64(stricter(own, limit) ?? limit)
        }
        return merged
    }

    /// The smaller one; a negative number is no limit, where another is given.
    static func stricter(_ left: Int64?, _ right: Int64?) -> Int64? {
        guard let left, let right else { return left ?? right }
        return left < 0 || right < 0 ? max(left, right) : min(left, right)
    }
}

extension FieldValue {
    /// As Erlang prints a term of a definition.
    fileprivate var termText: String {
        if case .longString = self { return "<<\"\(erlangText)\">>" }
        return erlangText
    }
}

// Into a queue's arguments.
extension QueueArguments {
    /// What the queue was declared with, and what policies say. RabbitMQ: numbers to the smaller one, texts to the
    /// argument, but for quorum queues `overflow` to the policy (`rabbit_amqqueue_process`, `rabbit_quorum_queue`).
    mutating func merge(policy: FieldTable, into table: FieldTable) {
        func milliseconds(_ key: ShortString) -> UInt64? {
            policy[key]?.integer.map { min(UInt64(clamping: $0), Limit.durationMilliseconds) }
        }
        func stricter<Number: Comparable>(_ own: inout Number?, _ limit: Number?) {
            if let limit { own = own.map { min($0, limit) } ?? limit }
        }
        func name(_ key: ShortString) -> ShortString? {
            guard case .longString(let bytes)? = policy[key], bytes.count <= ShortString.byteLimit else { return nil }
            return ShortString(bytes: bytes)
        }
        stricter(&messageTTLMilliseconds, milliseconds("message-ttl"))
        stricter(&expiresMilliseconds, milliseconds("expires"))
        stricter(&consumerTimeoutMilliseconds, milliseconds("consumer-timeout"))
        stricter(&maxLength, policy["max-length"]?.integer.map { Int(max(0, $0)) })
        stricter(&maxLengthBytes, policy["max-length-bytes"]?.integer.map { Int(max(0, $0)) })
        if deadLetterExchange == nil { deadLetterExchange = name("dead-letter-exchange") }
        if deadLetterRoutingKey == nil { deadLetterRoutingKey = name("dead-letter-routing-key") }
        if table["x-dead-letter-strategy"] == nil,
            let strategy = policy["dead-letter-strategy"]?.text.flatMap(DeadLetterStrategy.init)
        {
            deadLetterStrategy = strategy
        }
        if queueType == .quorum || table["x-overflow"] == nil,
            let mode = policy["overflow"]?.text.flatMap(Overflow.init)
        {
            overflow = mode
        }
        mergeDelayedRetry(policy)
    }

    private mutating func mergeDelayedRetry(_ policy: FieldTable) {
        guard queueType == .quorum else { return }
        let kind = delayedRetry?.kind ?? policy["delayed-retry-type"]?.text.flatMap(DelayedRetry.Kind.init)
        guard let kind else { return }
        func bound(_ own: UInt64?, _ key: ShortString) -> UInt64? {
            let limit = policy[key]?.integer.map { min(UInt64(clamping: $0), Limit.durationMilliseconds) }
            guard let own, let limit else { return own ?? limit }
            return min(own, limit)
        }
        let minimum = bound(delayedRetry?.minimumMilliseconds, "delayed-retry-min") ?? 0
        let maximum = bound(delayedRetry?.maximumMilliseconds, "delayed-retry-max") ?? minimum
        delayedRetry = DelayedRetry(
            kind: kind, minimumMilliseconds: minimum, maximumMilliseconds: max(minimum, maximum))
    }
}
