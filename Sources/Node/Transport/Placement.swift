/// On which shard a new connection shall live.
///
/// `pack`: the first shard that has few connections and is less than half busy, or was half busy and is not any more,
/// so that at low load publisher, queue and consumer meet on one event loop and no message crosses threads; else, and
/// with `spread`, the one with the fewest connections.
struct Placement: Sendable {
    /// Idle connections say nothing of the load they will bring: no more than these are packed together.
    static let packedConnectionLimit = 64

    let policy: ConnectionPlacement

    /// The index of the shard; there is at least one.
    ///
    /// - Parameter wall: the time of the clock, in nanoseconds.
    func choose(among loads: [ShardLoad], at wall: UInt64) -> Int {
        if policy == .pack,
            let index = loads.firstIndex(where: {
                $0.connectionCount < Self.packedConnectionLimit && !$0.isBusy(wall)
            })
        {
            return index
        }
        return loads.indices.min { loads[$0].connectionCount < loads[$1].connectionCount } ?? 0
    }
}
