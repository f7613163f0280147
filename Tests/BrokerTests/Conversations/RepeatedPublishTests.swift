import AMQPWire
import SplitMix
import Testing

@testable import Broker

/// A client that publishes the same again and again is read faster, and gets what it would get else.
///
/// A heartbeat between two frames of a message says nothing, but no message with one is compared with the one before:
/// so every conversation is held twice, without and with them.
private struct PublishingClient {
    private var random: SplitMix64
    private var channel: UInt16 = 1
    private var exchange: ShortString = ""
    private var key: ShortString = "a"
    /// Or only now and then: most messages have another routing key than the one before.
    private let changesKeys: Bool
    private var isMandatory = false
    private var properties = BasicProperties()
    private var bodyByteCount = 10
    private(set) var plain: [[UInt8]] = []
    private(set) var interrupted: [[UInt8]] = []
    private let isDamaged: Bool

    private static let keys: [ShortString] = [
        "a", "b", "c", "nobody", "key.word", "", ShortString(truncating: "key." + String(repeating: "w", count: 250)),
    ]
    private static let heartbeat = frameBytes(type: 8, channel: 0, payload: [])

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        isDamaged = random.chance(30)
        changesKeys = random.chance(50)
    }

    mutating func hold() {
        for _ in 0..<12 {
            var frames: [[UInt8]] = []
            for _ in 0..<random.below(30) { frames += next() }
            // More than are taken in one go.
            if random.chance(10) {
                for _ in 0..<100 + random.below(100) { frames += publish() }
            }
            if isDamaged, plain.count == 9, !frames.isEmpty {
                let index = random.below(frames.count)
                damage(&frames[index])
            }
            plain.append(frames.flatMap { $0 })
            interrupted.append(frames.flatMap { $0 + Self.heartbeat })
        }
    }

    /// Not in its size: what would be read as a frame then is not the same with heartbeats.
    private mutating func damage(_ frame: inout [UInt8]) {
        let places = frame.indices.filter { !(3..<7).contains($0) }
        frame[random.pick(places)] ^= 1 << UInt8(random.below(8))
    }

    private mutating func next() -> [[UInt8]] {
        if random.chance(15) { change() }
        return random.chance(6) ? [other()] : publish()
    }

    private mutating func publish() -> [[UInt8]] {
        if changesKeys, random.chance(70) { key = random.pick(Self.keys) }
        let body = (0..<bodyByteCount).map { _ in UInt8(random.below(256)) }
        var frames = [
            frame(BasicPublish(exchange: exchange, routingKey: key, mandatory: isMandatory), channel: channel)
        ]
        let content = contentFrames(
            body, properties: properties, channel: channel, frameMax: random.chance(3) ? 16 : 4096)
        var position = 0
        while position < content.count {
            let size = content[position + 3..<position + 7].reduce(0) { $0 << 8 | Int($1) } + 8
            frames.append(Array(content[position..<position + size]))
            position += size
        }
        return frames
    }

    private mutating func change() {
        switch random.below(8) {
        case 0: channel = UInt16(1 + random.below(4))
        case 1: key = random.pick(Self.keys)
        case 2: exchange = random.pick(["", "", "x", "amq.fanout", "amq.headers"])
        case 3: isMandatory.toggle()
        case 4, 5: bodyByteCount = random.pick([0, 1, 10, 10, 100, 5000])
        default: changeProperties()
        }
    }

    private mutating func changeProperties() {
        properties = BasicProperties()
        switch random.below(8) {
        case 0: properties.deliveryMode = 2
        case 1: properties.priority = 3
        case 2: properties.messageID = ShortString("\(random.below(3))")
        case 3: properties.expiration = "60000"
        case 4: properties.headers = ["CC": .array([.longString(Array("b".utf8))])]
        case 5: properties.replyTo = "somebody"
        case 6: properties.headers = ["kind": .string(random.pick(["one", "other", "none"]))]
        default: break
        }
    }

    private mutating func other() -> [UInt8] {
        switch random.below(9) {
        case 0: frame(QueueBind(queue: "b", exchange: "x", routingKey: random.pick(["#", "a", "key.*"])), channel: 5)
        case 1: frame(QueueUnbind(queue: "b", exchange: "x", routingKey: "#"), channel: 5)
        case 2: frame(BasicGet(queue: "b", noAck: true), channel: 5)
        case 3: frame(TxCommit(), channel: 3)
        case 4: frame(QueuePurge(queue: "b"), channel: 5)
        case 5, 6: frame(BasicAck(deliveryTag: 0, multiple: true), channel: 4)
        case 7: frame(BasicNack(deliveryTag: 0, multiple: true, requeue: true), channel: 4)
        default: frame(TxRollback(), channel: 3)
        }
    }
}

extension [Received] {
    fileprivate func on(_ channel: UInt16) -> [Received] {
        filter {
            if case .method(_, channel, _) = $0 { true } else { false }
        }
    }
}

extension Conversation {
    /// What the latest messages of a client of shard 0 are compared with.
    func publishPattern(of client: ConversationClient) -> PublishPattern? {
        shards[0].connection(client.address)?.pointee.repeatingChannel?.pointee.publishPattern
    }
}

@Suite struct RepeatedPublishTests {
    /// - Parameter isDurable: as are the queues, for messages that are persistent.
    private func prepare(_ client: ConversationClient, isDurable: Bool) {
        for channel in [2, 3, 4, 5] as [UInt16] { client.openChannel(channel) }
        client.request(ExchangeDeclare(exchange: "x", type: "topic"), ExchangeDeclareOk())
        for queue in ["a", "b", "c"] as [ShortString] { client.declare(QueueDeclare(queue: queue, durable: isDurable)) }
        client.request(QueueBind(queue: "a", exchange: "x", routingKey: "key.#"), QueueBindOk())
        client.request(QueueBind(queue: "b", exchange: "amq.fanout"), QueueBindOk())
        for queue in ["a", "c"] as [ShortString] {
            let arguments: FieldTable = ["x-match": .string("any"), "kind": .string(queue == "a" ? "one" : "other")]
            client.request(QueueBind(queue: queue, exchange: "amq.headers", arguments: arguments), QueueBindOk())
        }
        client.request(ConfirmSelect(), ConfirmSelectOk(), channel: 2)
        client.request(TxSelect(), TxSelectOk(), channel: 3)
        client.consume(BasicConsume(queue: "a", consumerTag: "all", noAck: true), channel: 5)
        client.request(BasicQos(prefetchCount: 7), BasicQosOk(), channel: 4)
        for tag in ["some", "others"] as [ShortString] {
            client.consume(BasicConsume(queue: "c", consumerTag: tag), channel: 4)
        }
        client.request(BasicQos(prefetchCount: 40, global: true), BasicQosOk(), channel: 4)
        client.consume(BasicConsume(queue: "b", consumerTag: "alone"), channel: 4)
    }

    private func answers(to reads: [[UInt8]], isDurable: Bool) -> [Received] {
        var received: [Received] = []
        converse(journal: isDurable ? DrivenJournal(shardCount: 1, pace: .onDemand) : nil) { broker in
            let client = broker.connect()
            prepare(client, isDurable: isDurable)
            for read in reads where !read.isEmpty { client.send(bytes: read) }
            received = client.takeAll()
        }
        return received
    }

    @Test(arguments: Seeds.first(60)) func whatIsReadFasterIsAnsweredAlike(seed: UInt64) {
        var publisher = PublishingClient(seed: seed)
        publisher.hold()
        let plain = answers(to: publisher.plain, isDurable: seed % 3 == 0)
        let interrupted = answers(to: publisher.interrupted, isDurable: seed % 3 == 0)
        #expect(plain.count == interrupted.count)
        // Where messages go to several queues, channels that consume from them may have theirs sooner or later.
        for channel in 0...5 as ClosedRange<UInt16> {
            for (one, other) in zip(plain.on(channel), interrupted.on(channel)) where one != other {
                Issue.record("\(one)\n  beside \(other)")
                return
            }
        }
    }

    /// Or the other test would show nothing.
    @Test func theSameIsComparedFromTheSecondOn() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            #expect(broker.publishPattern(of: client) == nil)
            client.publish("one", routingKey: "q")
            let pattern = broker.publishPattern(of: client)
            #expect((pattern?.frameByteCount ?? 0) > 0)
            for body in ["two", "and three"] {
                client.publish(body, routingKey: "q")
                #expect(broker.publishPattern(of: client)?.frameByteCount == pattern?.frameByteCount)
            }
            // Nothing that is expected to expire is compared.
            var properties = BasicProperties()
            properties.expiration = "60000"
            client.publish("four", routingKey: "q", properties: properties)
            #expect(broker.publishPattern(of: client)?.frameByteCount == 0)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 4))
        }
    }

    @Test func aChannelThatEndsTakesItsPatternWithIt() {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q", channel: 2) }
            #expect(broker.publishPattern(of: client) != nil)
            client.request(ChannelClose(replyCode: 200), ChannelCloseOk(), channel: 2)
            #expect(broker.publishPattern(of: client) == nil)
            client.openChannel(2)
            for body in ["four", "five", "six"] { client.publish(body, routingKey: "q", channel: 2) }
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 6))
        }
    }

    /// Bindings, and the queue itself, may change between two of the same.
    @Test func aRouteIsNotRememberedForLongerThanItHolds() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { client.publish(body, exchange: "amq.direct", routingKey: "k") }
            client.request(QueueBind(queue: "q", exchange: "amq.direct", routingKey: "k"), QueueBindOk())
            for body in ["four", "five"] { client.publish(body, exchange: "amq.direct", routingKey: "k") }
            client.request(QueueUnbind(queue: "q", exchange: "amq.direct", routingKey: "k"), QueueUnbindOk())
            client.publish("six", exchange: "amq.direct", routingKey: "k")
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
        }
    }
}
