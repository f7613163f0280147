import Synchronization

/// How busy a shard is, for the placement of new connections: read from any thread, sampled by the shard.
final class ShardLoad: Sendable {
    private let ticks = BusyMeter()
    private let turns = BusyMeter()
    private let connections = Atomic<Int>(0)

    /// CPU time of the event loop's thread over the last tick, in thousandths of the time that passed.
    var busy: Int { ticks.busyPermille }
    var connectionCount: Int { connections.load(ordering: .relaxed) }

    /// Whether it was at least half busy over the last tick, and is now: what it did then may be done.
    ///
    /// - Parameter wall: the time of the clock, in nanoseconds.
    func isBusy(_ wall: UInt64) -> Bool {
        ticks.busyPermille >= Self.limitPermille && turns.busyPermille(until: wall) >= Self.limitPermille
    }

    private static let limitPermille = 500

    func connectionOpened() { connections.add(1, ordering: .relaxed) }
    func connectionClosed() { connections.subtract(1, ordering: .relaxed) }

    /// On the shard's own thread, at each tick, with its CPU time so far and the time of the clock: both in
    /// nanoseconds.
    func sampleTick(thread: UInt64, wall: UInt64) { ticks.sample(thread: thread, wall: wall) }

    /// The same at the end of a turn, once a millisecond.
    func sampleTurn(thread: UInt64, wall: UInt64) { turns.sample(thread: thread, wall: wall) }
}

/// CPU time between two samples. Written by one thread; who reads meanwhile may get a part of each, which is a bad
/// guess for once.
private struct BusyMeter: ~Copyable {
    private let permille = Atomic<Int>(0)
    private let usedNanoseconds = Atomic<UInt64>(0)
    private let elapsedNanoseconds = Atomic<UInt64>(0)
    private let lastThread = Atomic<UInt64>(0)
    private let lastWall = Atomic<UInt64>(0)

    /// Between the last two samples, in thousandths.
    var busyPermille: Int { permille.load(ordering: .relaxed) }

    /// The same, until now: as if the thread had been idle since the last sample.
    func busyPermille(until wall: UInt64) -> Int {
        let last = lastWall.load(ordering: .relaxed)
        let elapsed = elapsedNanoseconds.load(ordering: .relaxed) + (wall > last ? wall - last : 0)
        return elapsed == 0 ? 0 : Int(min(1000, usedNanoseconds.load(ordering: .relaxed) * 1000 / elapsed))
    }

    func sample(thread: UInt64, wall: UInt64) {
        let elapsed = wall - lastWall.exchange(wall, ordering: .relaxed)
        let used = thread - min(thread, lastThread.exchange(thread, ordering: .relaxed))
        guard elapsed > 0 else { return }
        usedNanoseconds.store(used, ordering: .relaxed)
        elapsedNanoseconds.store(elapsed, ordering: .relaxed)
        permille.store(Int(min(1000, used * 1000 / elapsed)), ordering: .relaxed)
    }
}
