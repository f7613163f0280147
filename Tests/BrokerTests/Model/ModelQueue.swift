import AMQPWire

struct ModelArguments: Hashable {
    enum Overflow: String { case dropHead = "drop-head", rejectPublish = "reject-publish", dlx = "reject-publish-dlx" }

    var isQuorum = false
    var timeToLive: UInt64?
    var expires: UInt64?
    var maxLength: Int?
    var maxLengthBytes: Int?
    var overflow = Overflow.dropHead
    var deadLetterExchange: String?
    var deadLetterRoutingKey: String?
    var maxPriority: UInt8?
    /// As given: a negative one is none.
    var deliveryLimit: Int?
    var isSingleActive = false
    var deduplicates = false

    var table: FieldTable {
        var table = FieldTable()
        if isQuorum { table["x-queue-type"] = .string("quorum") }
        if let timeToLive { table["x-message-ttl"] = .int64(Int64(timeToLive)) }
        if let expires { table["x-expires"] = .int32(Int32(expires)) }
        if let maxLength { table["x-max-length"] = .int16(Int16(maxLength)) }
        if let maxLengthBytes { table["x-max-length-bytes"] = .int32(Int32(maxLengthBytes)) }
        if overflow != .dropHead { table["x-overflow"] = .string(overflow.rawValue) }
        if let deadLetterExchange { table["x-dead-letter-exchange"] = .string(deadLetterExchange) }
        if let deadLetterRoutingKey { table["x-dead-letter-routing-key"] = .string(deadLetterRoutingKey) }
        if let maxPriority { table["x-max-priority"] = .uint8(maxPriority) }
        if let deliveryLimit { table["x-delivery-limit"] = .int8(Int8(deliveryLimit)) }
        if isSingleActive { table["x-single-active-consumer"] = .bool(true) }
        if deduplicates { table["x-message-deduplication"] = .bool(true) }
        return table
    }

    /// With a policy: numbers to the smaller one, texts to the argument; in a quorum queue the policy's `overflow`.
    func merged(_ policy: ModelArguments?) -> ModelArguments {
        guard let policy else { return self }
        func smaller<Number: Comparable>(_ own: Number?, _ other: Number?) -> Number? {
            [own, other].compactMap { $0 }.min()
        }
        var merged = self
        merged.timeToLive = smaller(timeToLive, policy.timeToLive)
        merged.expires = smaller(expires, policy.expires)
        merged.maxLength = smaller(maxLength, policy.maxLength)
        merged.maxLengthBytes = smaller(maxLengthBytes, policy.maxLengthBytes)
        merged.deadLetterExchange = deadLetterExchange ?? policy.deadLetterExchange
        merged.deadLetterRoutingKey = deadLetterRoutingKey ?? policy.deadLetterRoutingKey
        if policy.overflow != .dropHead, isQuorum || overflow == .dropHead { merged.overflow = policy.overflow }
        if let limit = policy.deliveryLimit {
            merged.deliveryLimit = deliveryLimit.map { $0 < 0 ? limit : min($0, limit) } ?? limit
        }
        return merged
    }

    /// How often a message may come back: quorum queues have a limit of 20 unless told otherwise.
    var effectiveLimit: Int? {
        guard let deliveryLimit else { return isQuorum ? 20 : nil }
        return deliveryLimit < 0 ? nil : deliveryLimit
    }

    /// Whether it notices at once that a message has expired which was there before the process began. Others find out
    /// when the message's turn comes.
    var knowsItsMessages: Bool {
        isQuorum || timeToLive != nil || maxLengthBytes != nil || deadLetterExchange != nil || maxPriority != nil
            || deduplicates
    }
}

struct ModelConsumer: Hashable {
    let tag: String
    let client: Int
    let noAck: Bool
    /// 0 for no limit.
    let prefetchCount: Int
    let priority: Int
}

struct ModelQueue: Hashable {
    let name: String
    /// Tells a queue from another one that had its name before.
    let serial: Int
    let isDurable: Bool
    let isAutoDelete: Bool
    let declared: ModelArguments
    /// With the policy that holds.
    var arguments: ModelArguments
    var entries: [ModelEntry] = []
    var latestPlace = 0
    /// In the order in which they came.
    var consumers: [ModelConsumer] = []
    /// With a single active consumer.
    var active: String?
    /// It gets nothing more, to make room for one of a higher priority.
    var isActiveQuiescing = false
    var lastUsedMilliseconds: UInt64
    /// Nobody gets anything.
    var isPaused = false
    /// Consumers would have had messages if they had not had to wait for the journal: until then nothing is dropped.
    var isPromised = false

    /// Quorum queues have 32 strict levels, classic ones so many as they ask for.
    func level(_ message: ModelMessage) -> Int {
        min(Int(message.priority ?? 0), arguments.isQuorum ? 31 : Int(arguments.maxPriority ?? 0))
    }

    var hasLevels: Bool { arguments.isQuorum || arguments.maxPriority ?? 0 > 0 }

    /// When the message expires. RabbitMQ lets messages expire at the head only: so may what is not in memory, where
    /// it has to be for that.
    func due(_ entry: ModelEntry) -> UInt64? {
        if entry.isAway {
            return needsContent ? nil : entry.message.expiration.map { entry.message.publishedMilliseconds + $0 }
        }
        let level = level(entry.message)
        let isBehind = entries.contains {
            $0.isAway && $0.place < entry.place && self.level($0.message) == level
        }
        if isBehind { return entry.message.expiration.map { entry.message.publishedMilliseconds + $0 } }
        guard let timeToLive = [entry.message.expiration, arguments.timeToLive].compactMap({ $0 }).min() else {
            return nil
        }
        return entry.message.publishedMilliseconds + timeToLive
    }

    private var needsContent: Bool {
        arguments.deadLetterExchange != nil || arguments.maxLengthBytes != nil || arguments.deduplicates
    }

    /// What is served next is in memory.
    mutating func wake() {
        guard let head = entries.first else { return }
        let level = level(head.message)
        for index in entries.indices where self.level(entries[index].message) == level {
            entries[index].isAway = false
        }
    }

    var byteCount: Int { entries.reduce(0) { $0 + $1.message.byteCount } }

    func hasRoom(count: Int, byteCount: Int) -> Bool {
        count <= arguments.maxLength ?? .max && byteCount <= arguments.maxLengthBytes ?? .max
    }

    var isOverLimit: Bool { !hasRoom(count: entries.count, byteCount: byteCount) }

    /// Whether messages are to leave without being consumed.
    func hasToDrop(at milliseconds: UInt64) -> Bool {
        if arguments.overflow == .dropHead, isOverLimit { return true }
        return entries.contains { entry in
            var entry = entry
            entry.isAway = false
            return due(entry).map { $0 <= milliseconds } ?? false
        }
    }

    /// - Parameter credit: what consumers take that wait for the journal; it does not count.
    func rejects(_ message: ModelMessage, credit: Int) -> Bool {
        let promised = isPromised ? min(credit, entries.count) : 0
        let readyByteCount = promised == entries.count ? 0 : byteCount
        return arguments.overflow != .dropHead
            && !hasRoom(count: entries.count - promised + 1, byteCount: readyByteCount + message.byteCount)
    }

    /// To its place: the highest priority first, then in the order in which they were accepted.
    mutating func insert(_ entry: ModelEntry) {
        let level = level(entry.message)
        let index = entries.firstIndex {
            self.level($0.message) < level || self.level($0.message) == level && $0.place > entry.place
        }
        entries.insert(entry, at: index ?? entries.count)
    }

    /// When there is something to do, if nothing comes before: messages expire, the queue does.
    var nextMilliseconds: UInt64? {
        var times = entries.compactMap { due($0) }
        if let expires = arguments.expires, consumers.isEmpty { times.append(lastUsedMilliseconds + expires) }
        return times.min()
    }

    func isUnused(at milliseconds: UInt64) -> Bool {
        guard let expires = arguments.expires, consumers.isEmpty else { return false }
        return lastUsedMilliseconds + expires <= milliseconds
    }

    // MARK: A single active consumer

    mutating func add(_ consumer: ModelConsumer) {
        consumers.append(consumer)
        guard arguments.isSingleActive else { return }
        guard let current = consumers.first(where: { $0.tag == active }) else { return activateNext() }
        if arguments.isQuorum, consumer.priority > current.priority { isActiveQuiescing = true }
    }

    mutating func activateNext() {
        guard arguments.isSingleActive, active == nil else { return }
        isActiveQuiescing = false
        let highest = consumers.map(\.priority).max()
        active = consumers.first { $0.priority == highest }?.tag
    }

    mutating func remove(_ tag: String) {
        consumers.removeAll { $0.tag == tag }
        guard active == tag else { return }
        active = nil
        activateNext()
    }
}
