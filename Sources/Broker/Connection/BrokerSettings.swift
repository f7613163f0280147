import AMQPWire

/// What the configuration says to the engine.
package struct BrokerSettings: Sendable {
    /// `product` of the server-properties: some clients look for `RabbitMQ`.
    package var product = "Leveret"
    /// A plain semantic version.
    package var version = "0.0.0"
    package var platform = "Swift"
    package var clusterName = "leveret@localhost"
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
    package var users: [User] = [User(name: "guest", password: "guest", isLoopbackOnly: true)]

    package struct User: Sendable {
        package let name: String
        package let password: String
        package let isLoopbackOnly: Bool

        package init(name: String, password: String, isLoopbackOnly: Bool) {
            self.name = name
            self.password = password
            self.isLoopbackOnly = isLoopbackOnly
        }
    }

    package init() {}

    /// Compares in a time that depends on nothing but the lengths.
    package func user(name: [UInt8], password: [UInt8]) -> User? {
        var found: User?
        for user in users {
            let matches = Self.isEqual(Array(user.name.utf8), name)
            let matchesPassword = Self.isEqual(Array(user.password.utf8), password)
            if matches, matchesPassword { found = user }
        }
        return found
    }

    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for index in 0..<min(left.count, right.count) { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
