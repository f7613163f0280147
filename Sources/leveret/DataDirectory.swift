import Node

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The directory of everything the node stores.
enum DataDirectory {
    /// Creates what is missing of `path`, for the owner alone, and makes sure that a file can be created in it.
    static func prepare(_ path: String) throws(ConfigurationError) {
        try create(path)
        try probe(path)
    }

    private static func create(_ path: String) throws(ConfigurationError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw failure("the data directory is not a directory", path)
            }
            return
        }
        var prefix = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            prefix += component
            guard mkdir(prefix, 0o700) == 0 || errno == EEXIST else {
                throw failure("cannot create the data directory", path, code: errno)
            }
            prefix += "/"
        }
    }

    /// Permission bits do not tell the truth for root, for read-only file systems or for special ones; a file does.
    private static func probe(_ path: String) throws(ConfigurationError) {
        let file = "\(path)/.probe-\(getpid())"
        let descriptor = open(file, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("the data directory is not writable", path, code: errno) }
        close(descriptor)
        unlink(file)
    }

    private static func failure(_ problem: String, _ path: String, code: Int32? = nil) -> ConfigurationError {
        let reason = code.map { " (\(String(cString: strerror($0))))" } ?? ""
        return ConfigurationError(
            "\(problem): \(singleLine(path, maxBytes: 512))\(reason); choose another, for example: "
                + "leveret --data-dir /var/lib/leveret")
    }
}
