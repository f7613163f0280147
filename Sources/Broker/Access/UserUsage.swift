import AMQPWire

/// What a user has open at this moment, over all shards: its limits are compared with it.
struct UserUsage {
    var connectionCount = 0
    var channelCount = 0
}

extension ControlPlane.Topology {
    func checkConnectionLimit(of user: ShortString) throws(ProtocolError) {
        guard let limit = users[user]?.limits.maxConnections, limit >= 0,
            usage[user]?.connectionCount ?? 0 >= limit
        else { return }
        throw .userConnectionLimit(limit, user: user)
    }

    /// Counts a channel until `closeChannel`.
    mutating func openChannel(of user: ShortString) throws(ProtocolError) {
        try checkNodeChannelLimit()
        let count = usage[user]?.channelCount ?? 0
        if let limit = users[user]?.limits.maxChannels, limit >= 0, count >= limit {
            throw .userChannelLimit(limit, user: user)
        }
        usage[user, default: UserUsage()].channelCount += 1
    }

    mutating func closeChannel(of user: ShortString) { changeUsage(of: user) { $0.channelCount -= 1 } }

    mutating func changeUsage(of user: ShortString, _ body: (inout UserUsage) -> Void) {
        guard var usage = usage[user] else { return }
        body(&usage)
        self.usage[user] = usage.connectionCount == 0 && usage.channelCount == 0 ? nil : usage
    }
}

extension ProtocolError {
    static func userConnectionLimit(_ limit: Int, user: ShortString) -> ProtocolError {
        ProtocolError(
            .notAllowed, "connection refused for user '\(user)': user connection limit (\(limit)) is reached")
    }
    static func userChannelLimit(_ limit: Int, user: ShortString) -> ProtocolError {
        ProtocolError(
            .notAllowed,
            "number of channels opened for user '\(user)' has reached the maximum allowed user limit of \(limit)")
    }
}
