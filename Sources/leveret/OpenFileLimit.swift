import Logging

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Raises the limit of open files to what the system allows: each connection is one, and the usual soft limit of 1024
/// would be the limit of connections.
func raiseOpenFileLimit(logger: Logger) {
    #if canImport(Glibc)
        let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        let openFiles = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    guard getrlimit(openFiles, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    if setrlimit(openFiles, &limit) != 0 {
        let reason = String(cString: strerror(errno))
        logger.warning("cannot raise the limit of open files", metadata: ["error": "\(reason)"])
    }
}
