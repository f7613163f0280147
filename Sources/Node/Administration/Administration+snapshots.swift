import AMQPWire
import Broker
import Routing

// Looking at what the shards own: in steps, between which they serve their clients.
extension Administration {
    /// Objects that a shard shows in one step.
    private static let stepCount = 256

    /// Something that a shard knows, read between two of its turns.
    package func read<Value: Sendable>(
        shard: Int, _ body: @escaping @Sendable (ShardState) -> Value
    ) async -> Value {
        await shards[shard].run(body)
    }

    /// What a stepwise reading of every shard gives.
    package func collect<Item: Sendable>(
        _ step: @escaping @Sendable (_ state: ShardState, _ start: Int, _ limit: Int) -> (items: [Item], next: Int?)
    ) async -> [Item] {
        var items: [Item] = []
        for shard in shards {
            var start: Int? = 0
            while let from = start {
                let (found, next) = await shard.run { step($0, from, Self.stepCount) }
                items += found
                start = next
            }
        }
        return items
    }

    /// The queues of these virtual hosts, one after the other, each sorted by name.
    package func queueReferences(virtualHosts names: [ShortString]) async -> [QueueReference] {
        let queues = await directory.queues()
        let indexes = controlPlane.virtualHostIndexes(names)
        let lists = names.compactMap { name in indexes[name].map { queues[$0] } }.filter { !$0.isEmpty }
        return lists.count == 1 ? lists[0] : Array(lists.joined())
    }

    /// The column's values for all queues, by shard and slot.
    package func queueValues(of column: QueueColumn) async -> [[Double]] {
        await sums(of: []) { state, start, limit, values in
            state.addValues(of: column, from: start, limit: limit, to: &values)
        }
    }

    /// The names of the policies, or operator policies, that hold for all queues, by shard and slot.
    package func queuePolicies(areOperators: Bool) async -> [[ShortString?]] {
        await sums(of: []) { state, start, limit, names in
            state.addPolicyNames(areOperators: areOperators, from: start, limit: limit, to: &names)
        }
    }

    /// The bindings of an exchange: of the default exchange the implicit ones, in their order; else in no order.
    package func bindings(fromExchange name: ShortString, virtualHost: ShortString) async -> [BindingSnapshot] {
        guard name.isEmpty else { return controlPlane.bindings(fromExchange: name, virtualHost: virtualHost) }
        return await queueReferences(virtualHosts: [virtualHost]).map { .implicit(to: $0.name, virtualHost) }
    }

    /// These queues as they are now, in their order; nil for those that are gone.
    package func queueSnapshots(at addresses: [QueueAddress]) async -> [QueueSnapshot?] {
        await withTaskGroup(of: (places: [Int], snapshots: [QueueSnapshot?]).self) { group in
            for shard in shards {
                let places = addresses.indices.filter { addresses[$0].shard == shard.index }
                if places.isEmpty { continue }
                let asked = places.map { addresses[$0] }
                group.addTask { (places, await shard.run { $0.queueSnapshots(at: asked) }) }
            }
            var snapshots: [QueueSnapshot?] = Array(repeating: nil, count: addresses.count)
            for await found in group {
                for (place, snapshot) in zip(found.places, found.snapshots) { snapshots[place] = snapshot }
            }
            return snapshots
        }
    }

    /// What these queues were at the latest samples, by address; without those that are gone.
    package func queueSamples(at addresses: [QueueAddress]) async -> [QueueAddress: SampleSeries] {
        var samples: [QueueAddress: SampleSeries] = [:]
        for (shard, addresses) in Dictionary(grouping: addresses, by: \.shard) where shard < shards.count {
            let found = await shards[shard].run { state in addresses.map { state.samples(ofQueue: $0) } }
            for (address, series) in zip(addresses, found) { samples[address] = series }
        }
        return samples
    }

    /// What these exchanges have done, on all shards together, as of `noteCounters`, and how fast.
    package func exchangeActivity(
        of exchanges: [ExchangeReference]
    ) async -> [(counters: ExchangeCounters, rates: ExchangeRates)] {
        var sums = Array(repeating: (counters: ExchangeCounters(), rates: ExchangeRates()), count: exchanges.count)
        for shard in shards {
            let found = await shard.run { ($0.exchangeCounters(of: exchanges), $0.exchangeRates(of: exchanges)) }
            for index in sums.indices {
                sums[index] = (sums[index].counters + found.0[index], sums[index].rates + found.1[index])
            }
        }
        return sums
    }

    /// The channels that have published to an exchange, and the queues that it has handed messages to.
    package func pairs(
        ofExchange exchange: ExchangeReference
    ) async -> (incoming: [ChannelActivity], outgoing: [NamedActivity]) {
        let incoming = await collect { state, start, limit in
            state.channels(publishingTo: exchange, from: start, limit: limit)
        }
        var outgoing: [NamedActivity] = []
        for shard in shards { outgoing += await shard.run { $0.queues(behind: exchange) } }
        return (incoming, NamedActivity.summed(outgoing))
    }

    /// The exchanges that have handed messages to a queue, and the channels that have got them.
    package func pairs(
        ofQueue queue: QueueAddress, virtualHost: ShortString
    ) async -> (incoming: [NamedActivity], deliveries: [ChannelActivity]) {
        var incoming: [NamedActivity] = []
        if let host = controlPlane.virtualHostIndexes([virtualHost])[virtualHost] {
            for shard in shards {
                incoming += await shard.run { $0.exchanges(before: queue, virtualHostIndex: host) }
            }
        }
        let deliveries = await collect { state, start, limit in
            state.channels(takingFrom: queue, from: start, limit: limit)
        }
        return (NamedActivity.summed(incoming), deliveries)
    }

    package func exchangeCounters(of exchanges: [ExchangeReference]) async -> [ExchangeCounters] {
        await exchangeActivity(of: exchanges).map(\.counters)
    }

    /// Exchanges and virtual hosts learn what their channels have counted up to now.
    package func noteCounters() async {
        for shard in shards {
            await shard.walk(()) { state, start, _ in state.noteCounters(from: start, limit: Self.stepCount) }
        }
    }

    /// The unacked messages of a queue, on whatever shard's channels, in their shards' order.
    ///
    /// - Parameters:
    ///   - skipped: so many at the beginning are left out.
    ///   - limit: how many at most.
    package func unackedSnapshots(
        of queue: QueueAddress, skipping skipped: Int, limit: Int
    ) async -> [UnackedSnapshot] {
        var items: [UnackedSnapshot] = []
        var left = skipped
        for shard in shards {
            var cursor: UnackedCursor? = .start
            while let from = cursor, items.count < limit {
                let (found, next) = await shard.run {
                    $0.unackedSnapshots(of: queue, from: from, limit: Self.stepCount)
                }
                items += found.dropFirst(left).prefix(limit - items.count)
                left -= min(left, found.count)
                cursor = next
            }
        }
        return items
    }

    /// Ends a connection as an operator does: 320 to the client.
    package func closeConnection(_ address: ConnectionAddress, reason: String) async {
        await shards[Int(address.shard)].run { $0.closeConnection(address, reason: reason) }
    }
}
