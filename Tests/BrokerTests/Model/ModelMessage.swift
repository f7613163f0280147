import AMQPWire

/// One entry of `x-death`.
struct ModelDeath: Hashable {
    let queue: String
    let reason: String
    let exchange: String
    let routingKey: String
    let seconds: UInt64
    let originalExpiration: String?
    var count: Int64 = 1

    var header: FieldValue {
        var table: FieldTable = [
            "queue": .string(queue), "reason": .string(reason), "exchange": .string(exchange),
            "routing-keys": .array([.string(routingKey)]), "time": .timestamp(seconds), "count": .int64(count),
        ]
        if let originalExpiration { table["original-expiration"] = .string(originalExpiration) }
        return .table(table)
    }
}

/// A message as its publisher wrote it, and what has become of it.
struct ModelMessage: Hashable {
    let body: String
    var exchange: String
    var routingKey: String
    var isPersistent = false
    /// Persistent, or a quorum queue has it too: the journal has it for every durable queue.
    var isStored = false
    var priority: UInt8?
    /// Milliseconds.
    var expiration: UInt64?
    var deduplication: String?
    /// Milliseconds since 1970: when it came to the exchange that it was routed by last.
    var publishedMilliseconds: UInt64 = 0
    /// The latest first.
    var deaths: [ModelDeath] = []
    var firstDeath: ModelDeath?
    /// The exchange by which it came to the queue where it died last.
    var lastExchange: String?

    var byteCount: Int { body.utf8.count }

    /// RabbitMQ, `mc:record_death`: one entry for each queue and reason, which moves to the front.
    mutating func die(in queue: String, _ reason: String, at milliseconds: UInt64) {
        var death = ModelDeath(
            queue: queue, reason: reason, exchange: exchange, routingKey: routingKey, seconds: milliseconds / 1000,
            originalExpiration: expiration.map { "\($0)" })
        if let index = deaths.firstIndex(where: { $0.queue == queue && $0.reason == reason }) {
            death = deaths.remove(at: index)
            death.count += 1
        }
        deaths.insert(death, at: 0)
        if firstDeath == nil { firstDeath = death }
        lastExchange = exchange
        expiration = nil
        publishedMilliseconds = milliseconds
    }

    /// RabbitMQ, `mc:is_death_cycle`: the latest death in this queue, and all since, came without a client's doing.
    func wouldCycle(to queue: String) -> Bool {
        guard let index = deaths.firstIndex(where: { $0.queue == queue }) else { return false }
        return deaths[...index].allSatisfy { $0.reason != "rejected" }
    }

    // MARK: On the wire

    /// - Parameters:
    ///   - failedDeliveries: told where there were any.
    ///   - returns: those that came back and had not failed.
    func properties(failedDeliveries: Int = 0, returns: Int = 0) -> BasicProperties {
        var headers = FieldTable()
        if let deduplication { headers["x-deduplication-header"] = .string(deduplication) }
        if failedDeliveries > 0 { headers["x-delivery-count"] = .int64(Int64(failedDeliveries)) }
        let acquired = failedDeliveries + returns
        if acquired > 0 { headers["x-acquired-count"] = .int64(Int64(acquired)) }
        if let firstDeath, let lastDeath = deaths.first {
            headers["x-death"] = .array(deaths.map(\.header))
            for (edge, death) in [("first", firstDeath), ("last", lastDeath)] {
                headers[ShortString(truncating: "x-\(edge)-death-queue")] = .string(death.queue)
                headers[ShortString(truncating: "x-\(edge)-death-reason")] = .string(death.reason)
                headers[ShortString(truncating: "x-\(edge)-death-exchange")] = .string(
                    edge == "first" ? death.exchange : lastExchange ?? death.exchange)
            }
        }
        var properties = BasicProperties()
        if !headers.isEmpty { properties.headers = headers.ordered }
        if isPersistent { properties.deliveryMode = 2 }
        properties.priority = priority
        properties.expiration = expiration.map { ShortString(truncating: "\($0)") }
        return properties
    }
}

extension FieldTable {
    /// In one order, to be compared: the wire's means nothing.
    var ordered: FieldTable {
        FieldTable(
            entries.map { Entry(name: $0.name, value: $0.value.ordered) }.sorted {
                $0.name.bytes.lexicographicallyPrecedes($1.name.bytes)
            })
    }
}

extension FieldValue {
    fileprivate var ordered: FieldValue {
        switch self {
        case .table(let table): .table(table.ordered)
        case .array(let values): .array(values.map(\.ordered))
        default: self
        }
    }
}

/// A message in a queue, or on its way from there to a client.
struct ModelEntry: Hashable {
    var message: ModelMessage
    /// Rises with what the queue accepts.
    var place: Int
    /// nil: after the end of the process it may be told either way.
    var isRedelivered: Bool? = false
    var failedDeliveries = 0
    var returns = 0
    /// It was there before the process began, and its level has not been served yet: it is not in memory.
    var isAway = false
}
