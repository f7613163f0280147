import AMQPWire
import Broker
import Testing

/// What RabbitMQ's quorum queues refuse and promise, as far as one node can.
@Suite struct QuorumQueueTests {
    private static let quorum: FieldTable = ["x-queue-type": .string("quorum")]

    private func declare(
        _ name: ShortString = "q", durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false,
        _ arguments: FieldTable = FieldTable()
    ) -> QueueDeclare {
        QueueDeclare(
            queue: name, durable: durable, exclusive: exclusive, autoDelete: autoDelete,
            arguments: FieldTable(Self.quorum.entries + arguments.entries))
    }

    private func expectRefused(_ declare: QueueDeclare, _ text: String) {
        converse { broker in
            let client = broker.connect()
            client.send(declare)
            client.expectChannelClose(406, "PRECONDITION_FAILED - \(text)", of: QueueDeclare.self)
        }
    }

    @Test func itIsDurableAndForEverybody() {
        expectRefused(declare(durable: false), "invalid property 'non-durable' for queue 'q' in vhost '/'")
        expectRefused(declare(exclusive: true), "invalid property 'exclusive-owner' for queue 'q' in vhost '/'")
        expectRefused(declare(autoDelete: true), "invalid property 'auto-delete' for queue 'q' in vhost '/'")
    }

    @Test func itHasAName() {
        expectRefused(declare(""), "Cannot declare a server-named queue for type rabbit_quorum_queue")
    }

    @Test func itTakesNoArgumentsOfOtherTypes() {
        expectRefused(
            declare("q", ["x-queue-mode": .string("lazy")]),
            "invalid arg 'x-queue-mode' for queue 'q' in vhost '/' of queue type rabbit_quorum_queue")
    }

    @Test func itIsDeletedWithoutConditions() {
        converse { broker in
            let client = broker.connect()
            client.declare(declare())
            client.send(QueueDelete(queue: "q", ifUnused: true))
            client.expectClose(
                540,
                "NOT_IMPLEMENTED - cannot delete queue 'q' in vhost '/'. queue.delete operations with if-unused flag "
                    + "set are not supported by quorum queues", of: QueueDelete.self)
            let another = broker.connect()
            another.send(QueueDelete(queue: "q", ifEmpty: true))
            another.expectClose(
                540,
                "NOT_IMPLEMENTED - cannot delete queue 'q' in vhost '/'. queue.delete operations with if-empty flag "
                    + "set are not supported by quorum queues", of: QueueDelete.self)
        }
    }

    @Test(arguments: [0, 1])
    func itHasNoChannelWideLimit(shard: Int) {
        converse(shards: 2) { broker in
            broker.connect().declare(declare())
            let client = broker.connect(shard: shard)
            client.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            client.send(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectClose(
                540, "NOT_IMPLEMENTED - queue 'q' in vhost '/' does not support global qos", of: BasicConsume.self)
        }
    }

    @Test func basicGetIsRefusedWithSingleActiveConsumer() {
        converse { broker in
            let client = broker.connect()
            client.declare(declare("q", ["x-single-active-consumer": .bool(true)]))
            client.send(BasicGet(queue: "q"))
            client.expectChannelClose(
                405,
                "RESOURCE_LOCKED - cannot obtain access to locked queue 'q' in vhost '/'. basic.get operations are not "
                    + "supported by quorum queues with single active consumer", of: BasicGet.self)
        }
    }

    @Test func aTransientMessageIsStoredAndConfirmedAfterTheSync() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: Self.quorum)
            client.publish("one", routingKey: "q")
            client.expectNothing()
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: one"])
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 1))
        }
    }

    @Test func aTransientMessageElsewhereIsNotStored() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue(arguments: Self.quorum)
            _ = broker.durableQueue("classic")
            client.publish("one", routingKey: "classic")
            client.expect(BasicAck(deliveryTag: 1))
            client.publish("two", routingKey: "q")
            client.publish("three", routingKey: "classic")
            client.publish("four", routingKey: "nowhere")
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: two"])
            broker.syncJournal()
            client.expect(BasicAck(deliveryTag: 4, multiple: true))
        }
    }

    @Test func aDeadTransientMessageIsStored() {
        converseWithJournal(pace: .onDemand) { broker, journal in
            let client = broker.durableQueue("dead", arguments: Self.quorum, confirms: false)
            client.declare(
                QueueDeclare(
                    queue: "source",
                    arguments: [
                        "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string("dead"),
                    ]))
            client.publish("one", routingKey: "source")
            client.get("source", expecting: "one", tag: 1)
            client.send(BasicReject(deliveryTag: 1, requeue: false))
            #expect(journal.takeRecords(0) == ["message 0:1 of [1]: one"])
        }
    }

    /// RabbitMQ warns, and goes on.
    @Test func whatDoesNotHoldIsInTheLog() throws {
        try converse { broker in
            let client = broker.connect()
            client.declare(declare("q", ["x-overflow": .string("reject-publish-dlx")]))
            client.declare(declare("q", ["x-overflow": .string("reject-publish-dlx")]))
            let overflow = "queue 'q' in vhost '/' is a quorum queue: overflow 'reject-publish-dlx'"
            broker.expectNote(.warning, containing: overflow)
            #expect(broker.notes.count { $0.text.contains(overflow) } == 1)
            client.declare(declare("lonely", ["x-dead-letter-strategy": .string("at-least-once")]))
            broker.expectNote(.warning, containing: "queue 'lonely' in vhost '/': dead-letter strategy")
            let deadLettering: FieldTable = [
                "x-dead-letter-exchange": .string("amq.fanout"), "x-overflow": .string("reject-publish"),
                "x-dead-letter-strategy": .string("at-least-once"),
            ]
            client.declare(declare("good", deadLettering))
            client.declare(declare("plain", ["x-dead-letter-strategy": .string("at-most-once")]))
            #expect(!broker.notes.contains { $0.text.contains("'good'") || $0.text.contains("'plain'") })
            let policy = Policy(
                name: "p", pattern: "plain", target: .all, priority: 0,
                definition: ["overflow": .string("reject-publish-dlx")])
            try broker.controlPlane.setPolicy(policy, virtualHost: "/")
            client.publish("x", routingKey: "plain")
            broker.expectNote(.warning, containing: "queue 'plain' in vhost '/' is a quorum queue")
        }
    }

    @Test func theDefaultTypeIsForDurableQueuesWithoutOne() {
        var settings = BrokerSettings()
        settings.defaultQueueType = .quorum
        converse(settings: settings) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.declare(declare())
            client.declare(QueueDeclare(queue: "transient"))
            client.declare(QueueDeclare(queue: "mine", durable: true, exclusive: true))
            client.declare(QueueDeclare(queue: "passing", durable: true, autoDelete: true))
            client.declare(
                QueueDeclare(queue: "classic", durable: true, arguments: ["x-queue-type": .string("classic")]))
            client.send(QueueDeclare(queue: "classic", durable: true))
            client.expectChannelClose(
                406,
                "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'classic' in vhost '/': received "
                    + "'quorum' but current is 'classic'", of: QueueDeclare.self)
            client.send(QueueDelete(queue: "q", ifEmpty: true))
            _ = client.expect(ConnectionClose.self, channel: 0)
        }
    }
}
