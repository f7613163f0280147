import AMQPWire

/// The beginning of a frame whose rest has not been read yet.
struct PartialInput {
    private var buffer = OutboundBuffer()

    var isEmpty: Bool { buffer.isEmpty }
    var count: Int { buffer.count }
    var bytes: UnsafeRawBufferPointer { buffer.bytes }

    mutating func append(_ bytes: UnsafeRawBufferPointer) { buffer.write(bytes: bytes) }

    /// Forgets its bytes; a large buffer goes back to the system.
    mutating func removeAll() {
        if buffer.capacity > 65536 { buffer.deallocate() } else { buffer.removeAll() }
    }

    mutating func deallocate() { buffer.deallocate() }
}
