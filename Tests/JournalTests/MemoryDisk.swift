import Glibc

@testable import Journal

/// A disk in memory that remembers all that was done to it, so that what a power loss would leave can be made for any
/// moment. Operation number `failAt` fails.
final class MemoryDisk: Disk, @unchecked Sendable {
    enum Operation {
        case write(inode: Int, offset: Int, bytes: [UInt8])
        case truncate(inode: Int)
        case sync(inode: Int)
        case create(name: String, inode: Int)
        case rename(from: String, to: String)
        case unlink(name: String)
        case syncDirectory
    }

    private(set) var operations: [Operation] = []
    private var files: [Int: [UInt8]] = [:]
    private var names: [String: Int] = [:]
    private var openFiles: [Int32: Int] = [:]
    private var locked: [Int: Int32] = [:]
    private var nextDescriptor: Int32 = 3
    private var nextInode = 1
    private var hasDirectory = false

    var failAt: Int?
    var failWith: Int32 = EIO
    /// Fails every operation from `failAt` on that takes space, as long as `failAt` is set.
    var keepsFailing = false
    private(set) var operationCount = 0
    private(set) var failedOperation: String?
    /// For this file there is no space.
    var failsToCreate: String?
    /// What fails is the power: nothing is done any more.
    var losesPower = false
    private(set) var isDead = false

    override init() { super.init() }

    init(files: [String: [UInt8]]) {
        super.init()
        hasDirectory = true
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            names[name] = nextInode
            self.files[nextInode] = bytes
            nextInode += 1
        }
    }

    /// The directory as programs see it.
    var contents: [String: [UInt8]] { names.mapValues { files[$0] ?? [] } }

    func flip(_ name: String, byte: Int, bit: Int) {
        guard let inode = names[name] else { return }
        files[inode]?[byte] ^= 1 << UInt8(bit)
    }

    private func count(_ operation: String, _ path: String, takesSpace: Bool = false) throws(JournalError) {
        if isDead { throw .disk(operation: operation, path: path, errorNumber: EIO) }
        operationCount += 1
        // A full disk only matters to what needs space.
        guard let failAt, failWith != ENOSPC || takesSpace else { return }
        if operationCount == failAt || (keepsFailing && takesSpace && operationCount >= failAt) {
            failedOperation = "\(operation) \(path)"
            isDead = losesPower
            throw .disk(operation: operation, path: path, errorNumber: failWith)
        }
    }

    private func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }
    private func missing(_ operation: String, _ path: String) -> JournalError {
        .disk(operation: operation, path: path, errorNumber: ENOENT)
    }

    override func open(_ path: String, _ mode: DiskOpenMode) throws(JournalError) -> DiskFile {
        let creates = mode == .create || mode == .readWriteOrCreate
        try count("open", path, takesSpace: creates)
        let name = name(path)
        if creates, name == failsToCreate { throw .disk(operation: "open", path: path, errorNumber: ENOSPC) }
        if names[name] == nil {
            guard creates else { throw missing("open", path) }
            names[name] = nextInode
            files[nextInode] = []
            operations.append(.create(name: name, inode: nextInode))
            nextInode += 1
        } else if mode == .create, let inode = names[name] {
            files[inode] = []
            operations.append(.truncate(inode: inode))
        }
        openFiles[nextDescriptor] = names[name]
        nextDescriptor += 1
        return DiskFile(descriptor: nextDescriptor - 1, path: path)
    }

    override func close(_ file: DiskFile) {
        guard let inode = openFiles.removeValue(forKey: file.descriptor) else { fatalError("not open: \(file.path)") }
        if locked[inode] == file.descriptor { locked[inode] = nil }
    }

    /// Descriptors that nobody has closed.
    var openCount: Int { openFiles.count }

    private func inode(_ file: DiskFile) -> Int {
        guard let inode = openFiles[file.descriptor] else { fatalError("not open: \(file.path)") }
        return inode
    }

    override func byteCount(_ file: DiskFile) throws(JournalError) -> Int {
        try count("fstat", file.path)
        return files[inode(file)]?.count ?? 0
    }

    override func write(
        _ file: DiskFile, _ vectors: UnsafeMutableBufferPointer<iovec>, at offset: Int
    ) throws(JournalError) {
        var bytes: [UInt8] = []
        for vector in vectors { bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len) }
        do throws(JournalError) {
            try count("write", file.path, takesSpace: offset + bytes.count > files[inode(file)]?.count ?? 0)
        } catch {
            // Half of it may be there, in whole sectors.
            put(inode(file), offset, Array(bytes.prefix(max(0, (offset + bytes.count / 2) / 512 * 512 - offset))))
            throw error
        }
        put(inode(file), offset, bytes)
    }

    private func put(_ inode: Int, _ offset: Int, _ bytes: [UInt8]) {
        operations.append(.write(inode: inode, offset: offset, bytes: bytes))
        Self.put(&files[inode, default: []], offset, bytes)
    }

    static func put(_ file: inout [UInt8], _ offset: Int, _ bytes: some Collection<UInt8>) {
        if file.count < offset + bytes.count {
            file += [UInt8](repeating: 0, count: offset + bytes.count - file.count)
        }
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    override func read(
        _ file: DiskFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(JournalError) -> Int {
        try count("read", file.path)
        guard let bytes = files[inode(file)], offset < bytes.count else { return 0 }
        let end = min(bytes.count, offset + buffer.count)
        buffer.copyBytes(from: bytes[offset..<end])
        return end - offset
    }

    override func sync(_ file: DiskFile) throws(JournalError) {
        try count("sync", file.path)
        operations.append(.sync(inode: inode(file)))
    }

    override func rename(_ path: String, to newPath: String) throws(JournalError) {
        try count("rename", path)
        guard let inode = names.removeValue(forKey: name(path)) else { throw missing("rename", path) }
        names[name(newPath)] = inode
        operations.append(.rename(from: name(path), to: name(newPath)))
    }

    override func unlink(_ path: String) throws(JournalError) {
        try count("unlink", path)
        guard names.removeValue(forKey: name(path)) != nil else { throw missing("unlink", path) }
        operations.append(.unlink(name: name(path)))
    }

    override func syncDirectory(_ path: String) throws(JournalError) {
        try count("sync directory", path)
        operations.append(.syncDirectory)
    }

    override func names(in path: String) throws(JournalError) -> [String]? {
        try count("names", path)
        return hasDirectory ? Array(names.keys) : nil
    }

    override func createDirectory(_ path: String) throws(JournalError) {
        try count("create directory", path, takesSpace: true)
        hasDirectory = true
    }

    override func lock(_ file: DiskFile) throws(JournalError) -> Bool {
        try count("lock", file.path)
        guard locked[inode(file)] == nil else { return false }
        locked[inode(file)] = file.descriptor
        return true
    }

    override func processNumber() -> Int { 4711 }
}

/// What is on stable storage, and what is only on its way there, as operations go by.
struct StableStorage {
    private struct File {
        var stable: [UInt8] = []
        var pending: [MemoryDisk.Operation] = []
    }

    private var files: [Int: File] = [:]
    private var stableNames: [String: Int] = [:]
    private var pendingNames: [MemoryDisk.Operation] = []

    init(files: [String: [UInt8]] = [:]) {
        for (number, item) in files.sorted(by: { $0.key < $1.key }).enumerated() {
            stableNames[item.key] = number + 1
            self.files[number + 1] = File(stable: item.value)
        }
    }

    mutating func perform(_ operation: MemoryDisk.Operation) {
        switch operation {
        case .write(let inode, _, _), .truncate(let inode): files[inode, default: File()].pending.append(operation)
        case .sync(let inode):
            let file = files[inode] ?? File()
            files[inode] = File(stable: file.pending.reduce(into: file.stable) { Self.apply($1, &$0) { _ in true } })
        case .create, .rename, .unlink: pendingNames.append(operation)
        case .syncDirectory:
            for operation in pendingNames { Self.apply(operation, &stableNames) }
            pendingNames = []
        }
    }

    private static func apply(_ operation: MemoryDisk.Operation, _ names: inout [String: Int]) {
        switch operation {
        case .create(let name, let inode): names[name] = inode
        case .rename(let from, let to): if let inode = names.removeValue(forKey: from) { names[to] = inode }
        case .unlink(let name): names[name] = nil
        default: break
        }
    }

    private static func apply(
        _ operation: MemoryDisk.Operation, _ bytes: inout [UInt8], isKept: (Int) -> Bool, sector: Int = 4096
    ) {
        switch operation {
        case .truncate: bytes = []
        case .write(_, let offset, let written):
            var at = 0
            while at < written.count {
                // Sectors as the disk has them, not as the write begins.
                let end = min(written.count, ((offset + at) / sector + 1) * sector - offset)
                if isKept(at) { MemoryDisk.put(&bytes, offset + at, written[at..<end]) }
                at = end
            }
        default: break
        }
    }

    private static func apply(
        _ operation: MemoryDisk.Operation, _ bytes: inout [UInt8], _ isKept: (Int) -> Bool
    ) {
        apply(operation, &bytes, isKept: isKept)
    }

    /// What a power loss may leave. Names change in order, writes as they like.
    func afterPowerLoss(_ random: inout TestRandom) -> [String: [UInt8]] {
        var names = stableNames
        let mode = random.below(4)
        let nameCount = mode == 0 ? 0 : mode == 1 ? pendingNames.count : random.below(pendingNames.count + 1)
        for operation in pendingNames.prefix(nameCount) { Self.apply(operation, &names) }
        let sector = 512 << random.below(4)
        var result: [String: [UInt8]] = [:]
        for (name, inode) in names.sorted(by: { $0.key < $1.key }) {
            let file = files[inode] ?? File()
            var bytes = file.stable
            for operation in file.pending {
                switch mode {
                case 0: break
                case 1: Self.apply(operation, &bytes) { _ in true }
                case 2: if random.below(2) == 0 { Self.apply(operation, &bytes) { _ in true } }
                default: Self.apply(operation, &bytes, isKept: { _ in random.below(2) == 0 }, sector: sector)
                }
            }
            result[name] = bytes
        }
        return result
    }
}

/// xorshift*: the same numbers for the same seed.
struct TestRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    /// From 0 to below `limit`.
    mutating func below(_ limit: Int) -> Int { limit <= 1 ? 0 : Int(next() >> 33) % limit }
}
