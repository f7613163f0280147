import EventPolling
import Glibc

/// Watches sockets, edge-triggered, with a timer: a socket is named once for each change, so what is ready stays noted
/// by its owner until the socket says that it is not.
final class Poller {
    private static let timerIndex = UInt64.max
    private static let capacity = 256

    private let descriptor: Int32
    private let timer: Int32
    private let events: UnsafeMutablePointer<leveret_polling_event>

    init() throws(PerfError) {
        descriptor = leveret_polling_create()
        timer = leveret_timer_create()
        events = .allocate(capacity: Self.capacity)
        guard descriptor >= 0, timer >= 0 else { throw .system("watch sockets", errno) }
        try add(timer, Self.timerIndex)
    }

    deinit {
        events.deallocate()
        if descriptor >= 0 { close(descriptor) }
        if timer >= 0 { close(timer) }
    }

    func add(socket: Int32, index: Int) throws(PerfError) { try add(socket, UInt64(index)) }

    private func add(_ socket: Int32, _ index: UInt64) throws(PerfError) {
        guard leveret_polling_add(descriptor, socket, index) == 0 else { throw .system("watch a socket", errno) }
    }

    /// Calls `body` for what has changed.
    /// - Parameters:
    ///   - waitMilliseconds: 0 only looks.
    ///   - time: when to come back at the latest, in nanoseconds of the monotonic clock.
    func poll(
        waitMilliseconds: Int32, until time: UInt64?,
        _ body: (_ index: Int, _ isReadable: Bool, _ isWritable: Bool) -> Void
    ) {
        if waitMilliseconds > 0, let time { leveret_timer_set(timer, time) }
        let count = leveret_polling_wait(descriptor, events, Int32(Self.capacity), waitMilliseconds)
        for index in 0..<max(0, Int(count)) {
            let event = events[index]
            if event.index == Self.timerIndex { continue }
            body(Int(event.index), event.is_readable != 0, event.is_writable != 0)
        }
    }
}
