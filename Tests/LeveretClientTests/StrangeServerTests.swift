import AMQPWire
import NIOCore
import NIOPosix
import Testing

@testable import LeveretClient

/// The client against servers that are no brokers.
@Suite struct StrangeServerTests {
    /// Answers the first bytes that come with its own, and may close then.
    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let bytes: [UInt8]
        private let closes: Bool

        init(_ bytes: [UInt8], closes: Bool) {
            self.bytes = bytes
            self.closes = closes
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let channel = context.channel
            let closes = closes
            channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { _ in
                if closes { channel.close(promise: nil) }
            }
        }
    }

    private func withServer<Result>(
        answer: [UInt8], closes: Bool = false, _ body: (_ port: Int) async throws -> Result
    ) async throws -> Result {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(answer, closes: closes))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result = try await body(server.localAddress?.port ?? 0)
        try await server.close()
        return result
    }

    /// What connecting to a server with this answer throws.
    private func failure(answer: [UInt8], closes: Bool = false) async throws -> LeveretError? {
        try await withServer(answer: answer, closes: closes) { port in
            await #expect(throws: LeveretError.self) {
                try await Connection.connect(ConnectionOptions(port: port, connectTimeoutSeconds: 1))
            }
        }
    }

    @Test func serverThatClosesIsNoBroker() async throws {
        #expect(try await failure(answer: [], closes: true)?.code == .handshakeFailed)
    }

    @Test func serverThatSaysNothingIsNoBroker() async throws {
        #expect(try await failure(answer: []) == .handshakeTimedOut)
    }

    @Test func serverOfAnotherProtocolIsNoBroker() async throws {
        #expect(try await failure(answer: Array("AMQP".utf8) + [0, 1, 0, 0])?.code == .handshakeFailed)
        #expect(try await failure(answer: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))?.code == .protocolViolation)
    }

    @Test func serverThatClosesAfterStartHasRefusedTheLogin() async throws {
        let start = Conversation.bytes { Conversation.start.writeFrame(channel: 0, to: &$0) }
        #expect(try await failure(answer: start, closes: true)?.code == .loginRefused)
    }

    @Test func cancelledTaskDoesNotWaitForTheHandshake() async throws {
        try await withServer(answer: []) { port in
            let task = Task {
                try await Connection.connect(ConnectionOptions(port: port, connectTimeoutSeconds: 3600))
            }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }
}
