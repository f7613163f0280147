@_spi(CustomByteBufferAllocator) import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The memory that a shard's sockets are read into: one piece for all of them, since the engine is done with what was
/// read before the next socket is. So an idle connection holds nothing, and what is read stays in the processor's
/// cache.
///
/// It belongs to the shard's event loop.
final class ReceiveMemory {
    private let memory: UnsafeMutableRawBufferPointer
    /// Turns for which reads stay short.
    private var shortTurnCount = 0
    private var latestWaitCount: UInt64 = 0

    /// A read of a busy connection: its share of a turn.
    static let fullByteCount = 64 << 10
    /// A read while somebody else waits for each turn: less costs more in system calls than it gains.
    static let shortByteCount = 4 << 10
    /// A read in the middle of a large body, of which nothing else can be made before it is complete.
    static let bodyByteCount = 256 << 10

    init() { memory = .allocate(byteCount: Self.bodyByteCount, alignment: 64) }
    deinit { memory.deallocate() }

    /// The end of a turn. While consumers that had no credit left bring settlements, they wait for the turns of those
    /// who publish: shorter ones.
    ///
    /// - Parameter waitCount: how many such settlements there ever were.
    @inline(__always)
    func endTurn(waitCount: UInt64) {
        if waitCount != latestWaitCount {
            latestWaitCount = waitCount
            shortTurnCount = Self.shortTurnLimit
        } else if shortTurnCount > 0 {
            shortTurnCount -= 1
        }
    }

    private static let shortTurnLimit = 8

    /// For the first read of a connection: NIO keeps that buffer as long as the connection, and copies it first. A
    /// protocol header and what comes with it is small.
    static func makeFirstBuffer() -> ByteBuffer { ByteBufferAllocator().buffer(capacity: firstByteCount) }

    static let firstByteCount = 512

    /// An empty buffer over the memory, good until the next one. Nobody makes a copy of it: that would never be freed.
    func makeBuffer(isInBody: Bool) -> ByteBuffer {
        let byteCount =
            isInBody ? Self.bodyByteCount : shortTurnCount > 0 ? Self.shortByteCount : Self.fullByteCount
        return ByteBuffer(
            takingOwnershipOf: UnsafeMutableRawBufferPointer(rebasing: memory[..<byteCount]),
            allocator: Self.borrowing, writerIndex: 0)
    }

    /// Frees nothing. Nobody writes beyond a buffer's end, so that one never has to grow; a copy would be its own.
    private static let borrowing = ByteBufferAllocator(
        allocate: { malloc($0) }, reallocate: { _, _, size in malloc(size) }, deallocate: { _ in },
        copy: { target, source, count in target.copyMemory(from: source, byteCount: count) })
}

/// Gives NIO the shard's memory for each read of a connection.
struct ReceiveAllocator: RecvByteBufferAllocator, @unchecked Sendable {
    /// On the shard's event loop, as everything that reads.
    unowned let handler: ConnectionHandler

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { handler.makeReceiveBuffer() }

    /// No size: a buffer is not used again, the next may have another size.
    func nextBufferSize() -> Int? { nil }
    mutating func record(actualReadBytes: Int) -> Bool { true }
}
