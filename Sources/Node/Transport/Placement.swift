/// On which shard a new connection shall live.
///
/// `pack`: the first shard that is less than half busy and has few connections, so that at low load publisher, queue
/// and consumer meet on one event loop and no message crosses threads; else, and with `spread`, the one with the
/// fewest connections.
struct Placement: Sendable {
    /// Idle connections say nothing of the load they will bring: no more than these are packed together.
    private static let packedConnectionLimit = 64
    private static let busyPermille = 500

    let policy: ConnectionPlacement

    func choose(among shards: [Shard]) -> Shard {
        if policy == .pack,
            let shard = shards.first(where: {
                $0.load.busy < Self.busyPermille && $0.load.connectionCount < Self.packedConnectionLimit
            })
        {
            return shard
        }
        return shards.min { $0.load.connectionCount < $1.load.connectionCount } ?? shards[0]
    }
}
