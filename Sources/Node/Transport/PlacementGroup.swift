import Dispatch
import NIOCore
import Synchronization

/// Tells the listener on which shard's event loop a new connection shall live.
///
/// `pack`: the first shard that is less than half busy and has few connections, so that at low load publisher, queue
/// and consumer meet on one event loop and no message crosses threads; else, and with `spread`, the one with the
/// fewest connections.
final class PlacementGroup: EventLoopGroup, Sendable {
    /// Idle connections say nothing of the load they will bring: no more than these are packed together.
    private static let packedConnectionLimit = 64
    private static let busyPermille = 500

    private let shards: [Shard]
    private let placement: ConnectionPlacement

    init(shards: [Shard], placement: ConnectionPlacement) {
        self.shards = shards
        self.placement = placement
    }

    func next() -> any EventLoop {
        if placement == .pack,
            let shard = shards.first(where: {
                $0.load.busy < Self.busyPermille && $0.load.connectionCount < Self.packedConnectionLimit
            })
        {
            return shard.eventLoop
        }
        let least = shards.min { $0.load.connectionCount < $1.load.connectionCount }
        return (least ?? shards[0]).eventLoop
    }

    func any() -> any EventLoop { shards[0].eventLoop }

    func makeIterator() -> EventLoopIterator { EventLoopIterator(shards.map(\.eventLoop)) }

    /// The event loops belong to the node, which shuts them down.
    func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(nil) }
    }
}
