import AMQPWire

@testable import Routing

/// The naive counterpart of a `RoutingTable`: a list of bindings, searched through for every message.
struct RoutingModel {
    var exchanges: [ExchangeID: ExchangeKind] = [.default: .direct]
    var queues: [QueueAddress: ShortString] = [:]
    var bindings: [Binding] = []
    /// Names of alternate exchanges; an exchange's name is its number.
    var alternates: [ExchangeID: UInt32] = [:]

    mutating func removeExchange(_ id: ExchangeID) {
        alternates[id] = nil
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
            let matching = bindings.filter { $0.source == exchange && matches($0, key, headers) }
            if matching.isEmpty, let next = alternate(of: exchange), seen.insert(next).inserted { open.append(next) }
            for binding in matching {
                switch binding.destination {
                case .queue(let queue): found.insert(queue)
                case .exchange(let next): if seen.insert(next).inserted { open.append(next) }
                }
            }
        }
        return found
    }

    /// The alternate, if it is there.
    private func alternate(of id: ExchangeID) -> ExchangeID? {
        guard let number = alternates[id], exchanges[ExchangeID(value: number)] != nil else { return nil }
        return ExchangeID(value: number)
    }

    private func matches(_ binding: Binding, _ key: ShortString, _ headers: FieldTable) -> Bool {
        switch exchanges[binding.source] {
        case .direct: binding.routingKey == key
        case .fanout: true
        case .topic: NaiveMatching.topic(binding.routingKey, matches: key)
        case .headers: NaiveMatching.headers(binding.arguments, match: headers)
        case .consistentHash, .modulusHash, .random, nil: false
        }
    }

    /// The exchange itself and every one from which messages may come to it.
    func upstream(of id: ExchangeID) -> Set<ExchangeID> {
        reachable(from: id) { exchange in
            bindings.filter { $0.destination == .exchange(exchange) }.map(\.source)
                + alternates.keys.filter { alternate(of: $0) == exchange }
        }
    }

    func dependsOnMessage(_ id: ExchangeID) -> Bool {
        let behind = reachable(from: id) { exchange in
            bindings.filter { $0.source == exchange }.compactMap { binding in
                if case .exchange(let next) = binding.destination { next } else { nil }
            } + [alternate(of: exchange)].compactMap { $0 }
        }
        return behind.contains { exchanges[$0] == .headers }
    }

    private func reachable(from id: ExchangeID, _ step: (ExchangeID) -> [ExchangeID]) -> Set<ExchangeID> {
        var seen: Set<ExchangeID> = [id]
        var open = [id]
        while let exchange = open.popLast() {
            for next in step(exchange) where seen.insert(next).inserted { open.append(next) }
        }
        return seen
    }
}
