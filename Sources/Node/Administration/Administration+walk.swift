import Broker

extension Administration {
    /// So many objects of a shard are looked at in one turn; then its messages have theirs.
    package static let walkStep = 256
    /// More, where they are only summed up.
    private static let sumStep = 1024

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

    /// Sums up what a step reads of every shard's objects, some in each of its turns. A sum for each shard.
    package func sums<Sum: Sendable>(
        of zero: Sum,
        _ step: @escaping @Sendable (_ shard: ShardState, _ start: Int, _ limit: Int, _ sum: inout Sum) -> Int?
    ) async -> [Sum] {
        await withTaskGroup(of: (shard: Int, sum: Sum).self) { group in
            for shard in shards {
                group.addTask {
                    let sum = await shard.walk(zero) { step($0, $1, Self.sumStep, &$2) }
                    return (shard.index, sum)
                }
            }
            var sums = Array(repeating: zero, count: shards.count)
            for await (shard, sum) in group { sums[shard] = sum }
            return sums
        }
    }

    /// Reads something of fixed size from every shard.
    package func eachShard<Value: Sendable>(_ read: @escaping @Sendable (ShardState) -> Value) async -> [Value] {
        var values: [Value] = []
        for shard in shards { values.append(await shard.run(read)) }
        return values
    }
}
