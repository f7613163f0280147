#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Another disk as it is: what would change it is not done, and nobody is told. A recovery on it finds what a start
/// would find, and leaves everything as it was.
final class ReadOnlyDisk: Disk, @unchecked Sendable {
    private let disk: Disk
    /// The descriptor of files that would be made.
    private static let nowhere: Int32 = -1

    override init() {
        disk = SystemDisk()
        super.init()
    }

    init(_ disk: Disk) {
        self.disk = disk
        super.init()
    }

    override func open(_ path: String, _ mode: DiskOpenMode) throws(JournalError) -> DiskFile {
        let nowhere = DiskFile(descriptor: Self.nowhere, path: path)
        if mode == .create { return nowhere }
        do throws(JournalError) {
            return try disk.open(path, .read)
        } catch .disk(_, _, ENOENT) where mode == .readWriteOrCreate {
            return nowhere
        } catch { throw error }
    }

    override func close(_ file: DiskFile) { if file.descriptor != Self.nowhere { disk.close(file) } }
    override func byteCount(_ file: DiskFile) throws(JournalError) -> Int { try disk.byteCount(file) }

    override func write(
        _ file: DiskFile, _ vectors: UnsafeMutableBufferPointer<iovec>, at offset: Int
    ) throws(JournalError) {}

    override func read(
        _ file: DiskFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int { try disk.read(file, into: buffer, at: offset) }

    override func sync(_ file: DiskFile) throws(JournalError) {}
    override func rename(_ path: String, to newPath: String) throws(JournalError) {}
    override func unlink(_ path: String) throws(JournalError) {}
    override func syncDirectory(_ path: String) throws(JournalError) {}
    override func names(in path: String) throws(JournalError) -> [String]? { try disk.names(in: path) }
    override func createDirectory(_ path: String) throws(JournalError) {}

    /// Several may look at the same time. What has no lock file, as a copy may have none, nobody can use.
    override func lock(_ file: DiskFile) throws(JournalError) -> Bool {
        file.descriptor == Self.nowhere ? true : try disk.lockShared(file)
    }
}
