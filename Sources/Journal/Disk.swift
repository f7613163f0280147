#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An open file. A plain value: whoever opened it closes it.
package struct DiskFile: Sendable, Equatable {
    package let descriptor: Int32
    package let path: String

    package init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }
}

package enum DiskOpenMode: Sendable {
    case read
    case readWrite
    /// As `readWrite`, and makes the file if it is missing.
    case readWriteOrCreate
    /// Makes the file, or empties the one that is there.
    case create
}

/// All that the journal does with a file system, so that tests can put another in its place. Callable from any thread.
/// Paths are whole. Reads and writes go on until all is done, or until the end of the file.
package class Disk: @unchecked Sendable {
    package init() {}

    package func open(_ path: String, _ mode: DiskOpenMode) throws(JournalError) -> DiskFile { fatalError(path) }
    package func close(_ file: DiskFile) {}
    package func byteCount(_ file: DiskFile) throws(JournalError) -> Int { fatalError(file.path) }

    /// Writes all the vectors, one behind the other; may change them.
    package func write(
        _ file: DiskFile, _ vectors: UnsafeMutableBufferPointer<iovec>, at offset: Int
    ) throws(JournalError) {
        fatalError(file.path)
    }

    /// Returns how many bytes there were: fewer than wanted only at the end of the file.
    package func read(
        _ file: DiskFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int {
        fatalError(file.path)
    }

    /// Returns when what was written is on stable storage.
    package func sync(_ file: DiskFile) throws(JournalError) { fatalError(file.path) }
    package func rename(_ path: String, to newPath: String) throws(JournalError) { fatalError(path) }
    package func unlink(_ path: String) throws(JournalError) { fatalError(path) }
    /// Returns when the names in the directory are on stable storage.
    package func syncDirectory(_ path: String) throws(JournalError) { fatalError(path) }
    /// The names in a directory, without `.` and `..`, in no order; nil where there is no such directory.
    package func names(in path: String) throws(JournalError) -> [String]? { fatalError(path) }
    /// Makes a directory that only its owner may enter, and those above it that are missing.
    package func createDirectory(_ path: String) throws(JournalError) { fatalError(path) }
    /// Locks a file against other processes (and other openings in this one) until it is closed; false if it is locked.
    package func lock(_ file: DiskFile) throws(JournalError) -> Bool { fatalError(file.path) }
    /// As `lock`, but others may lock it so at the same time. Not every disk tells the two apart.
    package func lockShared(_ file: DiskFile) throws(JournalError) -> Bool { try lock(file) }
    /// A number for the lock file: who holds it.
    package func processNumber() -> Int { 0 }
}

extension Disk {
    func write(_ file: DiskFile, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(JournalError) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        var vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: bytes.count)
        let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 1)
        defer { vectors.deallocate() }
        swap(&vectors[0], &vector)
        try write(file, vectors, at: offset)
    }

    /// The whole file, or nil when it cannot be opened. `limit` bounds what a strange file can make us allocate.
    func contents(_ path: String, limit: Int) throws(JournalError) -> [UInt8]? {
        guard let file = try? open(path, .read) else { return nil }
        defer { close(file) }
        let count = try byteCount(file)
        guard count <= limit else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: JournalError?
        let got = bytes.withUnsafeMutableBytes { buffer -> Int in
            do throws(JournalError) { return try read(file, into: buffer, at: 0) } catch { failure = error }
            return 0
        }
        if let failure { throw failure }
        bytes.removeLast(count - got)
        return bytes
    }

    /// Writes a new file whole and on stable storage; its name is so only after `syncDirectory`.
    func writeFile(_ path: String, _ bytes: UnsafeRawBufferPointer) throws(JournalError) {
        let file = try open(path, .create)
        defer { close(file) }
        try write(file, bytes, at: 0)
        try sync(file)
    }

    /// Puts a file in place of what has its name, so that there is always one of both, whole.
    func replaceFile(_ path: String, in directory: String, _ bytes: UnsafeRawBufferPointer) throws(JournalError) {
        try writeFile(path + ".tmp", bytes)
        try rename(path + ".tmp", to: path)
        try syncDirectory(directory)
    }
}
