import AMQPWire
import Testing

@testable import Broker

/// Limits of the node as a whole: `connection_max`, `channel_max_per_node` and the like.
@Suite struct NodeLimitTests {
    private func settings(_ set: (inout NodeLimits) -> Void) -> BrokerSettings {
        var settings = BrokerSettings()
        set(&settings.limits)
        return settings
    }

    @Test func connectionsOfTheNodeAreLimited() throws {
        try converse(shards: 2, settings: settings { $0.connections = 2 }) { broker in
            try broker.controlPlane.addVirtualHost("other", creator: "guest")
            let first = broker.connect()
            _ = broker.connect(shard: 1, virtualHost: "other")
            let third = broker.accept()
            third.logIn()
            third.send(ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0), channel: 0)
            third.send(ConnectionOpen(virtualHost: "/"), channel: 0)
            third.expectClose(
                530, "NOT_ALLOWED - connection refused: node connection limit (2) is reached", of: ConnectionOpen.self)
            first.close()
            _ = broker.connect(shard: 1)
        }
    }

    @Test func channelsOfTheNodeAreLimited() {
        converse(shards: 2, settings: settings { $0.channels = 3 }) { broker in
            broker.addUser("u")
            let first = broker.connect()
            let second = broker.connect(shard: 1, user: "u")
            second.openChannel(2)
            second.send(ChannelOpen(), channel: 3)
            second.expectClose(
                530,
                "NOT_ALLOWED - number of channels opened on node 'leveret@localhost' has reached the maximum allowed "
                    + "limit of 3")
            // With its connection both of its channels are gone.
            first.openChannel(2)
            first.openChannel(3)
        }
    }

    @Test func consumersOfAChannelAreLimited() {
        converse(settings: settings { $0.consumersPerChannel = 2 }) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "a"))
            client.consume(BasicConsume(queue: "q", consumerTag: "b"))
            client.openChannel(2)
            client.consume(BasicConsume(queue: "q", consumerTag: "c"), channel: 2)
            client.send(BasicConsume(queue: "q", consumerTag: "d"))
            client.expectClose(
                530, "NOT_ALLOWED - reached maximum (2) of consumers per channel", of: BasicConsume.self)
        }
    }

    @Test func queuesOfTheNodeAreLimited() throws {
        try converse(shards: 2, settings: settings { $0.queues = 2 }) { broker in
            try broker.controlPlane.addVirtualHost("other", creator: "guest")
            let client = broker.connect()
            let other = broker.connect(shard: 1, virtualHost: "other")
            client.declare(QueueDeclare(queue: "q"))
            other.declare(QueueDeclare(queue: "q"))
            client.send(QueueDeclare(queue: "r"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - cannot declare queue 'r': queue limit in cluster (2) is reached",
                of: QueueDeclare.self)
            // What is there may be declared again, and room may come.
            client.declare(QueueDeclare(queue: "q"))
            other.request(QueueDelete(queue: "q"), QueueDeleteOk(messageCount: 0))
            client.declare(QueueDeclare(queue: "r"))
        }
    }

    @Test func exchangesOfTheNodeAreLimited() {
        let predeclared = 8
        converse(settings: settings { $0.exchanges = predeclared + 1 }) { broker in
            let client = broker.connect()
            let declare = ExchangeDeclare(exchange: "x", type: "fanout")
            client.request(declare, ExchangeDeclareOk())
            client.send(ExchangeDeclare(exchange: "y", type: "fanout"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - cannot declare exchange 'y' in vhost '/': exchange limit of 9 is reached",
                of: ExchangeDeclare.self)
            client.request(declare, ExchangeDeclareOk())
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
        }
    }

    @Test func virtualHostsOfTheNodeAreLimited() throws {
        try converse(settings: settings { $0.virtualHosts = 2 }) { broker in
            try broker.controlPlane.addVirtualHost("a")
            #expect(throws: AdministrationError.invalid("cannot create vhost 'b': vhost limit of 2 is reached")) {
                try broker.controlPlane.addVirtualHost("b")
            }
            // What is said of one that is there may change.
            #expect(try !broker.controlPlane.addVirtualHost("a"))
            try broker.controlPlane.deleteVirtualHost("a")
            #expect(try broker.controlPlane.addVirtualHost("b"))
        }
    }
}
