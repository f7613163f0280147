import Broker
@_spi(CustomByteBufferAllocator) import NIOCore

#if canImport(Glibc)
    import Glibc
#endif

/// One connection's socket: bytes go to the shard, what the shard has for it goes out. It decides nothing.
///
/// One call down for each read, one write for each turn: nothing here happens per message.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long what is written may take to leave after the end of the connection.
    private static let overdueMilliseconds: UInt64 = 5_000

    private let shard: Shard
    private var context: ChannelHandlerContext?
    private(set) var address: ConnectionAddress?
    private var isReading = true
    private var hasRead = false
    /// The last read ended within a large frame.
    private var isInBody = false
    private var closesSince: UInt64?
    /// The memory of outgoing bytes came from malloc and goes back to it.
    private static let allocator = ByteBufferAllocator()

    init(shard: Shard) { self.shard = shard }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        address = shard.open(self, Self.peer(at: context.remoteAddress, to: context.localAddress))
        context.fireChannelActive()
    }

    private static func peer(at remote: SocketAddress?, to local: SocketAddress?) -> Peer {
        let host = remote?.ipAddress ?? ""
        let name = remote == nil ? "unknown" : "\(host.contains(":") ? "[\(host)]" : host):\(remote?.port ?? 0)"
        return Peer(
            name: name, isLoopback: remote?.isLoopback ?? false, host: host, port: remote?.port ?? 0,
            localHost: local?.ipAddress ?? "", localPort: local?.port ?? 0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let address else { return }
        let buffer = unwrapInboundIn(data)
        buffer.withUnsafeReadableBytes { shard.receive(address, $0) }
        isInBody = shard.state.isInBody(address)
    }

    /// For the next read.
    func makeReceiveBuffer() -> ByteBuffer {
        guard hasRead else {
            hasRead = true
            return ReceiveMemory.makeFirstBuffer()
        }
        return shard.receiveMemory.makeBuffer(isInBody: isInBody)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        shard.finishTurn()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let address { shard.setWritable(address, context.channel.isWritable) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let address else { return }
        self.address = nil
        shard.ended(address)
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket error is the end of the connection; the engine notes it when the socket is gone.
        context.close(promise: nil)
    }

    // MARK: For the shard

    /// Takes the memory over.
    func write(_ memory: UnsafeMutableRawBufferPointer, count: Int) {
        let buffer = ByteBuffer(takingOwnershipOf: memory, allocator: Self.allocator, writerIndex: count)
        context?.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func setReading(_ wanted: Bool) {
        guard wanted != isReading, let context else { return }
        isReading = wanted
        try? context.channel.syncOptions?.setOption(.autoRead, value: wanted)
    }

    func closeWhenWritten(_ now: Moment) {
        guard closesSince == nil, let context else { return }
        closesSince = now.monotonicMilliseconds
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        let channel = context.channel
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }

    /// Closes the socket if the client's end of it is closed, though that has not been read yet.
    func closeIfPeerHasEnded() -> EventLoopFuture<Void> {
        guard let context else { return shard.eventLoop.makeSucceededVoidFuture() }
        #if os(Linux)
            guard let provider = context.channel as? any SocketOptionProvider else {
                return context.eventLoop.makeSucceededVoidFuture()
            }
            let channel = context.channel
            return provider.getTCPInfo().flatMap { info in
                info.tcpi_state == Self.closeWait ? channel.close() : channel.eventLoop.makeSucceededVoidFuture()
            }
        #else
            return context.eventLoop.makeSucceededVoidFuture()
        #endif
    }

    /// TCP_CLOSE_WAIT: the peer has sent its last byte (Linux, `tcp_states.h`).
    private static let closeWait: UInt8 = 8

    func closeIfOverdue(_ now: Moment) {
        guard let closesSince, now.monotonicMilliseconds - closesSince > Self.overdueMilliseconds else { return }
        close()
    }

    func close() {
        context?.close(promise: nil)
    }
}

extension SocketAddress {
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4: ipAddress?.hasPrefix("127.") ?? false
        case .v6: ipAddress == "::1" || (ipAddress?.hasPrefix("::ffff:127.") ?? false)
        case .unixDomainSocket: true
        }
    }
}
