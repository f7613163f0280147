import AMQPWire
import Testing

@testable import Broker

/// What an operator does over the management interface uses up no limit of its user, and frees none.
@Suite struct DirectConnectionUsageTests {
    @Test func aDirectConnectionCountsForNoLimit() throws {
        try converse { broker in
            broker.addUser("u", limits: UserLimits(maxConnections: 1, maxChannels: 1))
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setVirtualHostLimit(.maxConnections, to: 2, virtualHost: "/")
            }
            let client = broker.connect(user: "u")
            let shard = broker.shards[0]
            let peer = Peer(name: "direct", isLoopback: true)
            for _ in 0..<3 {
                let direct = try shard.openDirectConnection(peer, user: "u", virtualHost: "/")
                let frame = written { ChannelOpen().writeFrame(channel: ShardState.directChannelNumber, to: &$0) }
                frame.withUnsafeBytes { shard.receive(direct, $0) }
                let counted = broker.controlPlane.usage(of: "u")
                #expect(counted.connectionCount == 1)
                #expect(counted.channelCount == 1)
                shard.closeDirectConnection(direct)
                broker.settle()
            }
            client.close()
            let counted = broker.controlPlane.usage(of: "u")
            #expect(counted.connectionCount == 0)
            #expect(counted.channelCount == 0)
            broker.connect(user: "u").declare(QueueDeclare(queue: "q"))
            _ = broker.connect()
            broker.administer { controlPlane throws(AdministrationError) in
                try controlPlane.setVirtualHostLimit(.maxConnections, to: nil, virtualHost: "/")
            }
        }
    }
}

extension ControlPlane {
    fileprivate func usage(of user: ShortString) -> UserUsage {
        let usage = try? withTopology { $0.usage[user] }
        return (usage ?? nil) ?? UserUsage()
    }
}
