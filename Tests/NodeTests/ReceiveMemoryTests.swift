import NIOCore
import Testing

@testable import Node

/// What sockets are read into, with NIO's pool of one buffer around it as a connection has it.
@Suite struct ReceiveMemoryTests {
    /// As `ReceiveAllocator` gives them.
    private final class Allocator: RecvByteBufferAllocator, @unchecked Sendable {
        let memory = ReceiveMemory()
        var hasRead = false

        func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
            defer { hasRead = true }
            return hasRead ? memory.makeBuffer(isInBody: false) : ReceiveMemory.makeFirstBuffer()
        }

        func nextBufferSize() -> Int? { nil }
        func record(actualReadBytes: Int) -> Bool { true }
    }

    /// NIO keeps and copies the first buffer: it must be small, and not of the memory that is never freed. The others
    /// must not be copied.
    @Test func aConnectionKeepsLittleMemory() {
        let allocator = Allocator()
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: allocator)
        var places: [UInt] = []
        for _ in 0..<3 {
            let (buffer, place) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
                buffer.withUnsafeMutableWritableBytes { bytes in
                    bytes[0] = 7
                    return UInt(bitPattern: bytes.baseAddress)
                }
            }
            pool.record(actualReadBytes: 1)
            places.append(place)
            #expect(places.count == 1 ? buffer.capacity <= 1024 : buffer.capacity == ReceiveMemory.fullByteCount)
        }
        #expect(places[1] == places[2] && places[0] != places[1])
        let shared = allocator.memory.makeBuffer(isInBody: false)
        #expect(shared.withVeryUnsafeBytes { UInt(bitPattern: $0.baseAddress) } == places[1])
    }
}
