import AMQPWire

@testable import Routing

/// The naive counterpart of a `RoutingTable`: a list of bindings, searched through for every message.
struct RoutingModel {
    var exchanges: [ExchangeID: ExchangeKind] = [.default: .direct]
    var queues: [QueueAddress: ShortString] = [:]
    var bindings: [Binding] = []

    mutating func removeExchange(_ id: ExchangeID) {
        exchanges[id] = nil
        bindings.removeAll { $0.source == id || $0.destination == .exchange(id) }
    }

    mutating func removeQueue(_ address: QueueAddress) {
        queues[address] = nil
        bindings.removeAll { $0.destination == .queue(address) }
    }

    func route(_ start: ExchangeID, _ key: ShortString, _ headers: FieldTable) -> Set<QueueAddress> {
        var found: Set<QueueAddress> = []
        var seen: Set<ExchangeID> = [start]
        var open = [start]
        while let exchange = open.popLast() {
            if exchange == .default { found.formUnion(queues.filter { $0.value == key }.keys) }
            for binding in bindings where binding.source == exchange && matches(binding, key, headers) {
                switch binding.destination {
                case .queue(let queue): found.insert(queue)
                case .exchange(let next): if seen.insert(next).inserted { open.append(next) }
                }
            }
        }
        return found
    }

    private func matches(_ binding: Binding, _ key: ShortString, _ headers: FieldTable) -> Bool {
        switch exchanges[binding.source] {
        case .direct: binding.routingKey == key
        case .fanout: true
        case .topic: NaiveMatching.topic(binding.routingKey, matches: key)
        case .headers: NaiveMatching.headers(binding.arguments, match: headers)
        case nil: false
        }
    }

    /// The exchange itself and every one from which messages may come to it.
    func upstream(of id: ExchangeID) -> Set<ExchangeID> {
        reachable(from: id) { binding, exchange in binding.destination == .exchange(exchange) ? binding.source : nil }
    }

    func routesByHeaders(_ id: ExchangeID) -> Bool {
        let behind = reachable(from: id) { binding, exchange in
            guard binding.source == exchange, case .exchange(let next) = binding.destination else { return nil }
            return next
        }
        return behind.contains { exchanges[$0] == .headers }
    }

    private func reachable(from id: ExchangeID, _ step: (Binding, ExchangeID) -> ExchangeID?) -> Set<ExchangeID> {
        var seen: Set<ExchangeID> = [id]
        var open = [id]
        while let exchange = open.popLast() {
            for next in bindings.compactMap({ step($0, exchange) }) where seen.insert(next).inserted {
                open.append(next)
            }
        }
        return seen
    }
}
