#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif
import Broker
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// A broker in this process: shards on their event loops, and the listeners that give them connections.
package final class Node: Service {
    private let configuration: Configuration
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let shards: [Shard]
    private let listeners = Mutex<[any Channel]>([])

    /// How long clients have to answer the connection.close of a shutdown.
    private static let shutdownSeconds = 5.0

    package init(configuration: Configuration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.shardCount)
        let settings = BrokerSettings(configuration)
        let controlPlane = ControlPlane(
            shardCount: configuration.shardCount, virtualHost: configuration.defaultVHost)
        shards = group.makeIterator().enumerated().map { index, eventLoop in
            var system = SystemRandomNumberGenerator()
            let state = ShardState(
                index: index, shardCount: configuration.shardCount, settings: settings, controlPlane: controlPlane,
                seed: (0..<4).map { _ in system.next() }, now: Clock.now)
            return Shard(index: index, eventLoop: eventLoop, state: state, logger: logger)
        }
    }

    /// Where clients can connect, once started: `127.0.0.1:5672`.
    package var listeningAddresses: [String] {
        listeners.withLock { channels in
            channels.compactMap { channel in
                channel.localAddress.map { address in
                    let host = address.ipAddress ?? ""
                    return "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
                }
            }
        }
    }

    /// Binds the listeners; clients may connect when it returns.
    package func start() async throws(NodeError) {
        let shards = shards
        for shard in shards {
            do {
                try await shard.eventLoop.submit { shard.start(peers: shards) }.get()
            } catch {
                throw NodeError("cannot start: \(error)")
            }
        }
        for address in configuration.listeners { try await listen(address) }
    }

    private func listen(_ address: ListenAddress) async throws(NodeError) {
        let shards = shards
        let placement = PlacementGroup(shards: shards, placement: configuration.connectionPlacement)
        let bootstrap = ServerBootstrap(group: group, childGroup: placement)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 2)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 4096, maximum: 262_144))
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 131_072, high: 524_288))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let shard = shards.first(where: { $0.eventLoop === channel.eventLoop }) else { return }
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(shard: shard))
                }
            }
        do {
            let channel = try await bootstrap.bind(host: address.host, port: address.port).get()
            listeners.withLock { $0.append(channel) }
        } catch {
            throw NodeError(listening: address, failed: error)
        }
    }

    /// Until the graceful shutdown: then no new connections, 320 to the clients, everything written.
    package func run() async throws {
        try? await gracefulShutdown()
        for channel in listeners.withLock({ $0 }) { try? await channel.close().get() }
        for shard in shards { try? await shard.eventLoop.submit { shard.shutDownConnections() }.get() }
        let deadline = Clock.monotonicNanoseconds + UInt64(Self.shutdownSeconds * 1e9)
        while Clock.monotonicNanoseconds < deadline, await connectionCount() > 0 {
            try? await Task.sleep(nanoseconds: 20_000_000)
        }
        for shard in shards { try? await shard.eventLoop.submit { shard.stop() }.get() }
        try? await group.shutdownGracefully()
        logger.info("stopped")
    }

    private func connectionCount() async -> Int {
        var count = 0
        for shard in shards { count += (try? await shard.eventLoop.submit { shard.connectionCount }.get()) ?? 0 }
        return count
    }
}

extension BrokerSettings {
    init(_ configuration: Configuration) {
        self.init()
        product = configuration.serverProduct
        version = Version.current
        heartbeatSeconds = UInt16(clamping: configuration.heartbeatSeconds)
        frameMax = UInt32(clamping: configuration.frameMax)
        channelMax = UInt16(clamping: configuration.channelMax)
        handshakeTimeoutMilliseconds = UInt64(configuration.handshakeTimeoutMilliseconds)
        maxMessageSize = configuration.maxMessageSize
        defaultVirtualHost = configuration.defaultVHost
        users = [
            User(
                name: configuration.defaultUser, password: configuration.defaultPass,
                isLoopbackOnly: configuration.loopbackUsers.contains(configuration.defaultUser))
        ]
    }
}

extension NodeError {
    fileprivate init(listening address: ListenAddress, failed error: any Error) {
        let reason: String
        var hint = ""
        if let error = error as? IOError {
            reason = String(cString: strerror(error.errnoCode)).lowercased()
            if error.errnoCode == EADDRINUSE {
                hint = " (is RabbitMQ or another leveret running? choose another with --port)"
            } else if error.errnoCode == EACCES {
                hint = " (ports below 1024 need privileges; choose another with --port)"
            }
        } else {
            reason = "\(error)"
        }
        self.init("cannot listen on \(address): \(reason)\(hint)")
    }
}
