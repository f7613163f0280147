import AMQPWire
import SplitMix
import Testing

@testable import Broker

/// A virtual host ends in the middle of whatever its clients do, on several shards; nothing is left of it.
@Suite struct VirtualHostEndTests {
    private static let queues: [ShortString] = ["a", "b", "c"]

    private func declare(_ name: ShortString, _ random: inout SplitMix64) -> QueueDeclare {
        var arguments: FieldTable = [
            "x-dead-letter-exchange": .string("delayed"), "x-max-length": .int64(20),
        ]
        if name == "b" { arguments["x-queue-type"] = .string("quorum") }
        if name == "c" { arguments["x-message-ttl"] = .int64(500) }
        return QueueDeclare(queue: name, durable: true, noWait: true, arguments: arguments)
    }

    private func act(_ client: ConversationClient, _ random: inout SplitMix64) {
        let name = random.pick(Self.queues)
        switch random.below(20) {
        case 0..<7:
            var properties = random.chance(60) ? BasicProperties.persistent : BasicProperties()
            let isDelayed = random.chance(30)
            if isDelayed { properties.headers = ["x-delay": .int32(Int32(1 + random.below(2000)))] }
            client.publish("body", exchange: isDelayed ? "delayed" : "", routingKey: name, properties: properties)
        case 7, 8: client.send(BasicConsume(queue: name, noAck: random.chance(30)))
        case 9, 10: client.send(BasicGet(queue: name))
        case 11: client.send(BasicNack(deliveryTag: 0, multiple: true, requeue: random.chance(50)))
        case 12: client.send(BasicAck(deliveryTag: 0, multiple: true))
        case 13: client.send(QueueDelete(queue: name))
        case 14: client.send(declare(name, &random))
        case 15: client.send(QueueDeclare(exclusive: true))
        case 16: client.send(QueueBind(queue: name, exchange: "delayed"))
        case 17: client.send(BasicConsume(queue: "amq.rabbitmq.reply-to", noAck: true))
        case 18: client.send(QueuePurge(queue: name))
        default: client.send(ConnectionClose(), channel: 0)
        }
    }

    private func connect(_ broker: Conversation, shard: Int, _ random: inout SplitMix64) -> ConversationClient {
        let client = broker.connect(shard: shard, virtualHost: "v")
        client.send(
            ExchangeDeclare(
                exchange: "delayed", type: "x-delayed-message", durable: true, noWait: true,
                arguments: ["x-delayed-type": .string("fanout")]))
        for name in Self.queues { client.send(declare(name, &random)) }
        if random.chance(50) { client.send(ConfirmSelect()) }
        if random.chance(50) { client.send(BasicQos(prefetchCount: 2, global: random.chance(50))) }
        _ = client.takeAll()
        return client
    }

    /// Whether the broker has closed the connection meanwhile, which the client then answers.
    private func hasBeenClosed(_ client: ConversationClient) -> Bool {
        let isClosed = client.takeAll().contains {
            if case .method(.connectionClose, _, _) = $0 { return true }
            return false
        }
        if isClosed { client.send(ConnectionCloseOk(), channel: 0) }
        return isClosed
    }

    @Test(arguments: Seeds.first(40))
    func nothingIsLeft(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let shardCount = 1 + random.below(3)
        let journal = random.chance(50) ? DrivenJournal(shardCount: shardCount, pace: .onDemand) : nil
        let broker = Conversation(shards: shardCount, settings: BrokerSettings(), journal: journal)
        for _ in 0..<2 {
            try broker.controlPlane.addVirtualHost("v", creator: "guest")
            var clients = (0..<2 + random.below(3)).map { _ in
                connect(broker, shard: random.below(shardCount), &random)
            }
            for _ in 0..<random.below(80) {
                act(random.pick(clients), &random)
                if random.chance(5) { broker.advance(milliseconds: 1000) }
                clients.removeAll { hasBeenClosed($0) || $0.isClosed }
                if clients.isEmpty { break }
            }
            broker.holdsMail = random.chance(50)
            if let client = clients.first { act(client, &random) }
            try broker.controlPlane.deleteVirtualHost("v")
            if let client = clients.last { act(client, &random) }
            broker.holdsMail = false
            broker.advance(milliseconds: 1000)
            for client in clients where !client.isClosed {
                #expect(hasBeenClosed(client))
            }
            for client in clients { client.endSocket() }
            broker.settle()
            for client in clients { _ = client.takeAll() }
            #expect(broker.shards.map(\.inspection.queueCount).reduce(0, +) == 0)
            #expect(broker.shards.map(\.inspection.messageCount).reduce(0, +) == 0)
        }
        broker.end(sourceLocation: #_sourceLocation)
    }
}
