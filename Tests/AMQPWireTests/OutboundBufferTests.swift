import Testing

@testable import AMQPWire

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The memory that output takes.
struct OutboundBufferTests {
    /// Writes so much, and gives what the buffer took for the first byte and for all of it.
    private func output(_ byteCount: Int, _ buffer: inout OutboundBuffer) -> (first: Int, all: Int) {
        buffer.write(UInt8(1))
        let first = buffer.capacity
        buffer.write(bytes: [UInt8](repeating: 2, count: byteCount - 1))
        guard let taken = buffer.take() else {
            Issue.record("nothing to take")
            return (0, 0)
        }
        #expect(taken.count == byteCount && taken.memory[0] == 1)
        #expect(taken.memory[1..<byteCount].allSatisfy { $0 == 2 })
        free(taken.memory.baseAddress)
        return (first, taken.memory.count)
    }

    @Test func beginsAsLargeAsItWas() {
        var buffer = OutboundBuffer()
        #expect(output(100, &buffer) == (512, 512))
        #expect(output(70_000, &buffer) == (512, 131_072))
        #expect(buffer.isEmpty && buffer.capacity == 0)
        #expect(output(131_072, &buffer) == (131_072, 131_072))
        #expect(output(131_073, &buffer) == (131_072, 262_144))
    }

    /// What was large once is not for long.
    @Test func forgetsWhatWasLarge() {
        var buffer = OutboundBuffer()
        _ = output(60_000, &buffer)
        let capacities = (0..<9).map { _ in output(10, &buffer).first }
        #expect(capacities == [65_536, 32_768, 16_384, 8_192, 4_096, 2_048, 1_024, 512, 512])
        _ = output(5 << 20, &buffer)
        #expect(output(10, &buffer).first == 4 << 20)
        buffer.deallocate()
    }
}
