#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The directory of a journal that no broker uses: as long as this value lives, none can start on it.
struct JournalDirectory: ~Copyable {
    let path: String
    private let lock: Int32

    /// The form that this version reads.
    private static let formatNumber = 1
    private static let formatPrefix = "leveret journal "

    /// - Parameter verb: the subcommand, for the examples in errors.
    init(_ path: String, verb: String) throws(ControlError) {
        self.path = path
        try Self.checkFormat(path, example: "for example: leveretctl journal \(verb) /var/lib/leveret")
        lock = try Self.lock(path, verb: verb)
    }

    deinit {
        if lock >= 0 { close(lock) }
    }

    private static func checkFormat(_ path: String, example: String) throws(ControlError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw cannotRead(path, example) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw ControlError("\(path) is not a directory; give the directory of a journal, \(example)")
        }
        guard let text = try read("\(path)/format", example) else {
            throw ControlError(
                "\(path) is no journal: it has no file named format; give the directory of a journal, \(example)")
        }
        let line = text.prefix { $0 != "\n" }
        guard line.hasPrefix(formatPrefix), let number = Int(line.dropFirst(formatPrefix.count)), number > 0 else {
            throw ControlError(
                "\(path) is no journal: its file named format is not Leveret's; give the directory of a journal, "
                    + example)
        }
        guard number == formatNumber else {
            throw ControlError(
                "\(path) has format \(number), and this leveretctl reads format \(formatNumber); use the leveretctl of "
                    + "the version that wrote it")
        }
    }

    /// The beginning of a file; nil where there is none.
    private static func read(_ path: String, _ example: String) throws(ControlError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw cannotRead(path, example)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 64)
        #if canImport(Glibc)
            let count = Glibc.read(descriptor, &bytes, bytes.count)
        #else
            let count = Darwin.read(descriptor, &bytes, bytes.count)
        #endif
        guard count >= 0 else { throw cannotRead(path, example) }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Shared with other readers, but not with a broker. A directory without a lock file has never had one.
    private static func lock(_ path: String, verb: String) throws(ControlError) -> Int32 {
        let descriptor = open("\(path)/lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return -1 }
            throw cannotRead("\(path)/lock", "for example: sudo leveretctl journal \(verb) \(path)")
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

    private static func cannotRead(_ path: String, _ example: String) -> ControlError {
        ControlError("cannot read \(path): \(String(cString: strerror(errno))); \(example)")
    }
}
