import Journal

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The directory of a journal that no broker uses: as long as this value lives, none can start on it.
struct JournalDirectory: ~Copyable {
    /// The directory of the journal itself.
    let path: String
    private let advice: Advice
    private let lock: Int32

    /// The form that this version reads.
    private static let formatNumber = JournalFiles.formatVersion
    private static let formatPrefix = "leveret journal "

    /// - Parameters:
    ///   - path: a broker's data directory, or the journal in it.
    ///   - verb: the subcommand, for the examples in errors.
    init(_ path: String, verb: String) throws(ControlError) {
        let advice = Advice(verb: verb, directory: path)
        let found = try Self.find(path, advice)
        try Self.checkFormat(found, advice)
        lock = try Self.lock(found, advice)
        self.path = found
        self.advice = advice
    }

    deinit {
        if lock >= 0 { close(lock) }
    }

    /// The journal of a data directory, else the directory itself.
    private static func find(_ path: String, _ advice: Advice) throws(ControlError) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        var status = stat()
        guard stat(path, &status) == 0 else { throw advice.cannotRead(path, errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ControlError("\(path) is not a directory; give the data directory of a broker, \(advice.example)")
        }
        let inner = path == "/" ? "/journal" : "\(path)/journal"
        if stat(inner, &status) == 0 { return status.st_mode & S_IFMT == S_IFDIR ? inner : path }
        // Not to be allowed to look is not the same as to see nothing.
        if errno == EACCES { throw advice.cannotRead(inner, EACCES) }
        return path
    }

    private static func checkFormat(_ path: String, _ advice: Advice) throws(ControlError) {
        guard let text = try read("\(path)/format", advice) else {
            throw ControlError(
                "\(path) is no journal: it has no file named format; give the data directory of a broker, "
                    + advice.example)
        }
        let line = text.prefix { $0 != "\n" }
        guard line.hasPrefix(formatPrefix), let number = Int(line.dropFirst(formatPrefix.count)), number > 0 else {
            throw ControlError(
                "\(path) is no journal: its file named format is not Leveret's; give the data directory of a broker, "
                    + advice.example)
        }
        guard number == formatNumber else {
            throw ControlError(
                "\(path) has format \(number), and this leveretctl reads format \(formatNumber); use the leveretctl of "
                    + "the version that wrote it, for example the one beside its leveret")
        }
    }

    /// The beginning of a file; nil where there is none.
    private static func read(_ path: String, _ advice: Advice) throws(ControlError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw advice.cannotRead(path, errno)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        #if canImport(Glibc)
            let count = Glibc.read(descriptor, &bytes, bytes.count)
        #else
            let count = Darwin.read(descriptor, &bytes, bytes.count)
        #endif
        guard count >= 0 else { throw advice.cannotRead(path, errno) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Shared with other readers, but not with a broker. A directory without a lock file is a copy.
    private static func lock(_ path: String, _ advice: Advice) throws(ControlError) -> Int32 {
        let descriptor = open("\(path)/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return -1 }
            throw advice.cannotRead("\(path)/lock", errno)
        }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return descriptor }
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = max(0, pread(descriptor, &bytes, bytes.count, 0))
        let digits = String(decoding: bytes[..<count].prefix { 0x30...0x39 ~= $0 }, as: UTF8.self)
        close(descriptor)
        let process = digits.isEmpty ? "" : " (process \(digits))"
        throw ControlError(
            "\(path) is in use by a running leveret\(process); stop it first, for example: systemctl stop leveret")
    }

    /// What the journal could not do, and what to do.
    borrowing func cannotRead(_ error: JournalError) -> ControlError {
        if case .disk(_, let path, let code) = error { return advice.cannotRead(path, code) }
        return ControlError("\(error)")
    }
}

/// What to do, with the user's own words where they were right.
private struct Advice {
    let verb: String
    let directory: String

    var example: String { "for example: leveretctl journal \(verb) /var/lib/leveret" }

    func cannotRead(_ path: String, _ code: Int32) -> ControlError {
        let advice =
            switch code {
            case ENOENT: "give the data directory of a broker, \(example)"
            case EACCES, EPERM: "become the broker's user, for example: sudo leveretctl journal \(verb) \(directory)"
            default: "copy the directory to a disk that can be read, for example: cp -a \(directory) /tmp"
            }
        return ControlError("cannot read \(path): \(String(cString: strerror(code))); \(advice)")
    }
}
