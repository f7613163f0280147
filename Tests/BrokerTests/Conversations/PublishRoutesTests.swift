import AMQPWire
import SplitMix
import Testing

@testable import Broker

/// A channel that publishes to many addresses in turn, while bindings and queues come and go, reaches the queues that
/// are bound right then, and its exchange counts what went where.
private final class RoutedPublisher {
    private var random: SplitMix64
    private let client: ConversationClient
    private let keys: [ShortString]
    private let queues: [ShortString] = ["a", "b", "c", "d"]
    private var bindings: Set<[ShortString]> = []
    private(set) var expected: [ShortString: Int] = [:]
    private(set) var counters = ExchangeCounters()

    init(seed: UInt64, _ client: ConversationClient) {
        random = SplitMix64(seed: seed)
        self.client = client
        // More than a channel remembers, or a handful; some as long as they may be.
        let count = random.chance(50) ? 200 : 5
        keys = (0..<count).map { number in
            let text = String(repeating: "word.", count: number % 7 == 6 ? number % 50 : number % 4) + "\(number)"
            return ShortString(truncating: text)
        }
        for queue in queues { client.declare(QueueDeclare(queue: queue)) }
        for _ in 0..<2 * count { bind() }
    }

    private func bind() {
        let binding = [random.pick(queues), random.pick(keys)]
        client.request(QueueBind(queue: binding[0], exchange: "amq.direct", routingKey: binding[1]), QueueBindOk())
        bindings.insert(binding)
    }

    private func unbind() {
        guard let binding = bindings.sorted(by: { "\($0)" < "\($1)" }).randomElement(using: &random) else { return }
        client.request(
            QueueUnbind(queue: binding[0], exchange: "amq.direct", routingKey: binding[1]), QueueUnbindOk())
        bindings.remove(binding)
    }

    /// The queue with its bindings goes, and another has its name and maybe its place.
    private func replace() {
        let queue = random.pick(queues)
        client.request(QueueDelete(queue: queue), QueueDeleteOk(messageCount: UInt32(expected[queue] ?? 0)))
        client.declare(QueueDeclare(queue: queue))
        expected[queue] = 0
        bindings = bindings.filter { $0[0] != queue }
    }

    private func publish() {
        var bytes: [UInt8] = []
        for _ in 0..<1 + random.below(20) {
            let key = random.pick(keys)
            for _ in 0..<(random.chance(70) ? 1 : 1 + random.below(5)) {
                bytes += frame(BasicPublish(exchange: "amq.direct", routingKey: key))
                bytes += contentFrames(Array("body".utf8), properties: BasicProperties())
                counters.publishIn += 1
                for queue in queues where bindings.contains([queue, key]) {
                    expected[queue, default: 0] += 1
                    counters.publishOut += 1
                }
            }
        }
        client.send(bytes: bytes)
    }

    func act() {
        switch random.below(12) {
        case 0: bind()
        case 1: unbind()
        case 2: random.chance(20) ? replace() : bind()
        default: publish()
        }
    }

    func purge() {
        for queue in queues {
            client.request(QueuePurge(queue: queue), QueuePurgeOk(messageCount: UInt32(expected[queue] ?? 0)))
        }
    }
}

@Suite struct PublishRoutesTests {
    @Test(arguments: Seeds.first(60)) func aChannelRemembersNoRouteForLongerThanItHolds(seed: UInt64) {
        converse(shards: 2) { broker in
            // The queues are the other shard's if somebody else has declared them.
            let publisher = RoutedPublisher(seed: seed, broker.connect(shard: Int(seed % 2)))
            for _ in 0..<60 { publisher.act() }
            #expect(broker.exchange("amq.direct") == publisher.counters)
            for _ in 0..<20 { publisher.act() }
            publisher.purge()
            #expect(broker.exchange("amq.direct") == publisher.counters)
        }
    }

    /// A route to many queues is not kept when another is taken, but what went there is counted.
    @Test func whatWentToManyQueuesIsCounted() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            let owner = broker.connect(shard: 1)
            for number in 0..<140 {
                let queue = ShortString(truncating: "q\(number)")
                (number % 2 == 0 ? client : owner).declare(QueueDeclare(queue: queue))
                client.request(QueueBind(queue: queue, exchange: "amq.fanout"), QueueBindOk())
            }
            for _ in 0..<3 {
                for body in ["a", "b"] { client.publish(body, exchange: "amq.fanout", routingKey: "") }
                client.publish("c", routingKey: "q1")
            }
            var expected = ExchangeCounters()
            expected.publishIn = 6
            expected.publishOut = 6 * 140
            #expect(broker.exchange("amq.fanout") == expected)
            for number in 0..<140 {
                let queue = ShortString(truncating: "q\(number)")
                client.request(QueuePurge(queue: queue), QueuePurgeOk(messageCount: number == 1 ? 9 : 6))
            }
        }
    }

    /// Or the other tests would show less than they seem to.
    @Test func framesAreComparedWhereKeysTakeTurns() {
        converse { broker in
            let client = broker.connect()
            let queues = ["q", "queue-1", "a-much-longer-name"] as [ShortString]
            for queue in queues { client.declare(QueueDeclare(queue: queue)) }
            for queue in queues + ["nobody"] + queues.reversed() {
                client.publish("the same properties", routingKey: queue)
                let pattern = broker.publishPattern(of: client)
                #expect((pattern?.frameByteCount ?? 0) > 0)
                #expect(pattern?.message.routingKey.elementsEqual(queue.bytes) == true)
            }
            for queue in queues { client.request(QueuePurge(queue: queue), QueuePurgeOk(messageCount: 2)) }
        }
    }

    /// What confirm.select changes about a route counts for all of them.
    @Test func routesAreFoundAnewAfterConfirmSelect() {
        converse { broker in
            let client = broker.connect()
            for queue in ["full", "other"] as [ShortString] {
                client.declare(
                    QueueDeclare(
                        queue: queue,
                        arguments: ["x-max-length": .int32(1), "x-overflow": .string("reject-publish")]))
                client.publish("first", routingKey: queue)
            }
            client.request(ConfirmSelect(), ConfirmSelectOk())
            client.publish("rejected", routingKey: "full")
            client.expect(BasicNack(deliveryTag: 1))
            client.publish("rejected", routingKey: "other")
            client.expect(BasicNack(deliveryTag: 2))
            for queue in ["full", "other"] as [ShortString] {
                client.request(QueuePurge(queue: queue), QueuePurgeOk(messageCount: 1))
            }
        }
    }
}
