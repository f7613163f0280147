/// Where and how to connect.
public struct ConnectionOptions: Hashable, Sendable {
    public var host: String
    public var port: Int
    public var user: String
    public var password: String
    public var virtualHost: String
    /// Seconds between heartbeats; 0 switches them off. The broker may ask for shorter ones.
    public var heartbeatSeconds: UInt16
    /// A name for this connection, shown in the broker's management tools.
    public var connectionName: String?
    /// For reaching the broker and for the handshake, each.
    public var connectTimeoutSeconds: Int
    /// The largest frame in bytes, at least 4096; the broker may ask for smaller ones.
    public var frameMax: UInt32
    /// How many channels the connection may have; the broker may allow fewer.
    public var channelMax: UInt16
    /// The largest body in bytes that the client accepts from the broker.
    public var messageSizeMax: Int

    /// The defaults: a broker on this machine, as it is after its installation.
    public init(
        host: String = "127.0.0.1", port: Int = 5672, user: String = "guest", password: String = "guest",
        virtualHost: String = "/", heartbeatSeconds: UInt16 = 60, connectionName: String? = nil,
        connectTimeoutSeconds: Int = 10, frameMax: UInt32 = 131_072, channelMax: UInt16 = 2047,
        messageSizeMax: Int = 536_870_912
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.virtualHost = virtualHost
        self.heartbeatSeconds = heartbeatSeconds
        self.connectionName = connectionName
        self.connectTimeoutSeconds = connectTimeoutSeconds
        self.frameMax = frameMax
        self.channelMax = channelMax
        self.messageSizeMax = messageSizeMax
    }
}
