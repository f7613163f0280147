import AMQPWire

/// Which connection: what RabbitMQ shows of it wherever something belongs to one (`connection_details`,
/// `channel_details`, `owner_pid_details`). One object for each connection, made when it is open.
package final class ConnectionDetails: Sendable {
    package let address: ConnectionAddress
    /// `name`, `connection_name`: `127.0.0.1:50123 -> 127.0.0.1:5672`.
    package let name: String
    package let peer: Peer
    package let user: ShortString
    package let virtualHost: ShortString

    init(address: ConnectionAddress, peer: Peer, user: ShortString, virtualHost: ShortString) {
        self.address = address
        name = peer.connectionName
        self.peer = peer
        self.user = user
        self.virtualHost = virtualHost
    }
}
