import AMQPWire

/// Limits of the node as a whole, which its configuration sets; nil is none. The names are RabbitMQ's.
package struct NodeLimits: Sendable, Equatable {
    /// `connection_max`.
    package var connections: Int?
    /// `channel_max_per_node`.
    package var channels: Int?
    /// `consumer_max_per_channel`.
    package var consumersPerChannel: Int?
    /// `vhost_max`.
    package var virtualHosts: Int?
    /// `cluster_queue_limit`.
    package var queues: Int?
    /// `cluster_exchange_limit`; the exchanges that every virtual host begins with count.
    package var exchanges: Int?

    package init() {}
}

/// How many queues and exchanges there are where that is limited: what a declaration is compared with.
struct ObjectRoom {
    let limits: NodeLimits
    let queueCount: Int
    let exchangeCount: Int

    func checkQueue(_ name: ShortString) throws(ProtocolError) {
        if let limit = limits.queues, queueCount >= limit { throw .nodeQueueLimit(limit, name) }
    }

    func checkExchange(_ resource: ResourceName) throws(ProtocolError) {
        if let limit = limits.exchanges, exchangeCount >= limit { throw .nodeExchangeLimit(limit, resource) }
    }
}

extension ControlPlane.Topology {
    /// Before something is declared. Costs nothing where there is no limit.
    mutating func measureRoom() {
        guard limits.queues != nil || limits.exchanges != nil else { return }
        log.room = ObjectRoom(
            limits: limits, queueCount: virtualHosts.reduce(0) { $0 + $1.queues.count },
            exchangeCount: virtualHosts.reduce(0) { $0 + $1.exchanges.count })
    }

    func checkNodeConnectionLimit() throws(ProtocolError) {
        guard let limit = limits.connections else { return }
        let count = virtualHosts.reduce(0) { $0 + $1.connectionCount }
        if count >= limit { throw .nodeConnectionLimit(limit) }
    }

    func checkNodeChannelLimit() throws(ProtocolError) {
        guard let limit = limits.channels else { return }
        let count = usage.values.reduce(0) { $0 + $1.channelCount }
        if count >= limit { throw .nodeChannelLimit(limit, nodeName) }
    }

    /// For a virtual host that is not there yet.
    func checkVirtualHostLimit(_ name: ShortString) throws(AdministrationError) {
        guard let limit = limits.virtualHosts, virtualHostIndexes[name] == nil, virtualHostIndexes.count >= limit else {
            return
        }
        throw .invalid("cannot create vhost '\(name)': vhost limit of \(limit) is reached")
    }
}

extension ProtocolError {
    fileprivate static func nodeConnectionLimit(_ limit: Int) -> ProtocolError {
        ProtocolError(.notAllowed, "connection refused: node connection limit (\(limit)) is reached")
    }
    fileprivate static func nodeChannelLimit(_ limit: Int, _ nodeName: String) -> ProtocolError {
        ProtocolError(
            .notAllowed,
            "number of channels opened on node '\(nodeName)' has reached the maximum allowed limit of \(limit)")
    }
    fileprivate static func nodeQueueLimit(_ limit: Int, _ queue: ShortString) -> ProtocolError {
        ProtocolError(
            .preconditionFailed, "cannot declare queue '\(queue)': queue limit in cluster (\(limit)) is reached")
    }
    fileprivate static func nodeExchangeLimit(_ limit: Int, _ exchange: ResourceName) -> ProtocolError {
        ProtocolError(.preconditionFailed, "cannot declare \(exchange): exchange limit of \(limit) is reached")
    }
    static func consumerLimit(_ limit: Int) -> ProtocolError {
        ProtocolError(.notAllowed, "reached maximum (\(limit)) of consumers per channel")
    }
}
