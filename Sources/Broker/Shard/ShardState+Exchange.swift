import AMQPWire
import Routing

// exchange.declare, delete, bind, unbind (AMQP 0-9-1 class exchange; RabbitMQ's exchange-to-exchange bindings).
extension ShardState {
    func receiveExchangeMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) {
        let host = channel.pointee.connection.pointee.virtualHostIndex
        let connection = channel.pointee.connection.pointee.address
        let access = access(channel)
        let user = channel.pointee.connection.pointee.user
        switch method {
        case .exchangeDeclare(let declare):
            let isDurable = try self.declare(declare, channel)
            if !declare.noWait { write(ExchangeDeclareOk(), channel, isDurable: isDurable) }
        case .exchangeDelete(let delete):
            let isDurable = try changeTopology(host, by: user) { topology, changes throws(ProtocolError) in
                try topology.deleteExchange(delete.exchange, ifUnused: delete.ifUnused, by: access, changes: &changes)
            }
            if !delete.noWait { write(ExchangeDeleteOk(), channel, isDurable: isDurable) }
        case .exchangeBind(let bind):
            let isDurable = try changeTopology(host, by: user) { topology, changes throws(ProtocolError) in
                try topology.bind(
                    from: bind.source, to: .exchange(bind.destination), routingKey: bind.routingKey,
                    arguments: bind.arguments, by: connection, access, changes: &changes)
            }
            if !bind.noWait { write(ExchangeBindOk(), channel, isDurable: isDurable) }
        case .exchangeUnbind(let unbind):
            let isDurable = try changeTopology(host, by: user) { topology, changes throws(ProtocolError) in
                try topology.unbind(
                    from: unbind.source, to: .exchange(unbind.destination), routingKey: unbind.routingKey,
                    arguments: unbind.arguments, by: connection, access, changes: &changes)
            }
            if !unbind.noWait { write(ExchangeUnbindOk(), channel, isDurable: isDurable) }
        default: throw Self.unexpected(method)
        }
    }
}
