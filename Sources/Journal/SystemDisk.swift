#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file system of the machine.
package final class SystemDisk: Disk, @unchecked Sendable {
    package override init() { super.init() }

    /// Most systems take this many vectors at once, and POSIX promises 16.
    private static let vectorLimit = 1024

    private func failure(_ operation: String, _ path: String) -> JournalError {
        .disk(operation: operation, path: path, errorNumber: errno)
    }

    package override func open(_ path: String, _ mode: DiskOpenMode) throws(JournalError) -> DiskFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .readWriteOrCreate: O_RDWR | O_CREAT
            case .create: O_RDWR | O_CREAT | O_TRUNC
            }
        while true {
            #if canImport(Glibc)
                let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
            #else
                let descriptor = Darwin.open(path, flags | O_CLOEXEC, 0o600)
            #endif
            if descriptor >= 0 { return DiskFile(descriptor: descriptor, path: path) }
            if errno != EINTR { throw failure("open", path) }
        }
    }

    package override func close(_ file: DiskFile) {
        #if canImport(Glibc)
            _ = Glibc.close(file.descriptor)
        #else
            _ = Darwin.close(file.descriptor)
        #endif
    }

    package override func byteCount(_ file: DiskFile) throws(JournalError) -> Int {
        var status = stat()
        guard fstat(file.descriptor, &status) == 0 else { throw failure("fstat", file.path) }
        return Int(status.st_size)
    }

    package override func write(
        _ file: DiskFile, _ vectors: UnsafeMutableBufferPointer<iovec>, at offset: Int
    ) throws(JournalError) {
        var next = 0
        var position = offset
        while next < vectors.count {
            let count = min(vectors.count - next, Self.vectorLimit)
            let written = pwritev(
                file.descriptor, vectors.baseAddress.unsafelyUnwrapped + next, Int32(count), off_t(position))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                if written == 0 { errno = EIO }
                throw failure("write", file.path)
            }
            position += written
            var left = written
            while next < vectors.count, left >= vectors[next].iov_len {
                left -= vectors[next].iov_len
                next += 1
            }
            if left > 0 {
                vectors[next].iov_base += left
                vectors[next].iov_len -= left
            }
        }
    }

    package override func read(
        _ file: DiskFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let got = pread(file.descriptor, base + done, buffer.count - done, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", file.path) }
            if got == 0 { break }
            done += got
        }
        return done
    }

    package override func sync(_ file: DiskFile) throws(JournalError) {
        #if canImport(Glibc)
            let result = fdatasync(file.descriptor)
        #else
            // Plain `fsync` leaves the bytes in the drive's cache there.
            let result = fcntl(file.descriptor, F_FULLFSYNC)
        #endif
        // Not tried again, not even after a signal: a second sync may report success for pages the first one lost.
        guard result == 0 else { throw failure("sync", file.path) }
    }

    package override func rename(_ path: String, to newPath: String) throws(JournalError) {
        #if canImport(Glibc)
            let result = Glibc.rename(path, newPath)
        #else
            let result = Darwin.rename(path, newPath)
        #endif
        guard result == 0 else { throw failure("rename", path) }
    }

    package override func unlink(_ path: String) throws(JournalError) {
        #if canImport(Glibc)
            let result = Glibc.unlink(path)
        #else
            let result = Darwin.unlink(path)
        #endif
        guard result == 0 else { throw failure("unlink", path) }
    }

    package override func syncDirectory(_ path: String) throws(JournalError) {
        let directory = try open(path, .read)
        defer { close(directory) }
        guard fsync(directory.descriptor) == 0 else { throw failure("sync", path) }
    }

    package override func names(in path: String) throws(JournalError) -> [String]? {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return nil }
            throw failure("open directory", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw failure("read directory", path) }
        return names
    }

    package override func createDirectory(_ path: String) throws(JournalError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure("create directory", path)
        }
        try createDirectory(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("create directory", path) }
    }

    package override func lock(_ file: DiskFile) throws(JournalError) -> Bool { try lock(file, LOCK_EX) }
    package override func lockShared(_ file: DiskFile) throws(JournalError) -> Bool { try lock(file, LOCK_SH) }

    private func lock(_ file: DiskFile, _ kind: Int32) throws(JournalError) -> Bool {
        if flock(file.descriptor, kind | LOCK_NB) == 0 { return true }
        if errno == EWOULDBLOCK { return false }
        throw failure("lock", file.path)
    }

    package override func processNumber() -> Int { Int(getpid()) }
}
