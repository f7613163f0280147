import AMQPWire
import Routing

// The topology as it is now. Names in one go, what stands behind them in steps: the lock is held for microseconds each
// time, so what comes and goes meanwhile is in the answer or not.
extension ControlPlane {
    /// Records that are read under the lock in one go.
    private static let recordsPerStep = 256

    /// The names of a virtual host's exchanges, sorted; none when it is not there.
    package func exchangeNames(virtualHost: ShortString) -> [ShortString] {
        let names = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].map { Array(topology.virtualHosts[$0].exchanges.keys) }
        }
        return (names ?? nil ?? []).sorted()
    }

    /// Where a queue lives; nil when it is not there.
    package func queueAddress(_ name: ShortString, virtualHost: ShortString) -> QueueAddress? {
        let address = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].flatMap { topology.virtualHosts[$0].queues[name]?.address }
        }
        return address ?? nil
    }

    /// These exchanges, without those that are gone.
    package func exchangeSnapshots(named names: some Sequence<ShortString>, virtualHost: ShortString)
        -> [ExchangeSnapshot]
    {
        inSteps(Array(names)) { names, topology in
            guard let index = topology.virtualHostIndexes[virtualHost] else { return [] }
            return names.compactMap { name in
                topology.virtualHosts[index].exchanges[name].map { exchange in
                    ExchangeSnapshot(
                        reference: ExchangeReference(virtualHostIndex: index, id: exchange.id), name: name,
                        virtualHost: virtualHost, type: exchange.type, isDurable: exchange.isDurable,
                        isAutoDelete: exchange.isAutoDelete, isInternal: exchange.isInternal,
                        arguments: exchange.arguments, creator: exchange.creator, policies: exchange.policies)
                }
            }
        }
    }

    /// How many objects there are: RabbitMQ's `object_totals`.
    package var objectCounts: (exchanges: Int, queues: Int, connections: Int) {
        let counts = try? withTopology { topology in
            topology.virtualHosts.reduce(into: (exchanges: 0, queues: 0, connections: 0)) { counts, host in
                counts.exchanges += host.exchanges.count
                counts.queues += host.queues.count
                counts.connections += host.connectionCount
            }
        }
        return counts ?? (0, 0, 0)
    }

    /// Where shards have these virtual hosts, without those that are not there.
    package func virtualHostIndexes(_ names: [ShortString]) -> [ShortString: Int] {
        let indexes = try? withTopology { topology in
            names.reduce(into: [:]) { $0[$1] = topology.virtualHostIndexes[$1] }
        }
        return indexes ?? [:]
    }

    /// Takes the lock for each so many.
    private func inSteps<Item: Sendable, Result: Sendable>(
        _ items: [Item], _ body: (ArraySlice<Item>, Topology) -> [Result]
    ) -> [Result] {
        var results: [Result] = []
        var start = 0
        while start < items.count {
            let end = min(start + Self.recordsPerStep, items.count)
            results += (try? withTopology { body(items[start..<end], $0) }) ?? []
            start = end
        }
        return results
    }
}

// Bindings.
extension ControlPlane {
    /// The bindings of an exchange, in no order. The default exchange has but implicit ones, one to each queue.
    package func bindings(fromExchange name: ShortString, virtualHost: ShortString) -> [BindingSnapshot] {
        bindings(virtualHost) { host in host.exchanges[name].map { host.bindings(from: $0.id) } ?? [] }
    }

    /// How many bindings an exchange has, implicit ones too.
    package func bindingCount(ofExchange name: ShortString, virtualHost: ShortString) -> Int {
        let count = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].map { index in
                let host = topology.virtualHosts[index]
                return name.isEmpty ? host.queues.count : host.exchanges[name].map { host.bindings(from: $0.id).count }
            }
        }
        return (count ?? nil ?? nil) ?? 0
    }

    /// The bindings that lead to an exchange, in no order.
    package func bindings(toExchange name: ShortString, virtualHost: ShortString) -> [BindingSnapshot] {
        bindings(virtualHost) { host in host.exchanges[name].map { host.bindings(to: .exchange($0.id)) } ?? [] }
    }

    /// The bindings that lead to a queue, the implicit one of the default exchange first.
    package func bindings(toQueue name: ShortString, virtualHost: ShortString) -> [BindingSnapshot] {
        guard queueAddress(name, virtualHost: virtualHost) != nil else { return [] }
        return [.implicit(to: name, virtualHost)]
            + bindings(virtualHost) { host in host.queues[name].map { host.bindings(to: .queue($0.address)) } ?? [] }
    }

    /// The set is shared under the lock, its names are looked up in steps.
    private func bindings(
        _ virtualHost: ShortString, _ find: (VirtualHostTopology) -> Set<Binding>
    ) -> [BindingSnapshot] {
        let found = try? withTopology { topology in
            topology.virtualHostIndexes[virtualHost].map { find(topology.virtualHosts[$0]) }
        }
        return inSteps(Array(found ?? nil ?? [])) { bindings, topology in
            guard let index = topology.virtualHostIndexes[virtualHost] else { return [] }
            return bindings.compactMap { topology.virtualHosts[index].snapshot($0) }
        }
    }
}

extension BindingSnapshot {
    /// Of the default exchange.
    package static func implicit(to queue: ShortString, _ virtualHost: ShortString) -> BindingSnapshot {
        BindingSnapshot(
            source: "", virtualHost: virtualHost, destination: queue, isToQueue: true, routingKey: queue,
            arguments: FieldTable())
    }
}
