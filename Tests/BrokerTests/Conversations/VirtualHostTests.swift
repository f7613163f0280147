import AMQPWire
import Testing

@testable import Broker

/// Row "vhosts": worlds of their own, made and ended while the node runs.
@Suite struct VirtualHostTests {
    private func metadata(_ change: (inout VirtualHostMetadata) -> Void) -> VirtualHostMetadata {
        var metadata = VirtualHostMetadata()
        change(&metadata)
        return metadata
    }

    private func addVirtualHost(
        _ broker: Conversation, _ metadata: VirtualHostMetadata = VirtualHostMetadata()
    ) {
        #expect(throws: Never.self) { try broker.controlPlane.addVirtualHost("v", metadata, creator: "guest") }
    }

    private func deleteVirtualHost(_ broker: Conversation) {
        #expect(throws: Never.self) { try broker.controlPlane.deleteVirtualHost("v") }
        broker.advance(milliseconds: 1000)
    }

    @Test func aVirtualHostHasExchangesAndQueuesOfItsOwn() {
        converse(shards: 2) { broker in
            addVirtualHost(broker)
            let there = broker.connect(shard: 1, virtualHost: "v")
            let here = broker.connect()
            for client in [here, there] { client.declare(QueueDeclare(queue: "q")) }
            for name in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "amq.match"] as [ShortString] {
                there.request(ExchangeDeclare(exchange: name, type: "", passive: true), ExchangeDeclareOk())
            }
            there.publish("there", routingKey: "q")
            there.get(expecting: "there", tag: 1)
            here.send(BasicGet(queue: "q"))
            here.expect(BasicGetEmpty())
            there.request(ExchangeDeclare(exchange: "x", type: "fanout"), ExchangeDeclareOk())
            here.send(ExchangeDeclare(exchange: "x", type: "", passive: true))
            here.expectChannelClose(
                404, "NOT_FOUND - no exchange 'x' in vhost '/'", of: ExchangeDeclare.self)
            there.send(QueueDeclare(queue: "none", passive: true))
            there.expectChannelClose(404, "NOT_FOUND - no queue 'none' in vhost 'v'", of: QueueDeclare.self)
            there.close()
            deleteVirtualHost(broker)
        }
    }

    @Test func deletingItClosesItsConnectionsAndEndsItsQueues() {
        converse(shards: 2) { broker in
            addVirtualHost(broker)
            let here = broker.connect(shard: 1)
            here.declare(QueueDeclare(queue: "q"))
            here.publish("kept", routingKey: "q")
            let owner = broker.connect(shard: 0, virtualHost: "v")
            owner.declare(QueueDeclare(queue: "q", durable: true))
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            owner.request(
                ExchangeDeclare(
                    exchange: "delayed", type: "x-delayed-message", durable: true,
                    arguments: ["x-delayed-type": .string("fanout")]),
                ExchangeDeclareOk())
            let other = broker.connect(shard: 1, virtualHost: "v")
            other.consume(BasicConsume(queue: "q", consumerTag: "c"))
            other.publish("one", routingKey: "q")
            other.expectDeliver("one", tag: 1)
            deleteVirtualHost(broker)
            // The queue's shard was first to hear of it.
            other.expect(BasicCancel(consumerTag: "c", noWait: true))
            for client in [owner, other] {
                client.expectClose(320, "CONNECTION_FORCED - vhost 'v' is deleted")
            }
            #expect(broker.shards.map(\.inspection.queueCount).reduce(0, +) == 1)
            here.get(expecting: "kept", tag: 1, noAck: true)
            let late = broker.accept()
            late.logIn()
            late.send(ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0), channel: 0)
            late.send(ConnectionOpen(virtualHost: "v"), channel: 0)
            late.expectClose(530, "NOT_ALLOWED - vhost v not found", of: ConnectionOpen.self)
        }
    }

    /// The second one of that name is another world.
    @Test func whatIsMadeAgainIsEmpty() {
        converse { broker in
            for _ in 0..<2 {
                addVirtualHost(broker)
                let client = broker.connect(virtualHost: "v")
                client.send(QueueDeclare(queue: "q", passive: true))
                client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost 'v'", of: QueueDeclare.self)
                client.declare(QueueDeclare(queue: "q"))
                deleteVirtualHost(broker)
                client.expectClose(320, "CONNECTION_FORCED - vhost 'v' is deleted")
            }
        }
    }

    /// A shard may not have heard of the end yet when its clients go on.
    @Test func nothingIsDeclaredInWhatIsDeleted() {
        converse { broker in
            addVirtualHost(broker)
            let client = broker.connect(virtualHost: "v")
            // Nothing wakes the shard before the client's next frame.
            #expect(throws: Never.self) { try broker.controlPlane.deleteVirtualHost("v") }
            client.send(QueueDeclare(queue: "q"))
            client.expectCloseOnly(320, "CONNECTION_FORCED - vhost 'v' is deleted", of: QueueDeclare.self)
            client.send(ConnectionCloseOk(), channel: 0)
            #expect(broker.shards[0].inspection.queueCount == 0)
        }
    }

    @Test func itsConnectionsAreLimited() {
        converse { broker in
            addVirtualHost(broker, metadata { $0.maxConnections = 1 })
            let first = broker.connect(virtualHost: "v")
            func open() -> ConversationClient {
                let client = broker.accept()
                client.logIn()
                client.send(ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0), channel: 0)
                client.send(ConnectionOpen(virtualHost: "v"), channel: 0)
                return client
            }
            open().expectClose(
                530, "NOT_ALLOWED - access to vhost 'v' refused for user 'guest': connection limit (1) is reached",
                of: ConnectionOpen.self)
            first.close()
            let second = open()
            second.expect(ConnectionOpenOk(), channel: 0)
            second.endSocket()
            open().expect(ConnectionOpenOk(), channel: 0)
        }
    }

    @Test func itsQueuesAreLimited() {
        converse { broker in
            addVirtualHost(broker, metadata { $0.maxQueues = 1 })
            let client = broker.connect(virtualHost: "v")
            client.declare(QueueDeclare(queue: "q"))
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueDeclare(queue: "r"))
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - cannot declare queue 'r': queue limit in vhost 'v' (1) is reached",
                of: QueueDeclare.self)
            client.request(QueueDelete(queue: "q"), QueueDeleteOk())
            client.declare(QueueDeclare(queue: "r"))
            client.close()
            deleteVirtualHost(broker)
        }
    }

    @Test func itHasADefaultQueueType() {
        converse { broker in
            addVirtualHost(broker, metadata { $0.defaultQueueType = .quorum })
            let client = broker.connect(virtualHost: "v")
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.declare(QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            client.close()
            deleteVirtualHost(broker)
        }
    }

    @Test func virtualHostsAreListedAndChanged() throws {
        let controlPlane = ControlPlane(shardCount: 1, virtualHost: "/")
        let described = metadata {
            $0.description = "for tests"
            $0.tags = ["one", "two"]
        }
        #expect(try controlPlane.addVirtualHost("v", described))
        #expect(try !controlPlane.addVirtualHost("v", described))
        #expect(controlPlane.virtualHosts.map(\.name) == ["/", "v"])
        #expect(controlPlane.virtualHosts.map(\.metadata) == [VirtualHostMetadata(), described])
        let traced = metadata { $0.isTracing = true }
        try controlPlane.setMetadata(traced, ofVirtualHost: "v")
        #expect(controlPlane.virtualHosts.last?.metadata == traced)
        #expect(throws: AdministrationError.notFound("vhost 'w' not found")) {
            try controlPlane.setMetadata(traced, ofVirtualHost: "w")
        }
        #expect(throws: AdministrationError.notFound("vhost 'w' not found")) {
            try controlPlane.deleteVirtualHost("w")
        }
        #expect(throws: AdministrationError.self) { try controlPlane.addVirtualHost("") }
    }

    @Test func virtualHostsAreJournaledAndRecovered() throws {
        let journal = DrivenJournal(shardCount: 1, pace: .onDemand)
        let before = Conversation(shards: 1, settings: BrokerSettings(), journal: journal)
        var snapshot: [UInt8]?
        journal.onTake = { _, records in
            for case .stateSnapshot(let bytes) in records { snapshot = bytes }
        }
        let described = metadata {
            $0.description = "kept"
            $0.defaultQueueType = .quorum
            $0.maxQueues = 7
        }
        try before.controlPlane.addVirtualHost("kept", described)
        try before.controlPlane.addVirtualHost("v", creator: "guest")
        let client = before.connect(virtualHost: "v")
        client.declare(QueueDeclare(queue: "q", durable: true))
        client.close()
        deleteVirtualHost(before)
        try before.controlPlane.deleteVirtualHost("/")
        before.settle()
        #expect(
            journal.takeStateRecords() == [
                "virtual host kept", "virtual host kept: kept", "virtual host v", "virtual host /", "user guest",
                "permissions of guest in /", "permissions of guest in v", "queue q is 1",
                "no virtual host v", "removed 1", "no virtual host /",
            ])
        before.controlPlane.appendSnapshot()
        before.settle()
        let topology = try DurableTopology(snapshot: snapshot, changes: [])
        #expect(Set(topology.virtualHosts.keys) == ["kept"])
        #expect(topology.nextJournalNumber == 2)
        before.end(sourceLocation: #_sourceLocation)
        let after = ControlPlane(shardCount: 1, virtualHost: "/")
        #expect(after.recover(topology, shards: []).problems == [])
        #expect(after.virtualHosts.map(\.name) == ["kept"])
        #expect(after.virtualHosts.first?.metadata == described)
    }
}
