import Glibc

/// The monotonic clock.
enum MonotonicClock {
    @inline(__always)
    static var nanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// The moment at which waiting ends.
struct Deadline: Sendable {
    let nanoseconds: UInt64

    init(seconds: Double) { nanoseconds = MonotonicClock.nanoseconds + UInt64(max(0, seconds) * 1e9) }

    var isOver: Bool { MonotonicClock.nanoseconds >= nanoseconds }
    /// For `poll`: at least one while there is time left, zero when it is over.
    var remainingMilliseconds: Int32 {
        let now = MonotonicClock.nanoseconds
        return now >= nanoseconds ? 0 : Int32(min((nanoseconds - now) / 1_000_000 + 1, 3_600_000))
    }

    static func earlier(_ one: Deadline, seconds: Double) -> Deadline {
        let other = Deadline(seconds: seconds)
        return one.nanoseconds < other.nanoseconds ? one : other
    }
}

enum SystemError {
    static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Ctrl-C and SIGTERM, taken when somebody looks: every run ends in order and removes what it declared.
enum Interruption {
    /// Before the first thread starts: threads inherit the mask.
    static func block() {
        signal(SIGPIPE, SIG_IGN)
        var signals = set
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Sleeps, unless and until a signal comes. Returns whether one came.
    static func sleep(nanoseconds: UInt64) -> Bool {
        var signals = set
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        return sigtimedwait(&signals, nil, &time) > 0
    }

    /// Throws when a signal waits, and takes it: what follows may wait again.
    static func check() throws(PerfError) {
        if isPending, sleep(nanoseconds: 0) { throw PerfError(.interrupted, "interrupted") }
    }

    /// Whether a signal waits; it goes on waiting.
    static var isPending: Bool {
        var signals = sigset_t()
        sigpending(&signals)
        return sigismember(&signals, SIGINT) == 1 || sigismember(&signals, SIGTERM) == 1
    }

    private static var set: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        return signals
    }
}

/// A thread of the system that runs one closure; to be joined once.
struct SystemThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let thread: pthread_t

    init(_ run: @escaping @Sendable () -> Void) throws(PerfError) {
        let body = Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                // The argument is always the body that `init` passed.
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw .system("start a thread", code)
        }
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }
}
