import AMQPWire

/// What the configuration says to the engine.
package struct BrokerSettings: Sendable {
    /// `product` of the server-properties: some clients look for `RabbitMQ`.
    package var product = "Leveret"
    /// A plain semantic version.
    package var version = "0.0.0"
    package var platform = "Swift"
    package var clusterName = "leveret@localhost"
    /// What events and traces call this node.
    package var nodeName = "leveret@localhost"
    package var heartbeatSeconds: UInt16 = 60
    package var frameMax: UInt32 = 131_072
    package var channelMax: UInt16 = 2047
    package var handshakeTimeoutMilliseconds: UInt64 = 10_000
    /// Whether the shell answers `Probe`s.
    package var probesLockHolders = false
    package var maxMessageSize = 16_777_216
    package var defaultVirtualHost = "/"
    /// The type of durable queues that are declared without one, where their virtual host has no default of its own.
    package var defaultQueueType = QueueType.classic
    package var access = AccessSettings()
    package var limits = NodeLimits()
    /// Whether messages are counted for pairs of channels, exchanges and queues too.
    package var countsPairs = false

    package init() {}
}
