import Glibc

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
