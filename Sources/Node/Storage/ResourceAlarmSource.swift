import Broker
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Looks after what the node may run short of, and tells the shards: free disk space once a second, on a thread of its
/// own because a disk may take its time, and whatever the journal meets.
///
/// The disk alarm is on while free space is below the limit or the journal finds the disk full. There is no hysteresis,
/// as in RabbitMQ.
final class ResourceAlarmSource: Sendable {
    private struct State {
        var isSpaceLow = false
        var isDiskFull = false
        var isSpaceUnknown = false
        /// As of the last look; nil when the system does not say.
        var freeByteCount: Int?
        var isStopped = false
        /// The thread, from `start` to `stop`.
        var group: MultiThreadedEventLoopGroup?

        /// Looks in a row at which memory was tight.
        var tightCount = 0

        var alarms: ResourceAlarms {
            var alarms: ResourceAlarms = isSpaceLow || isDiskFull ? .disk : []
            if tightCount >= ResourceAlarmSource.tightLimit { alarms.insert(.memory) }
            return alarms
        }
    }

    private let path: String
    private let limitBytes: Int
    private let logger: Logger
    private let freeBytes: @Sendable (String) -> Int?
    private let apply: @Sendable (ResourceAlarms) -> Void
    private let memory: MemoryAccount
    private let state = Mutex(State())

    private static let intervalSeconds: Int64 = 1
    /// Memory that is tight for a moment only slows publishers down.
    private static let tightLimit = 3

    /// - Parameters:
    ///   - path: where the node stores what it stores.
    ///   - limitBytes: the alarm is on while less is free.
    ///   - memory: the alarm is on while it stays tight; what is free is given back to the system.
    ///   - freeBytes: tells what is free at the path, nil when it cannot.
    ///   - apply: called with the alarms that are on whenever they change, one call after the other.
    init(
        path: String, limitBytes: Int, memory: MemoryAccount, logger: Logger,
        freeBytes: @escaping @Sendable (String) -> Int? = DiskSpace.freeBytes,
        apply: @escaping @Sendable (ResourceAlarms) -> Void
    ) {
        self.path = path
        self.limitBytes = limitBytes
        self.memory = memory
        self.logger = logger
        self.freeBytes = freeBytes
        self.apply = apply
    }

    /// Looks for the first time, then again and again. When it returns, an alarm that is due is on.
    func start() async {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        state.withLock { $0.group = group }
        let loop = group.next()
        _ = try? await loop.submit { self.check() }.get()
        loop.scheduleRepeatedTask(
            initialDelay: .seconds(Self.intervalSeconds), delay: .seconds(Self.intervalSeconds)
        ) { [weak self] _ in self?.check() }
    }

    /// What the node is short of now.
    var alarms: ResourceAlarms { state.withLock { $0.alarms } }

    /// Nothing is applied any more. The thread ends when its last look at the disk does, which nobody waits for.
    func stop() {
        let group = state.withLock { state in
            state.isStopped = true
            return state.group
        }
        group?.shutdownGracefully { _ in }
    }

    /// Whether the journal has met a full disk. From any thread.
    func setDiskFull(_ isFull: Bool) {
        change { state in
            guard state.isDiskFull != isFull else { return }
            state.isDiskFull = isFull
            if isFull {
                logger.error("the disk is full: \(path); publishers are blocked until it has space again")
            } else {
                logger.info("the disk has space again: \(path)")
            }
        }
    }

    /// The alarms that are on, and what was free at the last look.
    var current: (alarms: ResourceAlarms, freeByteCount: Int?) {
        state.withLock { ($0.alarms, $0.freeByteCount) }
    }

    /// Compares what is free with the limits.
    func check() {
        memory.giveBack()
        change { state in
            let wasTight = state.alarms.contains(.memory)
            state.tightCount = memory.level == .tight ? state.tightCount + 1 : 0
            guard wasTight != state.alarms.contains(.memory) else { return }
            if wasTight {
                logger.info("memory is sufficient again")
            } else {
                logger.warning("memory is insufficient, and nothing can leave it; publishers are blocked")
            }
        }
        let free = freeBytes(path)
        change { state in
            state.freeByteCount = free
            guard let free else {
                // What was true of it last is the best guess.
                if !state.isSpaceUnknown { logger.warning("cannot tell the free disk space of \(path)") }
                state.isSpaceUnknown = true
                return
            }
            state.isSpaceUnknown = false
            let isLow = DiskSpace.isLow(freeBytes: free, limitBytes: limitBytes)
            guard state.isSpaceLow != isLow else { return }
            state.isSpaceLow = isLow
            let told = "\(free) bytes of \(path), limit \(limitBytes)"
            if isLow {
                logger.warning("free disk space is insufficient: \(told); publishers are blocked")
            } else {
                logger.info("free disk space is sufficient: \(told)")
            }
        }
    }

    /// What is applied comes under the lock, so that it comes in the order of the changes.
    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            guard !state.isStopped else { return }
            let before = state.alarms
            body(&state)
            if state.alarms != before { apply(state.alarms) }
        }
    }
}
