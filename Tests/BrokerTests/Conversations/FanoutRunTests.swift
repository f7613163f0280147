import AMQPWire
import SplitMix
import Testing

@testable import Broker

/// Messages that follow each other on their way to several queues, on whatever shards, are stored and delivered
/// together: who gets what in which order, what stays, and what the publisher is told, is what it would be one by one.
///
/// A heartbeat between two frames of a message says nothing, but such messages are taken one by one: so every
/// conversation is held twice, without and with them.
private final class FanoutConversation {
    struct Outcome: Equatable {
        /// What each consumer got, in its order.
        var deliveries: [[String]] = []
        var confirmedCount = 0
        var rejectedCount = 0
        /// Messages that wait, by queue.
        var counts: [UInt32] = []
    }

    private struct Consumer {
        let client: ConversationClient
        let noAck: Bool
    }

    private static let heartbeat = frameBytes(type: 8, channel: 0, payload: [])

    private var random: SplitMix64
    private let broker: Conversation
    private let publisher: ConversationClient
    private let isInterrupted: Bool
    private let isDurable: Bool
    private var queues: [ShortString] = []
    private var consumers: [Consumer] = []
    private var number = 0

    init(seed: UInt64, _ broker: Conversation, isDurable: Bool, isInterrupted: Bool) {
        random = SplitMix64(seed: seed)
        self.broker = broker
        self.isInterrupted = isInterrupted
        self.isDurable = isDurable
        publisher = broker.connect(shard: random.below(broker.shards.count))
        if random.chance(60) { publisher.request(ConfirmSelect(), ConfirmSelectOk()) }
        for index in 0..<2 + random.below(7) { addQueue("q\(index)") }
    }

    private func addQueue(_ text: String) {
        let name = ShortString(truncating: text)
        let owner = broker.connect(shard: random.below(broker.shards.count))
        var arguments = FieldTable()
        if random.chance(20) { arguments["x-max-length"] = .int32(5) }
        if random.chance(10) { arguments["x-overflow"] = .string("reject-publish") }
        owner.declare(QueueDeclare(queue: name, durable: isDurable && random.chance(70), arguments: arguments))
        // Everything to all; one key to some.
        owner.request(QueueBind(queue: name, exchange: "amq.topic", routingKey: "all"), QueueBindOk())
        if random.chance(50) {
            owner.request(QueueBind(queue: name, exchange: "amq.topic", routingKey: "some"), QueueBindOk())
        }
        queues.append(name)
        for _ in 0..<random.pick([0, 1, 1, 1, 1, 2]) {
            let client = broker.connect(shard: random.below(broker.shards.count))
            let noAck = random.chance(40)
            if !noAck, random.chance(60) {
                client.request(
                    BasicQos(prefetchCount: UInt16(1 + random.below(20)), global: random.chance(20)), BasicQosOk())
            }
            client.consume(BasicConsume(queue: name, consumerTag: "c", noAck: noAck))
            consumers.append(Consumer(client: client, noAck: noAck))
        }
    }

    private func publish() {
        var bytes: [UInt8] = []
        var key: ShortString = "all"
        let deliveryMode: UInt8 = random.chance(40) ? 2 : 1
        for _ in 0..<1 + random.below(random.chance(20) ? 400 : 40) {
            if random.chance(10) { key = random.pick(["all", "some", "nobody"]) }
            var properties = BasicProperties()
            properties.deliveryMode = deliveryMode
            let body = Array("\(number)".utf8) + [UInt8](repeating: 46, count: random.chance(5) ? 3000 : 0)
            number += 1
            let method = frame(BasicPublish(exchange: "amq.topic", routingKey: key))
            let content = contentFrames(body, properties: properties)
            bytes += method + (isInterrupted ? Self.heartbeat : []) + content
        }
        publisher.send(bytes: bytes)
    }

    private func ack() {
        for consumer in consumers where !consumer.noAck && random.chance(70) {
            consumer.client.send(BasicAck(deliveryTag: 0, multiple: true))
        }
    }

    func hold() -> Outcome {
        for _ in 0..<10 {
            publish()
            if random.chance(50) { ack() }
        }
        var outcome = Outcome()
        for consumer in consumers {
            outcome.deliveries.append(
                consumer.client.takeAll().compactMap { received in
                    guard case .method(.basicDeliver(let deliver), _, let content?) = received else { return nil }
                    return "\(deliver.deliveryTag) \(deliver.routingKey) "
                        + String(decoding: content.body, as: UTF8.self)
                })
        }
        var latest = 0
        for case .method(let method, _, _) in publisher.takeAll() {
            switch method {
            case .basicAck(let ack):
                outcome.confirmedCount += Int(ack.deliveryTag) - latest
                latest = Int(ack.deliveryTag)
            case .basicNack(let nack):
                outcome.rejectedCount += Int(nack.deliveryTag) - latest
                latest = Int(nack.deliveryTag)
            default: break
            }
        }
        let client = broker.connect()
        for queue in queues {
            client.send(QueueDeclare(queue: queue, passive: true))
            let count = client.expect(QueueDeclareOk.self)?.messageCount ?? .max
            outcome.counts.append(count)
            client.request(QueueDelete(queue: queue), QueueDeleteOk(messageCount: count))
        }
        for consumer in consumers { _ = consumer.client.takeAll() }
        return outcome
    }
}

@Suite struct FanoutRunTests {
    private func outcome(of seed: UInt64, isInterrupted: Bool) -> FanoutConversation.Outcome {
        var outcome = FanoutConversation.Outcome()
        let shards = 1 + Int(seed % 3)
        let journal = seed % 4 == 0 ? DrivenJournal(shardCount: shards, pace: .onDemand) : nil
        converse(shards: shards, journal: journal) { broker in
            outcome = FanoutConversation(
                seed: seed, broker, isDurable: journal != nil, isInterrupted: isInterrupted
            ).hold()
        }
        return outcome
    }

    @Test(arguments: Seeds.first(80)) func whatIsTakenTogetherComesAsIfOneByOne(seed: UInt64) {
        let together = outcome(of: seed, isInterrupted: false)
        let single = outcome(of: seed, isInterrupted: true)
        #expect(together.confirmedCount == single.confirmedCount)
        #expect(together.rejectedCount == single.rejectedCount)
        #expect(together.counts == single.counts)
        for (one, other) in zip(together.deliveries, single.deliveries) where one != other {
            let place = zip(one, other).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            Issue.record("\(one.count) and \(other.count) deliveries, other from \(place ?? -1) on")
        }
    }
}
