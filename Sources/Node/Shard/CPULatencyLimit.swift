import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Asks the system to keep idle processors from sleeping so deep that they take longer than a limit to wake up, while
/// messages flow.
///
/// Linux calls this the CPU latency QoS: a process writes the limit, four bytes in microseconds, to a device, and it
/// holds for all processors until the file is closed, however the process ends. With a limit of 0 an idle processor
/// looks for work instead of sleeping, which in virtual machines saves leaving and entering them again.
final class CPULatencyLimit: Sendable {
    private struct State {
        /// While the limit holds.
        var descriptor: Int32?
        var activeMilliseconds: UInt64 = 0
        var isStopped = false
    }

    private let microseconds: Int32
    private let path: String
    private let logger: Logger
    private let state = Mutex(State())

    /// Without messages for this time, processors may sleep as they like.
    static let idleMilliseconds: UInt64 = 2000

    /// - Parameter path: where limits are written to.
    init(microseconds: Int, path: String = "/dev/cpu_dma_latency", logger: Logger) {
        self.microseconds = Int32(clamping: microseconds)
        self.path = path
        self.logger = logger
    }

    /// Says at once when the limit cannot be had, before anybody measures without it.
    func start() {
        if let refusal = state.withLock({ hold(&$0) }) {
            logger.warning(
                """
                leveret.cpu_latency_limit_microseconds has no effect: cannot write to \(path): \(refusal); let the \
                broker write there, or remove the setting
                """)
        }
        state.withLock { release(&$0) }
    }

    /// Whether a shard has had messages since its last tick, at a time of the monotonic clock. From any thread.
    func tick(hadMessages: Bool, milliseconds: UInt64) {
        state.withLock { state in
            if hadMessages {
                state.activeMilliseconds = milliseconds
                if state.descriptor == nil { _ = hold(&state) }
            } else if state.descriptor != nil, milliseconds >= state.activeMilliseconds + Self.idleMilliseconds {
                release(&state)
            }
        }
    }

    /// The limit does not hold any more, whatever comes.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            release(&state)
        }
    }

    /// Whether the limit holds now.
    var isHeld: Bool { state.withLock { $0.descriptor != nil } }

    /// Returns why the limit cannot be had.
    private func hold(_ state: inout State) -> String? {
        guard !state.isStopped else { return nil }
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        var limit = microseconds
        guard write(descriptor, &limit, MemoryLayout<Int32>.size) == MemoryLayout<Int32>.size else {
            let refusal = String(cString: strerror(errno))
            close(descriptor)
            return refusal
        }
        state.descriptor = descriptor
        return nil
    }

    private func release(_ state: inout State) {
        if let descriptor = state.descriptor { close(descriptor) }
        state.descriptor = nil
    }
}
