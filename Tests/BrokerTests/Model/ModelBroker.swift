import AMQPWire

/// RabbitMQ's queues as their documentation tells of them, with plain lists. Source: the rows of RabbitMQ 4's behaviour
/// for expiry, lengths, dead letters, priorities, single active consumers, delivery limits and deduplication.
///
/// Leveret's own: a message with an expiration leaves when it is due, wherever it stands; a requeued one returns to its
/// place; every requeueing is a failed delivery where classic queues count them.
struct ModelBroker: Hashable {
    var milliseconds: UInt64
    var queues: [String: ModelQueue] = [:]
    /// By queue.
    var policies: [String: ModelArguments] = [:]
    var bindings: Set<ModelBinding> = []
    var clients: [Int: ModelClient] = [:]
    var latestSerial = 0

    // What one step does to clients, beside deliveries.
    private(set) var confirms: [Int: [UInt64: Bool]] = [:]
    private(set) var returns: [Int: [String]] = [:]
    var cancelled: [Int: Set<String>] = [:]
    var replies: [Int: [String]] = [:]

    // What is still to be looked at in this step.
    private var waiting: Set<Work> = []
    /// Queues are looked at after everything that happens to them, or at the end of the step.
    var isEager = false
    /// Several things happen to queues at once.
    var mayWaitForJournal = false

    /// Whether dead letters come to queues of other shards after those have done what they had to.
    private var areOthersLate: Bool?
    private var late: [Arrival] = []

    private struct Arrival: Hashable {
        let message: ModelMessage
        let queue: String
    }

    enum Work: Hashable {
        case look(String)
        case delete(String)

        var order: String {
            switch self {
            case .look(let name): "look \(name)"
            case .delete(let name): "delete \(name)"
            }
        }
    }

    init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    var nextMilliseconds: UInt64? { queues.values.compactMap(\.nextMilliseconds).min() }

    // MARK: Steps

    mutating func begin(_ trial: ModelTrial) {
        (confirms, returns, cancelled, replies, waiting) = ([:], [:], [:], [:], [])
    }

    /// Everything that has become possible happens; then the step is what was seen, or it was not this one.
    mutating func end(_ trial: ModelTrial) throws(ModelMismatch) {
        while !waiting.isEmpty || !late.isEmpty {
            // A shard may end its turn before it hears of the others.
            if !late.isEmpty, waiting.isEmpty || trial.choose(2) == 0 {
                let arrival = late.removeFirst()
                _ = try accept(arrival.message, arrival.queue, trial)
                continue
            }
            let next = nextWork(trial)
            waiting.remove(next)
            switch next {
            case .look(let name): try look(name, trial)
            case .delete(let name): delete(name)
            }
        }
        try trial.expectNoMore()
        let observed = trial.observed
        for (client, all) in observed.deliveries {
            let latest = clients[client]?.latestTag ?? 0
            try expect("delivery tags", (0..<all.count).map { latest + 1 + UInt64($0) }, all.map(\.tag))
            clients[client]?.latestTag = latest + UInt64(all.count)
            clients[client]?.unacked.sort { $0.tag < $1.tag }
        }
        try expect("answers", replies, observed.replies)
        try expect("confirms", confirms, observed.confirms)
        try expect("returned messages", returns, observed.returns)
        try expect("cancelled consumers", cancelled, observed.cancelled)
        for name in Set(queues.keys).union(observed.queues.keys).sorted() {
            try expect("queue \(name)", counts(name), observed.queues[name])
        }
        (confirms, returns, cancelled, replies) = ([:], [:], [:], [:])
        isEager = false
        mayWaitForJournal = false
        areOthersLate = nil
    }

    private func expect<Value: Equatable>(
        _ what: String, _ expected: Value, _ actual: Value
    ) throws(ModelMismatch) {
        if expected == actual { return }
        throw ModelMismatch(description: "\(what): the model has \(expected), the broker \(actual)")
    }

    private func counts(_ name: String) -> Observations.Counts? {
        guard let queue = queues[name] else { return nil }
        let unacked = clients.values.flatMap(\.unacked).filter { $0.queueSerial == queue.serial }
        return Observations.Counts(
            ready: queue.entries.count, unacked: unacked.count, consumers: queue.consumers.count)
    }

    mutating func plan(_ work: Work, _ trial: ModelTrial) throws(ModelMismatch) {
        if isEager, case .look(let name) = work { try look(name, trial) } else { waiting.insert(work) }
    }

    /// In any order, where more than deliveries is to be done: dead letters may meet a queue before or after it had its
    /// turn.
    private func nextWork(_ trial: ModelTrial) -> Work {
        let all = waiting.sorted { $0.order < $1.order }
        let isOrderFree = all.contains { work in
            guard case .look(let name) = work else { return true }
            return queues[name]?.hasToDrop(at: milliseconds) == true
        }
        return all[isOrderFree ? trial.choose(all.count) : 0]
    }

    mutating func lookLater(_ name: String) { waiting.insert(.look(name)) }

    // MARK: A queue

    /// What is due leaves, what is too much leaves, and what is left goes to consumers.
    private mutating func look(_ name: String, _ trial: ModelTrial) throws(ModelMismatch) {
        while try lookOnce(name, trial) {}
    }

    /// Returns whether there may be more to do.
    private mutating func lookOnce(_ name: String, _ trial: ModelTrial) throws(ModelMismatch) -> Bool {
        queues[name]?.wake()
        guard let queue = queues[name] else { return false }
        if queue.isPromised {
            if let first = queue.entries.first, try deliverNext(first, name, trial) { return true }
            queues[name]?.isPromised = false
            return true
        }
        var due = queue.entries.filter { queue.due($0).map { $0 <= milliseconds } ?? false }
        let byTime = due.sorted { one, other in
            let (left, right) = (queue.due(one) ?? 0, queue.due(other) ?? 0)
            return left != right ? left < right : one.place < other.place
        }
        if byTime != due, trial.choose(2) == 1 { due = byTime }
        for entry in due {
            queues[name]?.entries.removeAll { $0.place == entry.place }
            try deadLetter(entry.message, name, "expired", trial)
        }
        if !due.isEmpty { return true }
        guard let first = queue.entries.first else { return false }
        if queue.arguments.overflow == .dropHead, queue.isOverLimit {
            queues[name]?.entries.removeFirst()
            try deadLetter(first.message, name, "maxlen", trial)
            return true
        }
        return try deliverNext(first, name, trial)
    }

    private mutating func deliverNext(
        _ first: ModelEntry, _ name: String, _ trial: ModelTrial
    ) throws(ModelMismatch) -> Bool {
        guard let consumer = try nextConsumer(name, first, trial) else { return false }
        queues[name]?.entries.removeFirst()
        try deliver(first, name, consumer, trial)
        return true
    }

    /// Returns whether the queue refuses the message.
    mutating func accept(
        _ message: ModelMessage, _ name: String, _ trial: ModelTrial
    ) throws(ModelMismatch) -> Bool {
        try serveBeforeOverflow(by: message, name, trial)
        guard let queue = queues[name] else { return false }
        if queue.rejects(message, credit: credit(queue)) {
            if queue.arguments.overflow == .dlx { try deadLetter(message, name, "maxlen", trial) }
            return true
        }
        if queue.arguments.deduplicates, let key = message.deduplication, has(key, queue) { return false }
        queues[name]?.latestPlace += 1
        let entry = ModelEntry(message: message, place: queue.latestPlace + 1)
        // It may have to wait for the journal, and one of a higher priority come meanwhile.
        let mayWait =
            mayWaitForJournal && queue.entries.isEmpty && queue.hasLevels && message.isStored && !able(queue).isEmpty
        if mayWait, trial.choose(2) == 1 {
            queues[name]?.insert(entry)
            queues[name]?.isPromised = true
            lookLater(name)
        } else if queue.entries.isEmpty, let consumer = try nextConsumer(name, entry, trial) {
            try deliver(entry, name, consumer, trial)
        } else {
            queues[name]?.insert(entry)
            try plan(.look(name), trial)
        }
        return false
    }

    /// Consumers that have credit since something was settled in this step may get messages before one comes that
    /// would be too much.
    private mutating func serveBeforeOverflow(
        by message: ModelMessage, _ name: String, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        while let queue = queues[name], let first = queue.entries.first, !queue.isPromised,
            !queue.hasRoom(count: queue.entries.count + 1, byteCount: queue.byteCount + message.byteCount),
            queue.due(first).map({ $0 > milliseconds }) ?? true, !able(queue).isEmpty, trial.choose(2) == 0
        {
            guard try deliverNext(first, name, trial) else { return }
        }
    }

    private func has(_ key: String, _ queue: ModelQueue) -> Bool {
        let held = clients.values.flatMap(\.unacked).filter { $0.queueSerial == queue.serial }.map(\.entry)
        return (queue.entries + held).contains { $0.message.deduplication == key }
    }

    // MARK: Consumers

    func unackedCount(_ consumer: ModelConsumer) -> Int {
        clients[consumer.client]?.unacked.count { $0.consumer == consumer.tag } ?? 0
    }

    /// Who may get a message.
    private func able(_ queue: ModelQueue) -> [ModelConsumer] {
        if queue.isPaused { return [] }
        return queue.consumers.filter { consumer in
            if queue.arguments.isSingleActive, consumer.tag != queue.active || queue.isActiveQuiescing { return false }
            return consumer.noAck || consumer.prefetchCount == 0
                || unackedCount(consumer) < consumer.prefetchCount
        }
    }

    private func credit(_ queue: ModelQueue) -> Int {
        var sum = 0
        for consumer in able(queue) {
            if consumer.noAck || consumer.prefetchCount == 0 { return .max }
            sum += consumer.prefetchCount - unackedCount(consumer)
        }
        return sum
    }

    /// Who gets the message: of those that may, the highest priority; of several of one priority the one that was seen
    /// to get it.
    private func nextConsumer(
        _ name: String, _ entry: ModelEntry, _ trial: ModelTrial
    ) throws(ModelMismatch) -> ModelConsumer? {
        guard let queue = queues[name] else { return nil }
        let able = able(queue)
        guard let highest = able.map(\.priority).max() else { return nil }
        let candidates = able.filter { $0.priority == highest }
        let seen = candidates.filter { consumer in
            trial.nextDelivery(consumer.client, consumer.tag)?.body == entry.message.body
        }
        if seen.isEmpty {
            let names = candidates.map { "\($0.tag) of client \($0.client)" }
            let next = candidates.map { trial.nextDelivery($0.client, $0.tag)?.description ?? "nothing" }
            throw ModelMismatch(
                description: "'\(entry.message.body)' of \(name) should go to one of \(names), which got \(next)")
        }
        return seen[trial.choose(seen.count)]
    }

    private mutating func deliver(
        _ entry: ModelEntry, _ name: String, _ consumer: ModelConsumer, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        try hand(entry, name, consumer.tag, to: consumer.client, noAck: consumer.noAck, trial)
    }

    /// A message goes to a client, as it was seen to.
    mutating func hand(
        _ entry: ModelEntry, _ name: String, _ consumer: String?, to client: Int, noAck: Bool, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        guard let queue = queues[name] else { return }
        let message = entry.message
        guard let seen = trial.nextDelivery(client, consumer) else {
            throw ModelMismatch(description: "'\(message.body)' of \(name) should come to client \(client)")
        }
        trial.takeDelivery(client, consumer)
        let expected = ObservedDelivery(
            consumer: consumer, tag: seen.tag, isRedelivered: entry.isRedelivered ?? seen.isRedelivered,
            exchange: message.exchange, routingKey: message.routingKey, body: message.body,
            properties: message.properties(failedDeliveries: entry.failedDeliveries, returns: entry.returns),
            messageCount: consumer == nil ? queue.entries.count : 0)
        if expected != seen { throw ModelMismatch(description: "expected \(expected)\n  got \(seen)") }
        guard !noAck else { return }
        clients[client]?.unacked.append(
            ModelUnacked(tag: seen.tag, queue: name, queueSerial: queue.serial, consumer: consumer, entry: entry))
    }
}

// Dead letters, and what clients publish.
extension ModelBroker {
    mutating func deadLetter(
        _ message: ModelMessage, _ name: String, _ reason: String, _ trial: ModelTrial
    ) throws(ModelMismatch) {
        guard let arguments = queues[name]?.arguments, let exchange = arguments.deadLetterExchange else { return }
        var dead = message
        dead.die(in: name, reason, at: milliseconds)
        dead.isStored = false
        dead.exchange = exchange
        dead.routingKey = arguments.deadLetterRoutingKey ?? message.routingKey
        var targets = route(exchange, dead.routingKey)
        if reason != "rejected" { targets.removeAll { dead.wouldCycle(to: $0) } }
        if targets.contains(where: { trial.observed.shards[$0] != trial.observed.shards[name] }), isLate(trial) {
            dead.isStored = dead.isPersistent || targets.contains { queues[$0]?.arguments.isQuorum == true }
            let shards = trial.observed.shards
            late += targets.filter { shards[$0] != shards[name] }.map { Arrival(message: dead, queue: $0) }
            targets.removeAll { shards[$0] != shards[name] }
        }
        _ = try accept(dead, targets, trial, isStored: dead.isStored)
    }

    private mutating func isLate(_ trial: ModelTrial) -> Bool {
        if let areOthersLate { return areOthersLate }
        let isLate = trial.choose(2) == 1
        areOthersLate = isLate
        return isLate
    }

    func route(_ exchange: String, _ routingKey: String) -> [String] {
        let found =
            switch exchange {
            case "": [routingKey]
            case "amq.fanout": bindings.filter { $0.exchange == exchange }.map(\.queue)
            case "amq.direct":
                bindings.filter { $0.exchange == exchange && $0.routingKey == routingKey }.map(\.queue)
            default: [String]()
            }
        return Set(found).filter { queues[$0] != nil }.sorted()
    }

    /// Into these queues, in any order where it may matter. Returns whether one refuses it.
    private mutating func accept(
        _ message: ModelMessage, _ targets: [String], _ trial: ModelTrial, isStored: Bool = false
    ) throws(ModelMismatch) -> Bool {
        var message = message
        message.isStored =
            isStored || message.isPersistent || targets.contains { queues[$0]?.arguments.isQuorum == true }
        var left = targets
        var isRejected = false
        let isOrderFree = targets.contains { queues[$0]?.arguments.overflow == .dlx }
        while !left.isEmpty {
            let next = left.remove(at: isOrderFree ? trial.choose(left.count) : 0)
            if try accept(message, next, trial) { isRejected = true }
        }
        return isRejected
    }

    mutating func publish(_ publish: ModelPublish, _ client: Int, _ trial: ModelTrial) throws(ModelMismatch) {
        var message = publish.message
        message.publishedMilliseconds = milliseconds
        let targets = route(publish.exchange, publish.routingKey)
        if targets.isEmpty, publish.isMandatory { returns[client, default: []].append(message.body) }
        let isRejected = try accept(message, targets, trial)
        guard clients[client]?.isConfirming == true else { return }
        clients[client]?.latestPublish += 1
        let number = clients[client]?.latestPublish ?? 0
        confirms[client, default: [:]][number] = !isRejected
    }
}
