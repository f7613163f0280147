#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A detached thread of the system: what blocks has no place on Swift's own.
func startThread(_ body: @escaping @Sendable () -> Void) {
    let box = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    #if canImport(Glibc)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { box in
                if let box { Unmanaged<ThreadBody>.fromOpaque(box).takeRetainedValue().body() }
                return nil
            }, box)
        precondition(code == 0, "cannot start a thread")
        pthread_detach(thread)
    #else
        var thread: pthread_t?
        let code = pthread_create(
            &thread, nil,
            { box in
                Unmanaged<ThreadBody>.fromOpaque(box).takeRetainedValue().body()
                return nil
            }, box)
        precondition(code == 0, "cannot start a thread")
        if let thread { pthread_detach(thread) }
    #endif
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
