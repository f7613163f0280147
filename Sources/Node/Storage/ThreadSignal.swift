import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How a thread sleeps until there is something to do. One thread waits, any wake it.
///
/// To sleep and to be woken costs a processor that has gone idle some 25 microseconds each time, which everybody who
/// waits for the disk would pay. So a thread whose waits are short, as they are at some thousand syncs a second, looks
/// for a moment before it sleeps.
final class ThreadSignal: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private let isSet = Atomic<Bool>(false)
    private let isAsleep = Atomic<Bool>(false)
    /// Of the latest waits, how many more were short than long. The waiting thread's.
    private var shortWaitCount = 0
    private var isFinished = false

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        condition = .allocate(capacity: 1)
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        #if canImport(Glibc)
            // The other clock may be set back, which would let a wait last as much longer.
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #else
            pthread_cond_init(condition, nil)
        #endif
    }

    deinit {
        pthread_mutex_destroy(mutex)
        pthread_cond_destroy(condition)
        mutex.deallocate()
        condition.deallocate()
    }

    func wake() {
        guard !isSet.exchange(true, ordering: .sequentiallyConsistent) else { return }
        guard isAsleep.load(ordering: .sequentiallyConsistent) else { return }
        // It sleeps, or is about to: it holds the mutex from when it says so until it does.
        pthread_mutex_lock(mutex)
        pthread_mutex_unlock(mutex)
        // Without the mutex, or who wakes up would have to wait for it at once.
        pthread_cond_broadcast(condition)
    }

    /// Returns when `wake` was called since the last return, or the time is over.
    func wait(milliseconds: Int? = nil) {
        let start = Clock.monotonicNanoseconds
        if shortWaitCount >= Self.shortWaitsBeforeLooking { look(since: start) }
        if !isSet.load(ordering: .acquiring) { sleep(milliseconds) }
        isSet.store(false, ordering: .sequentiallyConsistent)
        let isShort = Clock.monotonicNanoseconds - start < Self.shortWaitNanoseconds
        shortWaitCount = isShort ? min(shortWaitCount + 1, Self.shortWaitLimit) : max(shortWaitCount - 2, 0)
    }

    private static let shortWaitNanoseconds: UInt64 = 150_000
    private static let shortWaitsBeforeLooking = 4
    private static let shortWaitLimit = 8

    /// Whoever else wants the processor has it meanwhile.
    private func look(since start: UInt64) {
        while !isSet.load(ordering: .acquiring), Clock.monotonicNanoseconds - start < Self.shortWaitNanoseconds {
            sched_yield()
        }
    }

    private func sleep(_ milliseconds: Int?) {
        pthread_mutex_lock(mutex)
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        defer {
            isAsleep.store(false, ordering: .relaxed)
            pthread_mutex_unlock(mutex)
        }
        let deadline = milliseconds.map(Self.deadline)
        while !isSet.load(ordering: .sequentiallyConsistent) {
            guard var deadline else {
                pthread_cond_wait(condition, mutex)
                continue
            }
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { break }
        }
    }

    private static func deadline(milliseconds: Int) -> timespec {
        var time = timespec()
        #if canImport(Glibc)
            clock_gettime(CLOCK_MONOTONIC, &time)
        #else
            clock_gettime(CLOCK_REALTIME, &time)
        #endif
        let nanoseconds = time.tv_nsec + (milliseconds % 1000) * 1_000_000
        return timespec(
            tv_sec: time.tv_sec + milliseconds / 1000 + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000)
    }

    /// The thread is about to end.
    func finish() {
        pthread_mutex_lock(mutex)
        isFinished = true
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    func waitForFinish() {
        pthread_mutex_lock(mutex)
        while !isFinished { pthread_cond_wait(condition, mutex) }
        pthread_mutex_unlock(mutex)
    }
}
