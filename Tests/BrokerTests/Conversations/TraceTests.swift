import AMQPWire
import Broker
import Testing

// The contents are those that RabbitMQ 3.10 has sent for the same steps.
@Suite struct TraceTests {
    private func setTracing(_ isTracing: Bool, _ broker: Conversation) {
        do throws(AdministrationError) {
            var metadata = VirtualHostMetadata()
            metadata.isTracing = isTracing
            try broker.controlPlane.setMetadata(metadata, ofVirtualHost: "/")
        } catch {
            Issue.record("\(error)")
        }
        broker.advance(milliseconds: 250)
    }

    /// A client that consumes all traces.
    private func listener(_ broker: Conversation, shard: Int = 0) -> ConversationClient {
        let client = broker.connect(shard: shard)
        client.declare(QueueDeclare(queue: "traces", exclusive: true))
        client.request(
            QueueBind(queue: "traces", exchange: "amq.rabbitmq.trace", routingKey: "#"), QueueBindOk())
        client.consume(BasicConsume(queue: "traces", consumerTag: "traces", noAck: true))
        return client
    }

    private struct Trace {
        let key: String
        let body: String
        let headers: FieldTable
    }

    private func take(_ client: ConversationClient) -> [Trace] {
        client.takeAll().compactMap { received in
            guard case .method(.basicDeliver(let deliver), 1, let content?) = received else {
                Issue.record("no trace: \(received)")
                return nil
            }
            #expect(deliver.exchange == "amq.rabbitmq.trace")
            return Trace(
                key: "\(deliver.routingKey)", body: String(decoding: content.body, as: UTF8.self),
                headers: content.properties.headers ?? FieldTable())
        }
    }

    private func sorted(_ table: FieldTable) -> FieldTable {
        FieldTable(table.entries.sorted { $0.name < $1.name })
    }

    @Test func publishesAndDeliveriesAreTraced() {
        converse { broker in
            let traces = listener(broker)
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("before", routingKey: "q")
            client.get(expecting: "before", tag: 1, noAck: true)
            #expect(take(traces).isEmpty)
            setTracing(true, broker)
            var properties = BasicProperties()
            properties.contentType = "text/plain"
            properties.priority = 3
            properties.timestamp = 1 << 40
            properties.headers = ["h": .int64(1)]
            client.publish("one", routingKey: "q", properties: properties)
            client.get(expecting: "one", tag: 2)
            let both = take(traces)
            #expect(both.map(\.key) == ["publish.", "deliver.q"])
            #expect(both.map(\.body) == ["one", "one"])
            var expected: FieldTable = [
                "exchange_name": .string(""), "routing_keys": .array([.string("q")]),
                "properties": .table([
                    "content_type": .string("text/plain"), "headers": .table(["h": .int64(1)]),
                    "priority": .int32(3), "timestamp": .int64(1 << 40),
                ]),
                "node": .string("leveret@localhost"), "vhost": .string("/"), "connection": .string(client.name),
                "channel": .int32(1), "user": .string("guest"), "routed_queues": .array([.string("q")]),
            ]
            #expect(both.first.map { sorted($0.headers) } == sorted(expected))
            expected["routed_queues"] = nil
            expected["redelivered"] = .int32(0)
            #expect(both.last.map { sorted($0.headers) } == sorted(expected))
            // Once more, the same route as before.
            client.send(BasicNack(deliveryTag: 2, requeue: true))
            client.get(expecting: "one", tag: 3, redelivered: true, noAck: true)
            #expect(take(traces).last?.headers["redelivered"] == .int32(1))
            setTracing(false, broker)
            client.publish("after", routingKey: "q")
            client.get(expecting: "after", tag: 4, noAck: true)
            #expect(take(traces).isEmpty)
        }
    }

    @Test func whatIsUnroutableIsTracedToo() {
        converse { broker in
            let traces = listener(broker)
            setTracing(true, broker)
            let client = broker.connect()
            client.publish("1", exchange: "amq.direct", routingKey: "nobody", mandatory: true)
            client.expectReturn("1", exchange: "amq.direct", routingKey: "nobody")
            let trace = take(traces).first
            #expect(trace?.key == "publish.amq.direct")
            #expect(trace?.headers["routed_queues"] == .array([]))
        }
    }

    /// A consumer of another shard's queue, and channels that were there before.
    @Test func allShardsTrace() {
        converse(shards: 2) { broker in
            let traces = listener(broker)
            let client = broker.connect(shard: 1)
            client.declare(QueueDeclare(queue: "q"))
            let consumer = broker.connect(shard: 0)
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            setTracing(true, broker)
            client.publish("1", exchange: "amq.fanout", routingKey: "k")
            client.publish("2", routingKey: "q")
            client.publish("3", routingKey: "q")
            consumer.expectDeliver("2", tag: 1)
            consumer.expectDeliver("3", tag: 2)
            let keys = take(traces).map { "\($0.key) \($0.body)" }
            #expect(keys.filter { $0.hasPrefix("publish") } == ["publish.amq.fanout 1", "publish. 2", "publish. 3"])
            #expect(keys.filter { $0.hasPrefix("deliver") } == ["deliver.q 2", "deliver.q 3"])
        }
    }

    @Test func furtherKeysAreShownAndBlindCopiesHidden() {
        converse { broker in
            let traces = listener(broker)
            setTracing(true, broker)
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            var properties = BasicProperties()
            properties.headers = ["BCC": .array([.string("q")])]
            client.publish("1", routingKey: "none", properties: properties)
            client.get("q", expecting: "1", tag: 1, routingKey: "none", noAck: true)
            for trace in take(traces) {
                #expect(trace.headers["routing_keys"] == .array([.string("none"), .string("q")]))
                #expect(trace.headers["properties"] == .table(["headers": .table([:])]))
            }
        }
    }

    /// A queue that gets the traces of its own deliveries does not fill itself.
    @Test func tracesAreNotTraced() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", exclusive: true))
            client.request(
                QueueBind(queue: "q", exchange: "amq.rabbitmq.trace", routingKey: "#"), QueueBindOk())
            setTracing(true, broker)
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            client.publish("1", routingKey: "q")
            let received = client.takeAll()
            #expect(received.count == 3, "the message, and the traces of publishing and of delivering it")
        }
    }

    @Test func tracingSurvivesARestart() {
        let killed = KilledBroker()
        killed.live { setTracing(true, $0) }
        killed.live { broker in
            let traces = listener(broker)
            let client = broker.connect()
            client.publish("1", exchange: "amq.fanout", routingKey: "k")
            #expect(take(traces).map(\.key) == ["publish.amq.fanout"])
        }
    }

    /// Names that together are longer than a routing key can be.
    @Test func longNamesAreCut() {
        converse { broker in
            let traces = listener(broker)
            setTracing(true, broker)
            let client = broker.connect()
            let name = ShortString(truncating: String(repeating: "q", count: 255))
            client.declare(QueueDeclare(queue: name))
            client.publish("1", routingKey: name)
            client.get(name, expecting: "1", tag: 1, noAck: true)
            #expect(take(traces).last?.key.utf8.count == 255)
        }
    }
}
