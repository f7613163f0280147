/// The naive counterpart of exchanges of all kinds that do not choose by hash or chance, with what they delay,
/// deduplicate and remember: dictionaries and lists.
struct ExchangeModel {
    enum Gate: Equatable {
        case none
        case delay
        case deduplication(size: Int, ttlMilliseconds: UInt64?, isPersistent: Bool)
        case history(length: Int)
    }

    struct Exchange {
        /// How it matches: `direct`, `fanout` or `topic`.
        let matching: String
        let gate: Gate
        let alternate: String?
        var history: [Message] = []
        var seen: [(key: String, expiresMilliseconds: UInt64?)] = []
    }

    struct Binding: Equatable {
        let source: String
        let destination: String
        let isToQueue: Bool
        let key: String
    }

    struct Message {
        let body: String
        let key: String
        /// Of both headers.
        let copies: [String]
        let isPersistent: Bool
        var delayMilliseconds: UInt64?
        let header: String?
        let isRemembered: Bool
        var hasPassedGate = false
        /// It is stored though it is transient: it stood in one record with one that is delayed.
        var isStored = false

        func passed() -> Message {
            var message = self
            message.hasPassedGate = true
            return message
        }
    }

    var exchanges: [String: Exchange] = [:]
    var queues: [String: [Message]] = [:]
    var bindings: [Binding] = []
    var delayed: [(due: UInt64, exchange: String, message: Message)] = []
    var now: UInt64

    init(now: UInt64) { self.now = now }

    // MARK: Topology

    mutating func removeExchange(_ name: String) {
        exchanges[name] = nil
        bindings.removeAll { $0.source == name || ($0.destination == name && !$0.isToQueue) }
        delayed.removeAll { $0.exchange == name }
    }

    mutating func removeQueue(_ name: String) {
        queues[name] = nil
        bindings.removeAll { $0.destination == name && $0.isToQueue }
    }

    mutating func bind(_ binding: Binding) {
        guard !bindings.contains(binding) else { return }
        bindings.append(binding)
        for message in exchanges[binding.source]?.history ?? [] {
            if binding.isToQueue {
                var message = message
                message.isStored = message.isPersistent
                queues[binding.destination]?.append(message)
            } else {
                send(message, to: binding.destination)
            }
        }
    }

    // MARK: Messages

    /// - Returns: whether it is stored wherever it has come.
    @discardableResult
    mutating func send(_ message: Message, to exchange: String, avoiding: String? = nil) -> Bool {
        let keys = [message.key] + message.copies
        if exchange == avoiding { return message.isPersistent }
        var seen: Set<String> = [exchange]
        if let avoiding { seen.insert(avoiding) }
        var open = [exchange]
        var reached: Set<String> = []
        var gates: [String] = []
        while let name = open.popLast() {
            guard let exchange = exchanges[name] else { continue }
            if holds(exchange.gate, message) {
                gates.append(name)
                continue
            }
            let matching = bindings.filter { $0.source == name && matches($0, exchange.matching, keys) }
            if matching.isEmpty, let alternate = exchange.alternate, seen.insert(alternate).inserted {
                open.append(alternate)
            }
            for binding in matching {
                if binding.isToQueue {
                    reached.insert(binding.destination)
                } else if seen.insert(binding.destination).inserted {
                    open.append(binding.destination)
                }
            }
        }
        var message = message
        message.isStored = message.isPersistent || gates.contains { exchanges[$0]?.gate == .delay }
        for queue in reached { queues[queue]?.append(message) }
        for gate in gates { reach(gate, message) }
        return message.isStored
    }

    private func holds(_ gate: Gate, _ message: Message) -> Bool {
        switch gate {
        case .none: false
        case .delay: message.delayMilliseconds != nil
        case .deduplication: !message.hasPassedGate && message.header != nil
        case .history: !message.hasPassedGate
        }
    }

    private func matches(_ binding: Binding, _ matching: String, _ keys: [String]) -> Bool {
        switch matching {
        case "direct": keys.contains(binding.key)
        // Keys are single words.
        case "topic": binding.key == "#" || binding.key == "*" || keys.contains(binding.key)
        default: true
        }
    }

    private mutating func reach(_ name: String, _ message: Message) {
        switch exchanges[name]?.gate {
        case .delay: delayed.append((now + (message.delayMilliseconds ?? 0), name, message))
        case .history(let length):
            var passed = message.passed()
            passed.isStored = send(passed, to: name)
            guard message.isRemembered else { return }
            exchanges[name]?.history.append(passed)
            if let count = exchanges[name]?.history.count, count > length { exchanges[name]?.history.removeFirst() }
        case .deduplication(let size, let ttl, _):
            guard let key = message.header else { return }
            let now = now
            exchanges[name]?.seen.removeAll { $0.expiresMilliseconds.map { $0 <= now } ?? false }
            if exchanges[name]?.seen.contains(where: { $0.key == key }) == true {
                if let alternate = exchanges[name]?.alternate { send(message.passed(), to: alternate, avoiding: name) }
                return
            }
            send(message.passed(), to: name)
            if let count = exchanges[name]?.seen.count, count >= size { exchanges[name]?.seen.removeFirst() }
            exchanges[name]?.seen.append((key, ttl.map { now + $0 }))
        case .some(.none), nil: break
        }
    }

    // MARK: Time and ends

    /// The time of the next message that is due until then.
    func nextDue(until limit: UInt64) -> UInt64? { delayed.map(\.due).filter { $0 <= limit }.min() }

    mutating func passTime(to time: UInt64) {
        now = time
        while let index = delayed.indices.filter({ delayed[$0].due <= time }).min(by: {
            delayed[$0].due < delayed[$1].due
        }) {
            let (_, exchange, message) = delayed.remove(at: index)
            var due = message
            due.delayMilliseconds = nil
            send(due, to: exchange)
        }
    }

    /// Everything here is durable; a delay keeps what is transient too.
    mutating func kill() {
        for name in queues.keys { queues[name]?.removeAll { !$0.isStored } }
        for (name, exchange) in exchanges {
            exchanges[name]?.history.removeAll { !$0.isStored }
            if case .deduplication(_, _, isPersistent: false) = exchange.gate { exchanges[name]?.seen = [] }
        }
    }
}
