import Synchronization

/// How busy a shard is, for the placement of new connections: read from any thread, sampled by the shard.
final class ShardLoad: Sendable {
    private let busyPermille = Atomic<Int>(0)
    private let connections = Atomic<Int>(0)
    private let lastThread = Atomic<UInt64>(0)
    private let lastWall = Atomic<UInt64>(0)

    /// CPU time of the event loop's thread over the last sample, in thousandths of the time that passed.
    var busy: Int { busyPermille.load(ordering: .relaxed) }
    var connectionCount: Int { connections.load(ordering: .relaxed) }

    func connectionOpened() { connections.add(1, ordering: .relaxed) }
    func connectionClosed() { connections.subtract(1, ordering: .relaxed) }

    /// On the shard's own thread, with its CPU time so far and the time of the clock, both in nanoseconds.
    func sample(thread: UInt64, wall: UInt64) {
        let elapsed = wall - lastWall.exchange(wall, ordering: .relaxed)
        let used = thread - min(thread, lastThread.exchange(thread, ordering: .relaxed))
        if elapsed > 0 { busyPermille.store(Int(min(1000, used * 1000 / elapsed)), ordering: .relaxed) }
    }
}
