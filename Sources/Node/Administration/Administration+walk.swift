import Broker
import NIOCore

extension Administration {
    /// So many objects of a shard are looked at in one turn; then its messages have theirs.
    package static let walkStep = 256

    /// Reads objects of every shard, some in each of its turns, and hands them on: messaging goes on meanwhile, and an
    /// object that comes or goes may be seen or not. The next step is made when the body has returned.
    ///
    /// - Parameter step: reads a shard's objects from a place on, at most so many, and says where to go on; on the
    ///   shard's event loop.
    package func walk<Item: Sendable>(
        _ step: @escaping @Sendable (_ shard: ShardState, _ start: Int, _ limit: Int) -> (items: [Item], next: Int?),
        _ body: ([Item]) async throws -> Void
    ) async throws {
        for shard in shards {
            var start: Int? = 0
            while let place = start {
                let (items, next) = try await shard.eventLoop.submit {
                    shard.state.now = Clock.now
                    return step(shard.state, place, Self.walkStep)
                }.get()
                try await body(items)
                start = next
            }
        }
    }

    /// Reads something of fixed size from every shard.
    package func eachShard<Value: Sendable>(_ read: @escaping @Sendable (ShardState) -> Value) async throws -> [Value] {
        var values: [Value] = []
        for shard in shards {
            values.append(
                try await shard.eventLoop.submit {
                    shard.state.now = Clock.now
                    return read(shard.state)
                }.get())
        }
        return values
    }
}

extension Administration {
    package var nodeName: String { settings.clusterName }
}
