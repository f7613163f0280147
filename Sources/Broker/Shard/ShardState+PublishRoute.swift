import AMQPWire
import Routing

// basic.publish: from exchange and routing key to the queues that the channel's messages go to.
extension ShardState {
    /// A message comes for this exchange and routing key.
    @inline(__always)
    func selectRoute(_ addressing: UnsafeRawBufferPointer, _ channel: UnsafeMutablePointer<ChannelState>) {
        if !channel.pointee.routes.current.pointee.leads(addressing) { changeRoute(addressing, channel) }
    }

    @inline(never)
    private func changeRoute(_ addressing: UnsafeRawBufferPointer, _ channel: UnsafeMutablePointer<ChannelState>) {
        noteRoute(channel)
        channel.pointee.routes.select(addressing) { noteExchange(of: $0, channel) }
    }

    /// Whether nothing has changed on the way since the route was found.
    @inline(__always)
    func isCurrent(
        _ route: UnsafeMutablePointer<PublishRoute>, _ channel: UnsafeMutablePointer<ChannelState>
    ) -> Bool {
        guard let exchange = route.pointee.exchange else { return false }
        return virtualHosts[channel.pointee.connection.pointee.virtualHostIndex].routing.version(of: exchange)
            == route.pointee.version
    }

    /// Leaves the message's queues in the channel's current route. What an earlier message found serves while nothing
    /// has changed.
    @inline(__always)
    func route(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        if isCurrent(channel.pointee.routes.current, channel), !channel.pointee.assembly.isImmediate { return }
        try walk(message, channel, channel.pointee.connection.pointee.virtualHostIndex)
    }

    @inline(never)
    private func walk(
        _ message: Message, _ channel: UnsafeMutablePointer<ChannelState>, _ host: Int
    ) throws(ProtocolError) {
        if channel.pointee.assembly.isImmediate { throw .immediate }
        noteExchange(channel)
        let route = channel.pointee.routes.current
        route.pointee.exchange = nil
        route.pointee.queues.removeAll()
        let routing = virtualHosts[host].routing
        let isUnrestricted = channel.pointee.connection.pointee.isUnrestricted
        if !isUnrestricted { try checkPublish(to: message.exchange, channel) }
        guard let exchange = routing.exchange(named: message.exchange) else {
            throw .noExchange(ShortString(message.exchange), channel.pointee.connection.pointee.virtualHost)
        }
        if virtualHosts[host].internalExchanges.contains(exchange) {
            throw .internalExchange(
                ResourceName(
                    kind: .exchange, name: ShortString(message.exchange),
                    virtualHost: channel.pointee.connection.pointee.virtualHost))
        }
        route.pointee.countedExchange = virtualHosts[host].counters.count(of: exchange)
        let copies = try takeCopies(channel)
        if !isUnrestricted {
            try checkTopics(message.routingKey, copies, at: exchange, named: message.exchange, channel)
        }
        let dependsOnMessage = routing.dependsOnMessage(exchange)
        if dependsOnMessage || !virtualHosts[host].gates.isEmpty {
            self.route(
                message, from: exchange, key: message.routingKey, copies: copies, host, into: &route.pointee.queues)
        } else {
            routing.route(
                exchange, RoutedMessage(routingKey: message.routingKey, copies: copies), into: &route.pointee.queues)
        }
        if channel.pointee.assembly.isMandatory, !virtualHosts[host].gates.isEmpty, !route.pointee.queues.isEmpty,
            !leadsBehindGates(message, from: exchange, copies, host)
        {
            if channel.pointee.publishMode == .transaction {
                channel.pointee.transaction?.leadsNowhere = true
            } else {
                publishUnroutable(message, channel, isMandatory: true)
            }
        }
        findHolders(channel)
        findRejecting(channel)
        // No route is remembered then, so that every message comes here.
        if virtualHosts[host].isTraced { return trace(message, copies, channel) }
        if copies.isEmpty, !dependsOnMessage {
            route.pointee.exchange = exchange
            route.pointee.version = routing.version(of: exchange)
        }
    }
}
