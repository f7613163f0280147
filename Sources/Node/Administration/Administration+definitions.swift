import Broker

// What definitions describe, many at once: in steps, between which the shards serve their clients.
extension Administration {
    /// So many are declared in one turn of a shard.
    private static let definitionsPerStep = 64

    /// New queues are spread over the shards. The outcomes are in the order of the queues.
    package func add(_ queues: [QueueDefinition]) async -> [Result<ImportOutcome, ProtocolError>] {
        await inSteps(queues) { state, queue throws(ProtocolError) in try state.add(queue) }
    }

    package func add(_ exchanges: [ExchangeDefinition]) async -> [Result<ImportOutcome, ProtocolError>] {
        await inSteps(exchanges) { state, exchange throws(ProtocolError) in try state.add(exchange) }
    }

    package func add(_ bindings: [BindingDefinition]) async -> [Result<ImportOutcome, ProtocolError>] {
        await inSteps(bindings) { state, binding throws(ProtocolError) in try state.add(binding) }
    }

    private func inSteps<Item: Sendable>(
        _ items: [Item], _ body: @escaping @Sendable (ShardState, Item) throws(ProtocolError) -> ImportOutcome
    ) async -> [Result<ImportOutcome, ProtocolError>] {
        var outcomes: [Result<ImportOutcome, ProtocolError>] = []
        outcomes.reserveCapacity(items.count)
        var shard = 0
        var start = 0
        while start < items.count {
            let end = min(start + Self.definitionsPerStep, items.count)
            let step = items[start..<end]
            outcomes += await shards[shard].run { state in
                step.map { item in
                    do throws(ProtocolError) { return .success(try body(state, item)) } catch { return .failure(error) }
                }
            }
            shard = (shard + 1) % shards.count
            start = end
        }
        return outcomes
    }
}
