import AMQPWire
import Broker
import Testing

/// A broker with a journal that writes nothing until it is told to.
func converseWithJournal(
    shards: Int = 1, pace: DrivenJournal.Pace = .held, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (_ broker: Conversation, _ journal: DrivenJournal) -> Void
) {
    let journal = DrivenJournal(shardCount: shards, pace: pace)
    converse(shards: shards, journal: journal, sourceLocation: sourceLocation) { body($0, journal) }
}

extension Conversation {
    /// A client that has declared this queue; the journal has everything.
    func durableQueue(
        _ name: ShortString = "q", shard: Int = 0, arguments: FieldTable = FieldTable(), confirms: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> ConversationClient {
        let client = connect(shard: shard, sourceLocation: sourceLocation)
        client.send(QueueDeclare(queue: name, durable: true, arguments: arguments))
        syncJournal()
        client.expect(QueueDeclareOk(queue: name), sourceLocation: sourceLocation)
        if confirms { client.request(ConfirmSelect(), ConfirmSelectOk(), sourceLocation: sourceLocation) }
        _ = journal?.takeStateRecords()
        return client
    }
}

extension ConversationClient {
    /// A persistent message.
    func store(_ body: String, exchange: ShortString = "", routingKey: ShortString = "q", channel: UInt16 = 1) {
        publish(body, exchange: exchange, routingKey: routingKey, properties: .persistent, channel: channel)
    }
}

extension BasicProperties {
    static var persistent: BasicProperties {
        var properties = BasicProperties()
        properties.deliveryMode = 2
        return properties
    }
}
