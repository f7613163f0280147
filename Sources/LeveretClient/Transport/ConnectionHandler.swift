import NIOCore

/// One connection's socket: bytes go to the core, what the core has for it goes out. It decides nothing.
///
/// One call down for each read, one write for each turn: nothing here happens per message.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ConnectionCore

    init(core: ConnectionCore) { self.core = core }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        buffer.withUnsafeReadableBytes { core.receive($0) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        core.finishTurn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        core.finishTurn()
    }

    func channelInactive(context: ChannelHandlerContext) {
        core.socketEnded()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket error is the end of the connection; the core notes it when the socket is gone.
        context.close(promise: nil)
    }
}
