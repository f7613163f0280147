import SplitMix

/// The exchanges and queues that stay for the whole simulation, and a naive answer to where a message goes.
struct SimulatedTopology {
    enum Kind: String { case direct, fanout, topic }

    struct Exchange {
        let name: String
        let kind: Kind
    }

    struct Queue {
        let name: String
        /// Consumers do not ack: what was under way to one that dies is lost.
        let isNoAck: Bool
        let deadLetterExchange: String?
        /// The shard on which it is declared.
        let shard: Int
    }

    struct Binding {
        let source: String
        let toQueue: Int?
        let toExchange: String?
        let key: String
    }

    let exchanges: [Exchange]
    let queues: [Queue]
    let bindings: [Binding]
    let deadQueue: Int

    static let keys = ["a", "b", "a.x", "b.x", "a.x.y", "churn.z", "lonely"]

    init(shardCount: Int, random: inout SplitMix64) {
        exchanges = [
            Exchange(name: "s.direct", kind: .direct), Exchange(name: "s.fanout", kind: .fanout),
            Exchange(name: "s.topic", kind: .topic), Exchange(name: "s.entry", kind: .topic),
            Exchange(name: "s.dead", kind: .fanout),
        ]
        var queues: [Queue] = []
        for index in 0..<7 {
            queues.append(
                Queue(
                    name: "q\(index)", isNoAck: index == 5, deadLetterExchange: index % 3 == 0 ? "s.dead" : nil,
                    shard: random.below(shardCount)))
        }
        deadQueue = queues.count
        queues.append(
            Queue(name: "dead", isNoAck: false, deadLetterExchange: nil, shard: random.below(shardCount)))
        self.queues = queues
        var bindings = [
            Binding(source: "s.dead", toQueue: deadQueue, toExchange: nil, key: ""),
            Binding(source: "s.entry", toQueue: nil, toExchange: "s.direct", key: "#"),
            Binding(source: "s.entry", toQueue: nil, toExchange: "s.topic", key: "a.#"),
        ]
        for queue in 0..<deadQueue {
            let source = random.pick(["s.direct", "s.fanout", "s.topic", "s.topic"])
            let patterns = source == "s.topic" ? ["#", "a.*", "a.#", "*.x", "#.y", "b"] : ["a", "b", "a.x", "b.x"]
            for _ in 0..<2 {
                bindings.append(Binding(source: source, toQueue: queue, toExchange: nil, key: random.pick(patterns)))
            }
        }
        self.bindings = bindings
    }

    /// The queues that a message reaches; the default exchange knows every queue by its name.
    func queues(exchange: String, key: String) -> Set<Int> {
        if exchange.isEmpty { return Set(queues.indices.filter { queues[$0].name == key }) }
        var reached: Set<Int> = []
        var visited: Set<String> = []
        visit(exchange, key, &reached, &visited)
        return reached
    }

    private func visit(_ name: String, _ key: String, _ reached: inout Set<Int>, _ visited: inout Set<String>) {
        guard visited.insert(name).inserted, let exchange = exchanges.first(where: { $0.name == name }) else { return }
        for binding in bindings where binding.source == name {
            guard Self.matches(exchange.kind, binding.key, key) else { continue }
            if let queue = binding.toQueue { reached.insert(queue) }
            if let next = binding.toExchange { visit(next, key, &reached, &visited) }
        }
    }

    private static func matches(_ kind: Kind, _ pattern: String, _ key: String) -> Bool {
        switch kind {
        case .direct: pattern == key
        case .fanout: true
        case .topic:
            matchesTopic(
                pattern.split(separator: ".", omittingEmptySubsequences: false)[...],
                key.split(separator: ".", omittingEmptySubsequences: false)[...])
        }
    }

    private static func matchesTopic(_ pattern: ArraySlice<Substring>, _ words: ArraySlice<Substring>) -> Bool {
        guard let first = pattern.first else { return words.isEmpty }
        if first == "#" {
            return matchesTopic(pattern.dropFirst(), words)
                || (!words.isEmpty && matchesTopic(pattern, words.dropFirst()))
        }
        guard let word = words.first, first == "*" || first == word else { return false }
        return matchesTopic(pattern.dropFirst(), words.dropFirst())
    }
}
