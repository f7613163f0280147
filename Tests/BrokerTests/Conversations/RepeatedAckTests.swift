import AMQPWire
import SplitMix
import Testing

@testable import Broker

/// A client that acks one delivery after the other is read faster, and gets what it would get else.
///
/// A bit of basic.ack that nobody looks at keeps it from being read faster: so every conversation is held twice,
/// without and with it.
private struct AckingClient {
    private var random: SplitMix64
    /// Tags on the acking channel that are not settled.
    private var unsettled: [UInt64] = []
    private var latestTag: UInt64 = 0
    private(set) var plain: [[UInt8]] = []
    private(set) var marked: [[UInt8]] = []
    private let isWrong: Bool

    static let ackingChannel: UInt16 = 4
    /// Who consumes them is in the seed's hands: see `RepeatedAckTests.prepare`.
    static let ackedQueues: [ShortString] = ["a", "b"]
    static let unackedQueue: ShortString = "n"

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        isWrong = random.chance(20)
    }

    mutating func hold() {
        for round in 0..<10 {
            plain.append([])
            marked.append([])
            for _ in 0..<random.below(20) { publish() }
            for _ in 0..<random.below(5) { settle() }
            if isWrong, round == 7 { ack(random.pick([1, latestTag, latestTag + 5])) }
        }
    }

    private mutating func send(_ frame: [UInt8], marked other: [UInt8]? = nil) {
        plain[plain.count - 1] += frame
        marked[marked.count - 1] += other ?? frame
    }

    private mutating func publish() {
        let isUnacked = random.chance(5)
        let key = isUnacked ? Self.unackedQueue : random.pick(Self.ackedQueues + ["a", "a", "a"])
        latestTag += 1
        if !isUnacked { unsettled.append(latestTag) }
        let body = Array("\(latestTag)".utf8)
        send(frame(BasicPublish(routingKey: key)) + contentFrames(body, properties: BasicProperties()))
    }

    private mutating func ack(_ tag: UInt64) {
        let plain = frame(BasicAck(deliveryTag: tag, multiple: false), channel: Self.ackingChannel)
        var marked = plain
        marked[19] |= 2
        send(plain, marked: marked)
    }

    private mutating func settle() {
        guard !unsettled.isEmpty else { return }
        switch random.below(8) {
        case 0:
            let index = random.below(unsettled.count)
            send(frame(BasicAck(deliveryTag: unsettled[index], multiple: true), channel: Self.ackingChannel))
            unsettled.removeFirst(index + 1)
        case 1: ack(unsettled.remove(at: random.below(unsettled.count)))
        case 2:
            let tag = unsettled.remove(at: random.below(unsettled.count))
            send(frame(BasicNack(deliveryTag: tag, multiple: false, requeue: false), channel: Self.ackingChannel))
        default:
            for _ in 0..<1 + random.below(unsettled.count) { ack(unsettled.removeFirst()) }
        }
    }
}

@Suite struct RepeatedAckTests {
    private func prepare(_ client: ConversationClient, seed: UInt64) {
        client.openChannel(AckingClient.ackingChannel)
        client.openChannel(5)
        for queue in AckingClient.ackedQueues {
            // One that looks at what was acked, for some.
            let arguments: FieldTable = queue == "b" && seed % 3 == 0 ? ["x-max-length": .int64(1000)] : [:]
            client.declare(QueueDeclare(queue: queue, arguments: arguments))
            client.consume(BasicConsume(queue: queue, consumerTag: queue), channel: AckingClient.ackingChannel)
        }
        client.declare(QueueDeclare(queue: AckingClient.unackedQueue))
        client.consume(
            BasicConsume(queue: AckingClient.unackedQueue, consumerTag: "n", noAck: true),
            channel: AckingClient.ackingChannel)
    }

    /// What the client gets; then what is left when the acking channel is closed.
    private func answers(to reads: [[UInt8]], seed: UInt64) -> [Received] {
        var received: [Received] = []
        converse { broker in
            let client = broker.connect()
            prepare(client, seed: seed)
            for read in reads where !read.isEmpty { client.send(bytes: read) }
            client.send(ChannelClose(replyCode: 200), channel: AckingClient.ackingChannel)
            for queue in AckingClient.ackedQueues { client.send(QueuePurge(queue: queue), channel: 5) }
            received = client.takeAll()
        }
        return received
    }

    @Test(arguments: Seeds.first(60)) func whatIsReadFasterIsAnsweredAlike(seed: UInt64) {
        var client = AckingClient(seed: seed)
        client.hold()
        let plain = answers(to: client.plain, seed: seed)
        let marked = answers(to: client.marked, seed: seed)
        #expect(plain.count == marked.count)
        for (one, other) in zip(plain, marked) where one != other {
            Issue.record("\(one)\n  beside \(other)")
            return
        }
    }

    @Test func acksInARowSettleWhatTheyName() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...6 { client.publish("\(number)", routingKey: "q") }
            for number in 1...6 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.send(bytes: (1...4 as ClosedRange<UInt64>).flatMap { frame(BasicAck(deliveryTag: $0)) })
            client.request(BasicCancel(consumerTag: "c"), BasicCancelOk(consumerTag: "c"))
            client.closeChannel()
            client.openChannel(1)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 2))
        }
    }

    struct WrongAcks: Sendable {
        /// Tags of a read of their own.
        var before: [UInt64] = []
        let tags: [UInt64]
        /// Which of `tags` fails.
        let unknown: UInt64
        /// Messages that nobody has acked.
        let left: UInt32
    }

    /// Of five deliveries the fourth wants no ack.
    @Test(arguments: [
        WrongAcks(tags: [1, 2, 2], unknown: 2, left: 2),
        WrongAcks(before: [2], tags: [1, 2, 3], unknown: 2, left: 2),
        WrongAcks(tags: [1, 2, 3, 4, 5], unknown: 4, left: 1),
        WrongAcks(tags: [1, 2, 3, 5, 6], unknown: 6, left: 0),
    ])
    func anAckOfWhatIsNotUnsettledFailsAmongOthers(acks: WrongAcks) {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            for queue in ["q", "n"] as [ShortString] {
                client.declare(QueueDeclare(queue: queue))
                client.consume(BasicConsume(queue: queue, consumerTag: queue, noAck: queue == "n"), channel: 2)
            }
            for (index, queue) in (["q", "q", "q", "n", "q"] as [ShortString]).enumerated() {
                client.publish("\(index + 1)", routingKey: queue)
                client.expectDeliver(
                    "\(index + 1)", tag: UInt64(index + 1), consumer: queue, routingKey: queue, channel: 2)
            }
            for tags in [acks.before, acks.tags] where !tags.isEmpty {
                client.send(bytes: tags.flatMap { frame(BasicAck(deliveryTag: $0), channel: 2) })
            }
            client.expectChannelClose(
                406, "PRECONDITION_FAILED - unknown delivery tag \(acks.unknown)", of: BasicAck.self, channel: 2)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: acks.left))
        }
    }
}
