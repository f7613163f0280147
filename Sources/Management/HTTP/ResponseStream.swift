import NIOCore

/// The body of an answer on its way to the client. What is written is sent in pieces; `write` waits while the client
/// is slow, so memory stays bounded by a piece, and throws when it is gone, or when it is too slow to be waited for.
package final class ResponseStream {
    static let pieceByteCount = 32 << 10
    /// After the first minute an answer is to be taken at least so fast: whoever makes it keeps something meanwhile.
    static let leastBytesPerSecond = 16 << 10
    private static let patienceSeconds = 60

    private let send: (ByteBuffer) async throws -> Void
    private var buffer: [UInt8] = []
    private var sentByteCount = 0
    private let clock: () -> ContinuousClock.Instant
    private let start: ContinuousClock.Instant

    /// The client has been given up.
    struct ClientTooSlow: Error {}

    /// - Parameter send: returns when the client has room for more.
    init(
        clock: @escaping () -> ContinuousClock.Instant = { .now }, send: @escaping (ByteBuffer) async throws -> Void
    ) {
        self.send = send
        self.clock = clock
        start = clock()
        buffer.reserveCapacity(Self.pieceByteCount + 4096)
    }

    package func write(_ text: String) async throws {
        buffer += text.utf8
        try await sendIfFull()
    }

    package func write(bytes: [UInt8]) async throws {
        buffer += bytes
        try await sendIfFull()
    }

    func write(_ item: some JSONWritable, _ columns: Columns) async throws {
        JSONObjectBuilder.write(item, columns, to: &buffer)
        try await sendIfFull()
    }

    /// Sends what there is: the client sees the beginning while the rest is still being made.
    package func flush() async throws {
        guard !buffer.isEmpty else { return }
        let piece = ByteBuffer(bytes: buffer)
        buffer.removeAll(keepingCapacity: true)
        try await send(piece)
        sentByteCount += piece.readableBytes
        let patience = Self.patienceSeconds + sentByteCount / Self.leastBytesPerSecond
        guard clock() - start < .seconds(patience) else { throw ClientTooSlow() }
    }

    private func sendIfFull() async throws {
        if buffer.count >= Self.pieceByteCount { try await flush() }
    }
}
