import HummingbirdCore
import JSON
import NIOCore

/// The body of an answer on its way to the client. What is written is sent in pieces; `write` waits while the client
/// is slow, so memory stays bounded by a piece, and throws when it is gone.
package final class ResponseStream {
    private static let pieceByteCount = 32 << 10

    private var writer: any ResponseBodyWriter
    private var buffer: [UInt8] = []

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
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

    package func write(_ value: JSONValue) async throws {
        value.encode(into: &buffer)
        try await sendIfFull()
    }

    /// Sends what there is: the client sees the beginning while the rest is still being made.
    package func flush() async throws {
        guard !buffer.isEmpty else { return }
        let piece = ByteBuffer(bytes: buffer)
        buffer.removeAll(keepingCapacity: true)
        try await writer.write(piece)
    }

    private func sendIfFull() async throws {
        if buffer.count >= Self.pieceByteCount { try await flush() }
    }

    func finish() async throws {
        try await flush()
        try await writer.finish(nil)
    }
}
