import AMQPWire
import Console

/// Where messages go: what is declared and bound, the messages that producers publish in turn, and which queues must
/// get each of them by the rules of AMQP. This is the reference that `--verify` and the end of a run go by.
struct RoutePlan: Sendable {
    struct Binding: Sendable {
        let queue: Int
        let key: ShortString
        let arguments: FieldTable
    }

    /// What distinguishes a message for the exchange.
    struct Key: Sendable {
        let routingKey: ShortString
        let headers: FieldTable?
    }

    let exchange: ShortString
    let exchangeKind: ExchangeKind
    let queues: [ShortString]
    let bindings: [Binding]
    let keys: [Key]
    /// For each key the queues that get it, in order.
    let queuesOfKey: [[Int]]

    init(_ plan: LoadPlan, prefix: String) {
        let digits = String(plan.queues).count
        // Names of one kind have one length, and so have their messages.
        queues = (0..<plan.queues).map { ShortString(truncating: "\(prefix).q\(Quantity.padded($0, digits: digits))") }
        exchangeKind = plan.exchangeKind
        exchange = plan.exchangeKind == .default ? "" : ShortString(truncating: "\(prefix).x")
        if plan.isBroadcast {
            let headers: FieldTable? = plan.exchangeKind == .headers ? ["h0": .string("all")] : nil
            keys = [Key(routingKey: "broadcast", headers: headers)]
            let pattern: ShortString = plan.exchangeKind == .topic ? "#" : "broadcast"
            var arguments = headers ?? FieldTable()
            if headers != nil { arguments["x-match"] = .string("all") }
            bindings = (0..<plan.queues).map { Binding(queue: $0, key: pattern, arguments: arguments) }
            queuesOfKey = [Array(0..<plan.queues)]
        } else if plan.exchangeKind == .topic || plan.exchangeKind == .headers {
            let patterns = PatternSet(
                kind: plan.exchangeKind, bindings: plan.bindings, keys: plan.keys, words: plan.words,
                queues: plan.queues)
            keys = patterns.messageKeys
            bindings = patterns.queueBindings
            queuesOfKey = patterns.queuesOfKey
        } else {
            let names = queues
            keys = names.map { Key(routingKey: $0, headers: nil) }
            bindings =
                plan.exchangeKind == .default
                ? [] : names.indices.map { Binding(queue: $0, key: names[$0], arguments: FieldTable()) }
            queuesOfKey = names.indices.map { [$0] }
        }
    }

    /// The messages of one producer, in turn.
    func cycle(of producer: Int, _ plan: LoadPlan) -> KeyCycle {
        if plan.isPinned { return KeyCycle(keyCount: keys.count, start: producer % keys.count, count: 1) }
        // Producers begin at different places, so that they do not meet at one queue.
        let start = producer * max(1, keys.count / plan.producers) % keys.count
        return KeyCycle(keyCount: keys.count, start: start, count: keys.count)
    }

    /// How many deliveries the first `count` messages of a producer make.
    func deliveryCount(_ cycle: KeyCycle, first count: Int) -> Int {
        let perCycle = (0..<cycle.count).reduce(0) { $0 + queuesOfKey[cycle.key(at: $1)].count }
        let rest = (0..<count % cycle.count).reduce(0) { $0 + queuesOfKey[cycle.key(at: $1)].count }
        return count / cycle.count * perCycle + rest
    }
}

/// The keys that a producer publishes one after the other, again and again.
struct KeyCycle: Equatable, Sendable {
    let keyCount: Int
    let start: Int
    let count: Int

    @inline(__always)
    func key(at index: Int) -> Int { (start + index % count) % keyCount }
}
