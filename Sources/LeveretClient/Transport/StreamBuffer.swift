import Synchronization

/// What an asynchronous sequence has not given out yet, and who waits for more.
final class StreamBuffer<Element: Sendable>: Sendable {
    private typealias Continuation = CheckedContinuation<Element?, any Error>

    private enum End {
        case finished
        case failed(LeveretError)
    }

    private struct State {
        /// A ring would do as well; what was taken is nil, so that its memory is free.
        var elements: [Element?] = []
        var head = 0
        var waiting: [(id: UInt64, continuation: Continuation)] = []
        var lastWaiterID: UInt64 = 0
        /// nil: more may come.
        var end: End?
    }

    private let state = Mutex(State())
    /// Beyond it the oldest elements are dropped.
    private let capacity: Int

    init(capacity: Int = .max) { self.capacity = capacity }

    /// - Returns: false when the sequence has ended.
    @discardableResult
    func append(_ element: Element) -> Bool {
        let (waiter, isOpen) = state.withLock { state -> (Continuation?, Bool) in
            guard state.end == nil else { return (nil, false) }
            if !state.waiting.isEmpty { return (state.waiting.removeFirst().continuation, true) }
            if state.elements.count - state.head >= capacity { _ = Self.pop(&state) }
            state.elements.append(element)
            return (nil, true)
        }
        waiter?.resume(returning: element)
        return isOpen
    }

    /// No more elements; what is there can still be taken.
    func finish(_ error: LeveretError?) {
        let waiting = state.withLock { state in
            if state.end == nil { state.end = error.map { .failed($0) } ?? .finished }
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in waiting {
            if let error {
                waiter.continuation.resume(throwing: error)
            } else {
                waiter.continuation.resume(returning: nil)
            }
        }
    }

    /// Everything that nobody has taken.
    func drain() -> [Element] {
        state.withLock { state in
            defer {
                state.elements = []
                state.head = 0
            }
            return state.elements[state.head...].compactMap { $0 }
        }
    }

    private static func pop(_ state: inout State) -> Element? {
        guard state.head < state.elements.count else { return nil }
        let element = state.elements[state.head]
        state.elements[state.head] = nil
        state.head += 1
        if state.head == state.elements.count {
            state.elements.removeAll(keepingCapacity: state.elements.capacity <= 4096)
            state.head = 0
        } else if state.head >= 64, state.head * 2 >= state.elements.count {
            state.elements.removeFirst(state.head)
            state.head = 0
        }
        return element
    }

    /// The next element, waited for if need be; nil at the end.
    ///
    /// - Throws: the error that the sequence ended with; `CancellationError` when the task is cancelled.
    func next() async throws -> Element? {
        try Task.checkCancellation()
        let (element, id) = state.withLock { state in
            state.lastWaiterID += 1
            return (Self.pop(&state), state.lastWaiterID)
        }
        if let element { return element }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in wait(id, continuation) }
        } onCancel: {
            cancel(id)
        }
    }

    private func wait(_ id: UInt64, _ continuation: Continuation) {
        let outcome = state.withLock { state -> Result<Element?, any Error>? in
            // A cancellation before this moment has found nobody waiting.
            if Task.isCancelled { return .failure(CancellationError()) }
            if let element = Self.pop(&state) { return .success(element) }
            switch state.end {
            case .finished: return .success(nil)
            case .failed(let error): return .failure(error)
            case nil: break
            }
            state.waiting.append((id, continuation))
            return nil
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.id == id }.map { state.waiting.remove(at: $0).continuation }
        }
        waiter?.resume(throwing: CancellationError())
    }
}
