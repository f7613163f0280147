import Broker

extension Administration {
    /// So many objects of a shard are looked at in one turn; then its messages have theirs.
    package static let walkStep = 256

    /// Reads objects of every shard, some in each of its turns, and hands them on as they come: nothing is kept here,
    /// and the next step is made when the body has returned.
    ///
    /// - Parameter step: reads a shard's objects from a place on, at most so many, and says where to go on; on the
    ///   shard's event loop.
    package func walk<Item: Sendable>(
        _ step: @escaping @Sendable (_ shard: ShardState, _ start: Int, _ limit: Int) -> (items: [Item], next: Int?),
        _ body: ([Item]) -> Void
    ) async {
        for shard in shards {
            var start: Int? = 0
            while let place = start {
                let (items, next) = await shard.run { step($0, place, Self.walkStep) }
                body(items)
                start = next
            }
        }
    }

    /// Reads something of fixed size from every shard.
    package func eachShard<Value: Sendable>(_ read: @escaping @Sendable (ShardState) -> Value) async -> [Value] {
        var values: [Value] = []
        for shard in shards { values.append(await shard.run(read)) }
        return values
    }
}
