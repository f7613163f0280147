import AMQPWire
import Broker
import Testing

// The texts and types are those that RabbitMQ 3.10 with its plugin `rabbitmq_event_exchange` has sent.
@Suite struct EventExchangeTests {
    @Test func queuesAreAnnounced() {
        converse { broker in
            let listener = EventListener(broker, key: "queue.*")
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true, arguments: ["x-max-length": .int32(5)]))
            expect(
                listener.take(),
                [
                    ReceivedEvent(
                        "queue.created",
                        [
                            "name": .string("q"), "vhost": .string("/"), "durable": .bool(true),
                            "auto_delete": .bool(false), "exclusive": .bool(false), "owner_pid": .string(""),
                            "arguments": .array([.string("{<<\"x-max-length\">>,signedint,5}")]),
                            "user_who_performed_action": .string("guest"),
                        ])
                ])
            client.declare(QueueDeclare(queue: "own", exclusive: true))
            let created = listener.take().first
            #expect(created?.headers["exclusive"] == .bool(true))
            #expect(created?.headers["owner_pid"]?.text == client.address.processText)
            client.request(QueueDelete(queue: "q"), QueueDeleteOk())
            expect(
                listener.take(),
                [
                    ReceivedEvent(
                        "queue.deleted",
                        [
                            "name": .string("q"), "vhost": .string("/"),
                            "user_who_performed_action": .string("guest"),
                        ])
                ])
            // Nobody has asked for the end of an exclusive queue.
            client.close()
            #expect(listener.take().first?.headers["user_who_performed_action"]?.text == "rmq-internal")
        }
    }

    @Test func aQuorumQueueIsAnnouncedWithItsType() {
        converse { broker in
            let listener = EventListener(broker, key: "queue.created")
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", durable: true, arguments: ["x-queue-type": .string("quorum")]))
            #expect(listener.take().first?.headers["type"]?.text == "rabbit_quorum_queue")
        }
    }

    @Test func exchangesAndBindingsAreAnnounced() {
        converse { broker in
            let listener = EventListener(broker, key: "*.*")
            _ = listener.take()
            let client = broker.connect()
            let arguments: FieldTable = ["alternate-exchange": .string("amq.fanout")]
            client.request(
                ExchangeDeclare(exchange: "x", type: "topic", durable: true, arguments: arguments),
                ExchangeDeclareOk())
            client.declare(QueueDeclare(queue: "q"))
            client.request(
                QueueBind(queue: "q", exchange: "x", routingKey: "a.b", arguments: ["k": .string("v\"")]),
                QueueBindOk())
            client.request(
                ExchangeBind(destination: "x", source: "amq.topic", routingKey: "z"), ExchangeBindOk())
            let events = listener.take().filter { $0.key.hasPrefix("exchange") || $0.key.hasPrefix("binding") }
            func binding(
                _ source: String, _ destination: String, _ kind: String, _ key: String, _ arguments: [FieldValue] = []
            ) -> FieldTable {
                [
                    "source_name": .string(source), "source_kind": .string("exchange"),
                    "destination_name": .string(destination), "destination_kind": .string(kind),
                    "routing_key": .string(key), "arguments": .array(arguments), "vhost": .string("/"),
                    "user_who_performed_action": .string("guest"),
                ]
            }
            let boundQueue = binding("x", "q", "queue", "a.b", [.string(#"{<<"k">>,longstr,<<"v\"">>}"#)])
            expect(
                events,
                [
                    ReceivedEvent(
                        "exchange.created",
                        [
                            "name": .string("x"), "vhost": .string("/"), "type": .string("topic"),
                            "durable": .bool(true), "auto_delete": .bool(false), "internal": .bool(false),
                            "arguments": .array([.string(#"{<<"alternate-exchange">>,longstr,<<"amq.fanout">>}"#)]),
                            "policy": .string(""), "user_who_performed_action": .string("guest"),
                        ]),
                    ReceivedEvent("binding.created", boundQueue),
                    ReceivedEvent("binding.created", binding("amq.topic", "x", "exchange", "z")),
                ])
            client.request(
                QueueUnbind(queue: "q", exchange: "x", routingKey: "a.b", arguments: ["k": .string("v\"")]),
                QueueUnbindOk())
            expect(listener.take(), [ReceivedEvent("binding.deleted", boundQueue)])
        }
    }

    /// Its bindings end before it does, and nobody has asked for their end.
    @Test func theEndOfAQueueEndsItsBindings() {
        converse { broker in
            let listener = EventListener(broker, key: "*.deleted")
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.request(QueueBind(queue: "q", exchange: "amq.topic", routingKey: "k"), QueueBindOk())
            client.send(QueueDelete(queue: "q"))
            client.expect(BasicCancel(consumerTag: "c", noWait: true))
            client.expect(QueueDeleteOk())
            let events = listener.take()
            #expect(events.map(\.key) == ["consumer.deleted", "binding.deleted", "queue.deleted"])
            #expect(
                events.map { $0.headers["user_who_performed_action"]?.text } == ["guest", "rmq-internal", "guest"])
            client.request(ExchangeDeclare(exchange: "x", type: "fanout"), ExchangeDeclareOk())
            client.request(ExchangeBind(destination: "x", source: "amq.topic"), ExchangeBindOk())
            client.request(ExchangeDelete(exchange: "x"), ExchangeDeleteOk())
            #expect(listener.takeKeys() == ["binding.deleted x", "exchange.deleted x"])
        }
    }

    @Test func virtualHostsAreAnnounced() throws {
        try converse { broker in
            let listener = EventListener(broker, key: "#")
            _ = listener.take()
            let plane = broker.controlPlane
            var metadata = VirtualHostMetadata()
            metadata.description = "d"
            metadata.tags = ["a"]
            try ControlPlane.$actingUser.withValue("ann") { _ = try plane.addVirtualHost("v", metadata) }
            broker.advance(milliseconds: 250)
            let created = listener.take()
            #expect(created.count == 8, "its exchanges, then itself")
            expect(
                Array(created.suffix(1)),
                [
                    ReceivedEvent(
                        "vhost.created",
                        [
                            "name": .string("v"), "description": .string("d"), "tags": .array([.string("a")]),
                            "tracing": .bool(false), "default_queue_type": .string("undefined"),
                            "user_who_performed_action": .string("ann"),
                        ])
                ])
            metadata.maxQueues = 5
            try plane.setMetadata(metadata, ofVirtualHost: "v")
            metadata.description = "e"
            try plane.setMetadata(metadata, ofVirtualHost: "v")
            metadata.maxQueues = nil
            try plane.setMetadata(metadata, ofVirtualHost: "v")
            broker.advance(milliseconds: 250)
            let changed = listener.take()
            #expect(
                changed.map(\.key) == [
                    "parameter.set", "vhost.limits.set", "vhost.updated", "parameter.cleared", "vhost.limits.cleared",
                ])
            #expect(changed.dropFirst().first?.headers["max-queues"] == .int64(5))
            try plane.deleteVirtualHost("v")
            broker.advance(milliseconds: 250)
            let ended = listener.take().map(\.key)
            #expect(ended.filter { $0 == "exchange.deleted" }.count == 7)
            #expect(ended.last == "vhost.deleted")
        }
    }

    @Test func policiesAndPermissionsAreAnnounced() throws {
        try converse { broker in
            let listener = EventListener(broker, key: "#")
            let plane = broker.controlPlane
            try plane.addVirtualHost("v")
            try plane.putUser(UserRecord(name: "ann"))
            broker.advance(milliseconds: 250)
            _ = listener.take()
            try plane.setPermissions(
                Permissions(configure: "c", write: "w", read: "r"), user: "ann", virtualHost: "v")
            let policy = Policy(
                name: "p", pattern: "^x", target: .queues, priority: 2, definition: ["max-length": .int32(5)])
            try plane.setPolicy(policy, virtualHost: "v")
            try plane.clearPolicy("p", virtualHost: "v")
            try plane.setPolicy(policy, isOperator: true, virtualHost: "v")
            try plane.clearPolicy("p", isOperator: true, virtualHost: "v")
            broker.advance(milliseconds: 250)
            let events = listener.take()
            #expect(
                events.map(\.key) == [
                    "permission.created", "policy.set", "policy.cleared", "parameter.set", "policy.set",
                    "parameter.cleared", "operator.policy.cleared",
                ])
            expect(
                Array(events.prefix(2)),
                [
                    ReceivedEvent(
                        "permission.created",
                        [
                            "user": .string("ann"), "vhost": .string("v"), "configure": .string("c"),
                            "write": .string("w"), "read": .string("r"),
                            "user_who_performed_action": .string("rmq-internal"),
                        ]),
                    ReceivedEvent(
                        "policy.set",
                        [
                            "name": .string("p"), "vhost": .string("v"), "pattern": .string("^x"),
                            "apply-to": .string("queues"), "priority": .int64(2),
                            "definition": .table(["max-length": .int64(5)]),
                            "user_who_performed_action": .string("rmq-internal"),
                        ]),
                ])
            try plane.deleteVirtualHost("v")
            broker.advance(milliseconds: 250)
            let ended = listener.take().map(\.key)
            #expect(ended.suffix(2) == ["permission.deleted", "vhost.deleted"])
        }
    }
}

// How they come.
extension EventExchangeTests {
    @Test func nobodyIsToldBeforeABindingAndAfterItsEnd() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "early"))
            let listener = EventListener(broker, key: "queue.#")
            #expect(listener.takeKeys().isEmpty)
            listener.client.request(
                QueueUnbind(queue: "events", exchange: "amq.rabbitmq.event", routingKey: "queue.#"),
                QueueUnbindOk())
            client.declare(QueueDeclare(queue: "late"))
            #expect(listener.takeKeys().isEmpty)
        }
    }

    @Test func eventsOfAllShardsHaveOneOrder() {
        converse(shards: 3) { broker in
            let listener = EventListener(broker, shard: 2, key: "queue.#")
            let first = broker.connect(shard: 1)
            let second = broker.connect(shard: 2)
            for _ in 0..<20 {
                first.declare(QueueDeclare(queue: "q"))
                second.request(QueueDelete(queue: "q"), QueueDeleteOk())
            }
            #expect(
                listener.takeKeys() == (0..<20).flatMap { _ in ["queue.created q", "queue.deleted q"] })
        }
    }

    @Test func eventsWaitInADurableQueue() {
        let killed = KilledBroker()
        killed.live { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "events", durable: true))
            client.request(
                QueueBind(queue: "events", exchange: "amq.rabbitmq.event", routingKey: "queue.*"), QueueBindOk())
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.endSocket()
        }
        killed.live { broker in
            let client = broker.connect()
            // Bound again by now: recovery is no news, what comes then is.
            client.declare(QueueDeclare(queue: "another"))
            client.get(
                "events", expecting: "", tag: 1, messageCount: 1, exchange: "amq.rabbitmq.event",
                routingKey: "queue.created", noAck: true)
            client.get(
                "events", expecting: "", tag: 2, exchange: "amq.rabbitmq.event", routingKey: "queue.created",
                noAck: true)
            client.endSocket()
        }
    }

    @Test func theExchangeIsInTheVirtualHostThatIsConfigured() throws {
        let plane = ControlPlane(shardCount: 1, virtualHost: "/", eventVirtualHost: "audit")
        plane.beginJournaling()
        #expect(plane.virtualHosts.map(\.name) == ["/", "audit"])
        try plane.deleteVirtualHost("audit")
        try plane.addVirtualHost("audit")
        #expect(plane.virtualHosts.map(\.name) == ["/", "audit"])
    }

    @Test func clientsDoNotPublishToIt() {
        converse { broker in
            let client = broker.connect()
            client.publish("forged", exchange: "amq.rabbitmq.event", routingKey: "queue.created")
            client.expectChannelClose(
                403,
                "ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.event' in vhost '/'",
                of: BasicPublish.self)
            client.send(ExchangeDelete(exchange: "amq.rabbitmq.event"))
            client.expectChannelClose(
                403,
                "ACCESS_REFUSED - deletion of system exchange 'amq.rabbitmq.event' in vhost '/' not allowed",
                of: ExchangeDelete.self)
        }
    }

    /// Its end ends the events with it, and a new one has its exchange again.
    @Test func theEndOfItsVirtualHostIsNotAnnouncedToNobody() throws {
        try converse { broker in
            let listener = EventListener(broker, key: "#")
            _ = listener.take()
            try broker.controlPlane.deleteVirtualHost("/")
            broker.advance(milliseconds: 250)
            listener.client.send(ConnectionCloseOk(), channel: 0)
            _ = listener.client.takeAll()
            try broker.controlPlane.addVirtualHost("/", creator: "guest")
            broker.advance(milliseconds: 250)
            let again = EventListener(broker, key: "queue.*")
            broker.connect().declare(QueueDeclare(queue: "own", exclusive: true))
            #expect(again.takeKeys() == ["queue.created own"])
        }
    }
}
