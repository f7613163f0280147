import AMQPWire
import Broker
import Testing

/// An event as a client got it.
struct ReceivedEvent: Equatable {
    let key: ShortString
    var headers: FieldTable

    init(_ key: ShortString, _ headers: FieldTable) {
        self.key = key
        self.headers = headers
    }
}

/// A client that is bound to `amq.rabbitmq.event` and consumes what comes.
struct EventListener {
    let client: ConversationClient

    init(
        _ broker: Conversation, shard: Int = 0, key: ShortString = "#", exchange: ShortString = "amq.rabbitmq.event",
        queue: QueueDeclare = QueueDeclare(queue: "events", exclusive: true),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        client = broker.connect(shard: shard, sourceLocation: sourceLocation)
        client.declare(queue, sourceLocation: sourceLocation)
        client.request(
            QueueBind(queue: queue.queue, exchange: exchange, routingKey: key), QueueBindOk(),
            sourceLocation: sourceLocation)
        client.send(BasicConsume(queue: queue.queue, consumerTag: "events", noAck: true))
        client.expect(BasicConsumeOk(consumerTag: "events"), sourceLocation: sourceLocation)
    }

    /// What has come since the last time. The time is left out; everything else of the message's form is checked.
    func take(sourceLocation: SourceLocation = #_sourceLocation) -> [ReceivedEvent] {
        client.takeAll().compactMap { received in
            guard case .method(.basicDeliver(let deliver), 1, let content?) = received else {
                Issue.record("no event: \(received)", sourceLocation: sourceLocation)
                return nil
            }
            #expect(deliver.exchange == "amq.rabbitmq.event", sourceLocation: sourceLocation)
            #expect(content.body.isEmpty, sourceLocation: sourceLocation)
            #expect(content.properties.deliveryMode == 2, sourceLocation: sourceLocation)
            var headers = content.properties.headers ?? FieldTable()
            if case .int64(let milliseconds)? = headers["timestamp_in_ms"] {
                #expect(
                    content.properties.timestamp == UInt64(milliseconds) / 1000, sourceLocation: sourceLocation)
            } else {
                Issue.record("no timestamp_in_ms: \(headers)", sourceLocation: sourceLocation)
            }
            headers["timestamp_in_ms"] = nil
            return ReceivedEvent(deliver.routingKey, headers)
        }
    }

    /// The keys of what has come, each with the name in it.
    func takeKeys(sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        take(sourceLocation: sourceLocation).map { event in
            let name = event.headers["name"] ?? event.headers["destination_name"] ?? event.headers["user"]
            return "\(event.key) \(name?.text ?? "")"
        }
    }
}

/// As RabbitMQ, whose headers have no order that anybody should rely on.
func expect(
    _ events: [ReceivedEvent], _ expected: [ReceivedEvent], sourceLocation: SourceLocation = #_sourceLocation
) {
    func sorted(_ events: [ReceivedEvent]) -> [ReceivedEvent] {
        events.map { event in
            ReceivedEvent(event.key, FieldTable(event.headers.entries.sorted { $0.name < $1.name }))
        }
    }
    #expect(sorted(events) == sorted(expected), sourceLocation: sourceLocation)
}
