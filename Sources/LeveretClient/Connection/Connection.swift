import AMQPWire
import Logging
import NIOCore
import NIOPosix

/// A connection to an AMQP 0-9-1 broker: Leveret, RabbitMQ or another.
///
///     let connection = try await Connection.connect(to: "amqp://guest:guest@127.0.0.1:5672/")
///     let channel = try await connection.channel()
///     …
///     try await connection.close()
///
/// One connection serves a whole program: its channels are independent conversations on one socket. Programs that
/// publish and consume a lot take one connection for each, so that a broker that slows publishers down does not slow
/// consumers down too.
///
/// A connection is not restored when it is lost: every call then throws ``LeveretError`` with code `connectionLost`,
/// and the program connects and declares again. A connection that is dropped without ``close()`` is closed.
public final class Connection: Sendable {
    let core: ConnectionCore

    init(core: ConnectionCore) { self.core = core }

    deinit { core.abort() }

    /// Connects and logs in.
    ///
    /// - Parameters:
    ///   - uri: `amqp://user:password@host:port/vhost?heartbeat=30&connection_name=orders`; see
    ///     ``ConnectionOptions/init(uri:)``.
    ///   - eventLoopGroup: on one of its threads the connection's bytes are read and written. The caller keeps it
    ///     running.
    /// - Throws: ``LeveretError`` with code `invalidURI`, `connectFailed`, `handshakeFailed`, `loginRefused` or
    ///   `connectionClosedByServer`; `CancellationError`.
    public static func connect(
        to uri: String, logger: Logger = Logger(label: "leveret.client"),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> Connection {
        try await connect(ConnectionOptions(uri: uri), logger: logger, eventLoopGroup: eventLoopGroup)
    }

    /// Connects and logs in. See ``connect(to:logger:eventLoopGroup:)``.
    public static func connect(
        _ options: ConnectionOptions, logger: Logger = Logger(label: "leveret.client"),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws -> Connection {
        try options.check()
        let core = ConnectionCore(options: options, logger: logger)
        let bootstrap = ClientBootstrap(group: eventLoopGroup)
            .connectTimeout(.seconds(Int64(options.connectTimeoutSeconds)))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65536))
            .channelInitializer { socket in
                socket.eventLoop.makeCompletedFuture {
                    try socket.pipeline.syncOperations.addHandler(ConnectionHandler(core: core))
                }
            }
        try await core.open { bootstrap.connect(host: options.host, port: options.port) }
        return Connection(core: core)
    }

    /// Opens a channel. It costs one round trip: open it once, not for each message.
    ///
    /// - Throws: ``LeveretError`` with code `channelLimitReached`, or why the connection is over.
    public func channel() async throws -> Channel {
        Channel(connection: self, link: try await core.openChannel())
    }

    /// Closes all channels and the connection, and waits for the broker's answer. What was published before has
    /// arrived then.
    ///
    /// Closing what is closed already does nothing. A cancelled task does not wait for the answer.
    public func close() async throws {
        try await core.close()
    }

    /// Whether requests can be made. It may change at any moment.
    public var isOpen: Bool { core.isOpen }

    /// The broker's reason for taking no messages for a while, such as `low on disk`; nil when it takes them.
    public var blockedReason: String? { core.blockedReason }

    /// What the broker says of itself: `product`, `version`, `capabilities` and more.
    public var serverProperties: FieldTable { core.serverProperties }
}

extension ConnectionOptions {
    /// What the state machine relies on.
    func check() throws(LeveretError) {
        guard 1...65535 ~= port else { throw .invalidArgument("port \(port) does not exist") }
        guard frameMax >= Frame.sizeMinimum else { throw .invalidArgument("frameMax is at least 4096") }
        guard channelMax > 0 else { throw .invalidArgument("channelMax is at least 1") }
        guard messageSizeMax >= 0 else { throw .invalidArgument("messageSizeMax is negative") }
        guard 1...86_400 ~= connectTimeoutSeconds else {
            throw .invalidArgument("connectTimeoutSeconds is between 1 and 86400")
        }
        guard virtualHost.utf8.count <= ShortString.byteLimit else {
            throw .invalidArgument("the virtual host has more than 255 bytes")
        }
        guard user.utf8.count + password.utf8.count <= 2048, (connectionName?.utf8.count ?? 0) <= 1024 else {
            throw .invalidArgument("user and password together have more than 2048 bytes, or the name more than 1024")
        }
    }
}
