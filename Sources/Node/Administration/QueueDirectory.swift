import Broker
import Synchronization

/// The queues of each virtual host, sorted by name: read from the shards once, and from then on changed with what comes
/// and goes. Who asks for a page of a hundred thousand queues each second shall not have them sorted each second.
final class QueueDirectory: Sendable {
    private struct State {
        /// nil before they were read.
        var lists: QueueLists?
        var isReading = false
        /// Who waits until they are.
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Step {
        case done(QueueLists)
        case read
        case wait
    }

    private let controlPlane: ControlPlane
    private let shards: [Shard]
    private let state = Mutex(State())

    /// Queues that are named in one turn of a shard.
    private static let stepCount = 512

    init(controlPlane: ControlPlane, shards: [Shard]) {
        self.controlPlane = controlPlane
        self.shards = shards
    }

    /// As they are now.
    func queues() async -> QueueLists {
        while true {
            switch nextStep() {
            case .done(let lists): return lists
            case .read: await read()
            case .wait: await waitForReading()
            }
        }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            // The changes of meanwhile are the reader's.
            if state.isReading { return .wait }
            if let changes = controlPlane.takeQueueSetChanges(), state.lists != nil {
                state.lists?.apply(changes)
            } else {
                state.lists = nil
                state.isReading = true
            }
            return state.lists.map { .done($0) } ?? .read
        }
    }

    private func read() async {
        let lists = await withTaskGroup(of: [Int: [QueueReference]].self) { group in
            for shard in shards {
                group.addTask {
                    await shard.walk([:]) { state, start, references in
                        state.addReferences(from: start, limit: Self.stepCount, to: &references)
                    }
                }
            }
            var found: [Int: [QueueReference]] = [:]
            for await references in group { found.merge(references, uniquingKeysWith: +) }
            return QueueLists(unsorted: found)
        }
        let waiters = state.withLock { state in
            state.lists = lists
            state.isReading = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func waitForReading() async {
        await withCheckedContinuation { waiter in
            let isReading = state.withLock { state in
                if state.isReading { state.waiters.append(waiter) }
                return state.isReading
            }
            if !isReading { waiter.resume() }
        }
    }
}
