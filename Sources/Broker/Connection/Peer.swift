/// Who is at the other end of a connection.
package struct Peer: Sendable {
    /// For the log: `127.0.0.1:50123`.
    package let name: String
    package let isLoopback: Bool
    /// `peer_host`, `peer_port`.
    package let host: String
    package let port: Int
    /// `host`, `port`: this end's.
    package let localHost: String
    package let localPort: Int

    package init(
        name: String, isLoopback: Bool, host: String = "", port: Int = 0, localHost: String = "", localPort: Int = 0
    ) {
        self.name = name
        self.isLoopback = isLoopback
        self.host = host
        self.port = port
        self.localHost = localHost
        self.localPort = localPort
    }

    /// Without the port.
    var address: String {
        host.isEmpty ? name.lastIndex(of: ":").map { String(name[..<$0]) } ?? name : host
    }

    /// RabbitMQ's name of a connection: `127.0.0.1:50123 -> 127.0.0.1:5672`.
    package var connectionName: String {
        if localHost.isEmpty { return name }
        return "\(name) -> \(localHost.contains(":") ? "[\(localHost)]" : localHost):\(localPort)"
    }
}
