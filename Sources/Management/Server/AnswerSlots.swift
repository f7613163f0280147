import Synchronization

/// So many long answers are made at once: each keeps the names, or the numbers, of what it lists until the client has
/// taken it. Who comes later waits, and keeps nothing.
final class AnswerSlots: Sendable {
    private struct State {
        var freeCount: Int
        /// In the order they came.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(count: Int = 16) { state = Mutex(State(freeCount: count)) }

    /// Runs the body as soon as there is a slot for it.
    func withSlot(_ body: () async throws -> Void) async rethrows {
        await take()
        defer { giveBack() }
        try await body()
    }

    private func take() async {
        await withCheckedContinuation { waiter in
            let isFree = state.withLock { state in
                if state.freeCount == 0 { state.waiters.append(waiter) }
                guard state.freeCount > 0 else { return false }
                state.freeCount -= 1
                return true
            }
            if isFree { waiter.resume() }
        }
    }

    /// The slot goes to whoever has waited longest.
    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.freeCount += 1
            return nil
        }
        next?.resume()
    }

    /// Who waits, for tests.
    var waitingCount: Int { state.withLock { $0.waiters.count } }
}
