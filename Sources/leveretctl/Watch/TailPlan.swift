import JSON

/// Which bindings a temporary queue needs, so that copies come to it of what comes to a queue, or to an exchange.
struct TailPlan: Equatable {
    var bindings: [TopologySnapshot.Binding] = []
    /// What the watcher should know: what is not seen, and what watching changes.
    var notes: [String] = []

    /// Copies of what comes to a queue through its bindings. They are the same bindings, so nothing is routed otherwise
    /// than before.
    init(queue: String, _ topology: TopologySnapshot) {
        for binding in topology.bindings.values.flatMap({ $0 }) where binding.isToQueue && binding.destination == queue
        {
            guard Self.mayBeWatched(topology.exchanges[binding.source]) else {
                notes.append(
                    "what comes through exchange '\(binding.source)' is not shown: it shares messages out, and would "
                        + "give some to the watcher instead")
                continue
            }
            bindings.append(binding)
        }
        bindings.sort { ($0.source, $0.key) < ($1.source, $1.key) }
        notes.append("what is published straight to the queue by its name is not shown: only --firehose sees that")
    }

    /// Copies of what comes to an exchange.
    ///
    /// - Parameter keys: what to bind with; nothing is what suits the exchange.
    init(exchange: TopologySnapshot.Exchange, keys: [String], _ topology: TopologySnapshot) {
        let present = topology.bindings(from: exchange.name)
        let type = exchange.arguments["x-delayed-type"].text ?? exchange.type
        if !keys.isEmpty {
            bindings = keys.map { TopologySnapshot.Binding(source: exchange.name, destination: "", key: $0) }
        } else if exchange.alternate != nil || !["topic", "fanout", "headers"].contains(type) {
            // Watching everything would keep from the alternate exchange what matches nothing else.
            var met: Set<String> = []
            bindings = present.filter { met.insert($0.key + "\u{0}" + $0.arguments.compact).inserted }
            notes.append("only what matches a binding of the exchange is shown; --key shows more")
        } else {
            bindings = [
                TopologySnapshot.Binding(
                    source: exchange.name, destination: "", key: type == "topic" ? "#" : "",
                    arguments: type == "headers" ? ["x-match": "all"] : [:])
            ]
        }
        if exchange.alternate != nil, !keys.isEmpty {
            notes.append(
                "as long as this runs, what matches nothing but these keys does not go to the alternate exchange "
                    + "'\(exchange.alternate ?? "")'")
        }
    }

    /// An exchange that gives each message to one of its bindings would give some to the watcher.
    static func mayBeWatched(_ exchange: TopologySnapshot.Exchange?) -> Bool {
        guard let exchange else { return false }
        let sharing = ["x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random"]
        return !sharing.contains(exchange.type) && !sharing.contains(exchange.arguments["x-delayed-type"].text ?? "")
    }
}
