import Synchronization

/// A thread that does one thing after another, in the order in which they were asked for: for what blocks on the disk.
final class SerialThread: Sendable {
    private struct State {
        var tasks: [@Sendable () -> Void] = []
        var isStopped = false
    }

    private let state = Mutex(State())
    private let signal = ThreadSignal()

    func start() {
        startThread { [self] in
            while true {
                let (tasks, isStopped) = state.withLock { state in
                    defer { state.tasks = [] }
                    return (state.tasks, state.isStopped)
                }
                for task in tasks { task() }
                if tasks.isEmpty {
                    if isStopped { return signal.finish() }
                    signal.wait()
                }
            }
        }
    }

    func perform(_ task: @escaping @Sendable () -> Void) {
        state.withLock { $0.tasks.append(task) }
        signal.wake()
    }

    /// Does what was asked for before, then ends.
    func stop() {
        state.withLock { $0.isStopped = true }
        signal.wake()
        signal.waitForFinish()
    }
}
