import Logging
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A listening socket with a thread of its own, which accepts connections and gives each to the shard that the
/// placement names.
///
/// NIO's own server bootstrap gives connections to its loops in turn and takes no other group, so accepting is done
/// here and NIO gets the connected sockets.
final class Listener: Sendable {
    let address: SocketAddress
    private let descriptor: CInt
    private let shards: [Shard]
    private let loads: [ShardLoad]
    private let placement: Placement
    private let logger: Logger
    private let isStopped = Atomic<Bool>(false)
    /// Whether the descriptor is still this listener's: once closed, its number may be somebody else's socket.
    private let isOpen = Mutex(true)

    private static let backlog: CInt = 4096
    /// A pause after an accept that failed for want of descriptors or memory: there will be some again.
    private static let retryMicroseconds: UInt32 = 100_000

    /// Binds and listens; nothing is accepted before `start`.
    init(_ wanted: ListenAddress, shards: [Shard], placement: Placement, logger: Logger) throws(NodeError) {
        self.shards = shards
        loads = shards.map(\.load)
        self.placement = placement
        self.logger = logger
        let requested = try Self.socketAddress(wanted)
        #if canImport(Glibc)
            let kind = CInt(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(requested.isIPv6 ? AF_INET6 : AF_INET, kind, 0)
        guard descriptor >= 0 else { throw NodeError(listening: wanted, code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var one: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<CInt>.size))
        let failure = requested.withSockAddr { address, size -> CInt in
            bind(descriptor, address, socklen_t(size)) == 0 && listen(descriptor, Self.backlog) == 0 ? 0 : errno
        }
        guard failure == 0 else {
            close(descriptor)
            throw NodeError(listening: wanted, code: failure)
        }
        self.descriptor = descriptor
        address = Self.localAddress(descriptor) ?? requested
    }

    private static func socketAddress(_ wanted: ListenAddress) throws(NodeError) -> SocketAddress {
        do {
            return try SocketAddress(ipAddress: wanted.hostToBind, port: wanted.port)
        } catch {
            throw NodeError("cannot listen on \(wanted): not an IP address")
        }
    }

    /// Port 0 asked for a free one: the system knows which.
    private static func localAddress(_ descriptor: CInt) -> SocketAddress? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> SocketAddress? in
                guard getsockname(descriptor, address, &size) == 0 else { return nil }
                return UnsafeRawPointer(address).loadAddress(family: CInt(address.pointee.sa_family))
            }
        }
    }

    func start() {
        startThread { [self] in acceptConnections() }
    }

    private func acceptConnections() {
        while !isStopped.load(ordering: .acquiring) {
            let accepted = accept(descriptor, nil, nil)
            if accepted >= 0 {
                _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
                give(accepted)
                continue
            }
            let code = errno
            switch code {
            case EINTR, ECONNABORTED, EAGAIN: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                logger.error(
                    "cannot accept a connection: \(String(cString: strerror(code))); raise the limit of open files")
                usleep(Self.retryMicroseconds)
            default:
                if isStopped.load(ordering: .acquiring) { break }
                logger.error("cannot accept a connection: \(String(cString: strerror(code)))")
                usleep(Self.retryMicroseconds)
            }
        }
        isOpen.withLock { isOpen in
            isOpen = false
            close(descriptor)
        }
    }

    private func give(_ accepted: CInt) {
        let shard = shards[placement.choose(among: loads, at: Clock.monotonicNanoseconds)]
        shard.load.connectionOpened()
        let logger = logger
        ClientBootstrap(group: shard.eventLoop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(.writeBufferWaterMark, value: .init(low: 131_072, high: 524_288))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(shard: shard)
                    try channel.syncOptions?.setOption(.recvAllocator, value: ReceiveAllocator(handler: handler))
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .withConnectedSocket(accepted)
            .whenFailure { error in
                // NIO has closed the socket: the client was gone before it could be served.
                shard.load.connectionClosed()
                logger.debug("a connection ended before it began: \(error)")
            }
    }

    /// No new connections from now on.
    func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        isOpen.withLock { isOpen in
            if isOpen { shutdown(descriptor, CInt(SHUT_RDWR)) }
        }
    }
}

extension SocketAddress {
    fileprivate var isIPv6: Bool {
        if case .v6 = self { return true }
        return false
    }
}

extension UnsafeRawPointer {
    fileprivate func loadAddress(family: CInt) -> SocketAddress? {
        switch family {
        case AF_INET: SocketAddress(load(as: sockaddr_in.self))
        case AF_INET6: SocketAddress(load(as: sockaddr_in6.self))
        default: nil
        }
    }
}

extension NodeError {
    fileprivate init(listening address: ListenAddress, code: CInt) {
        let hint =
            switch code {
            case EADDRINUSE: " (is RabbitMQ or another leveret running? choose another with --port)"
            case EACCES: " (ports below 1024 need privileges; choose another with --port)"
            case EADDRNOTAVAIL: " (no interface of this machine has this address)"
            default: ""
            }
        self.init("cannot listen on \(address): \(String(cString: strerror(code)).lowercased())\(hint)")
    }
}
