import Broker
import NIOCore

// Work for which one turn would be too long.
extension Shard {
    /// Between two steps sockets have their turn: whatever is handed to an event loop from within is done before it
    /// looks at its sockets again, only what has a time waits.
    private static let pauseMicroseconds: Int64 = 50

    /// From any thread: looks at objects from place 0 on, a step in each turn, and gives what came of it. Nobody is
    /// asked to go on, so it takes no longer when other threads are busy.
    ///
    /// - Parameter step: returns the place to go on from; nil at the end.
    func walk<Value: Sendable>(
        _ value: Value, _ step: @escaping @Sendable (ShardState, Int, inout Value) -> Int?
    ) async -> Value {
        await withCheckedContinuation { waiter in
            eventLoop.execute { [self] in walk(from: 0, value, step, waiter) }
        }
    }

    private func walk<Value: Sendable>(
        from start: Int, _ value: Value, _ step: @escaping @Sendable (ShardState, Int, inout Value) -> Int?,
        _ waiter: CheckedContinuation<Value, Never>
    ) {
        state.now = Clock.now
        var value = value
        let next = step(state, start, &value)
        finishTurn()
        guard let next else { return waiter.resume(returning: value) }
        let reached = value
        let following = eventLoop.scheduleTask(in: .microseconds(Self.pauseMicroseconds)) { [self] in
            walk(from: next, reached, step, waiter)
        }
        // The event loop has ended: nobody looks at the answer any more.
        following.futureResult.whenFailure { _ in waiter.resume(returning: reached) }
    }
}
