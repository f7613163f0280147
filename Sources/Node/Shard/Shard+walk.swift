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
            let walk = Walk(value, step, waiter)
            eventLoop.execute { [self] in go(on: walk, from: 0) }
        }
    }

    private func go<Value: Sendable>(on walk: Walk<Value>, from start: Int) {
        state.now = Clock.now
        let next = walk.step(state, start, &walk.value)
        finishTurn()
        guard let next else { return walk.waiter.resume(returning: walk.value) }
        let following = eventLoop.scheduleTask(in: .microseconds(Self.pauseMicroseconds)) { [self] in
            go(on: walk, from: next)
        }
        // The event loop has ended: nobody looks at the answer any more.
        following.futureResult.whenFailure { _ in walk.waiter.resume(returning: walk.value) }
    }
}

/// How far a walk has come: a value of which there is one copy only, however large it grows. The event loop's alone.
private final class Walk<Value: Sendable>: @unchecked Sendable {
    var value: Value
    let step: @Sendable (ShardState, Int, inout Value) -> Int?
    let waiter: CheckedContinuation<Value, Never>

    init(
        _ value: Value, _ step: @escaping @Sendable (ShardState, Int, inout Value) -> Int?,
        _ waiter: CheckedContinuation<Value, Never>
    ) {
        self.value = value
        self.step = step
        self.waiter = waiter
    }
}
