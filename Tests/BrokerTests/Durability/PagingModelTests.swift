import AMQPWire
import Broker
import SplitMix
import Testing

/// One queue under random use while its messages leave memory and come back, beside a list of what it should hold.
private final class PagedQueueRun {
    private var random: SplitMix64
    private let broker: Conversation
    private let disk: DrivenDisk
    private let isDurable: Bool
    private let publisher: ConversationClient
    private var clients: [Client] = []
    /// Numbers of ready messages, in order.
    private var ready: [Int] = []
    private var seen: Set<Int> = []
    private var latest = 0
    private var unread: Set<Int> = []
    private var isTight = false
    let isDamaged: Bool

    private final class Client {
        let socket: ConversationClient
        var unacked: [UInt64: Int] = [:]
        /// Whether its consumer does without acks; nil when it has none.
        var isConsuming: Bool?
        var isGettingNoAck = false
        var waits = false
        /// The highest number that came to it as new: consumers take turns, so only of one of them it is known.
        var latestNew = 0

        init(_ socket: ConversationClient) { self.socket = socket }
    }

    init(_ broker: Conversation, _ disk: DrivenDisk, _ journal: DrivenJournal, seed: UInt64) {
        random = SplitMix64(seed: seed)
        self.broker = broker
        self.disk = disk
        isDurable = random.chance(50)
        isDamaged = random.chance(25)
        var written: [UInt64: [UInt8]] = [:]
        journal.onTake = { _, records in
            for case .message(let id, _, let content) in records { written[id] = content }
        }
        disk.journaled = { written[$0] }
        publisher = broker.connect(shard: random.below(broker.shards.count))
        publisher.request(QueueDeclare(queue: "q", durable: isDurable), QueueDeclareOk(queue: "q"))
        for _ in 0..<3 {
            let client = Client(broker.connect(shard: random.below(broker.shards.count)))
            client.socket.request(BasicQos(prefetchCount: 40), BasicQosOk())
            clients.append(client)
        }
        if isDamaged {
            disk.isDamaged = { $0 % 977 < 64 }
            disk.isLost = { [unowned self] content in
                if let body = StoredMessage(content)?.body { unread.insert(number(body)) }
            }
        }
    }

    private func number(_ body: [UInt8]) -> Int {
        Int(String(decoding: body.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)) ?? 0
    }

    // MARK: Events

    func use(_ count: Int) {
        for _ in 0..<count {
            step()
            broker.settle()
            collect()
        }
    }

    private func step() {
        switch random.below(100) {
        case 0..<35: publish()
        case 35..<50: for shard in broker.shards { _ = shard.pageOut() }
        case 50..<60: if disk.waitingCount > 0 { disk.answer(broker.shards, at: random.below(disk.waitingCount)) }
        case 60: disk.isHeld.toggle()
        case 61: if random.chance(20) { purge() }
        case 62: broker.advance(milliseconds: 1000)
        case 63: setMemory(isScarce: random.chance(50), isTight: random.chance(30))
        default:
            let idle = clients.filter { !$0.waits }
            if !idle.isEmpty { act(random.pick(idle)) }
        }
    }

    private func setMemory(isScarce: Bool, isTight: Bool) {
        self.isTight = isTight
        for shard in broker.shards {
            shard.isMemoryScarce = isScarce || isTight
            shard.setMemoryTight(isTight)
        }
    }

    private func publish() {
        // It would not be read.
        if isTight { return }
        let size = random.chance(10) ? 200_000 : 2_000
        for _ in 0..<random.below(60) {
            latest += 1
            ready.append(latest)
            publisher.publish(
                "\(latest) " + String(repeating: "x", count: random.below(size)), routingKey: "q",
                properties: properties())
        }
    }

    private func properties() -> BasicProperties {
        if isDurable, random.chance(70) { return .persistent }
        // Some have nothing in common with those beside them.
        var properties = BasicProperties()
        if random.chance(10) { properties.messageID = ShortString("\(latest)") }
        return properties
    }

    private func act(_ client: Client) {
        switch random.below(20) {
        case 0..<5:
            client.waits = true
            let noAck = random.chance(30)
            client.isGettingNoAck = noAck
            client.socket.send(BasicGet(queue: "q", noAck: noAck))
        case 5..<7:
            guard client.isConsuming == nil else { return }
            client.isConsuming = random.chance(30)
            client.waits = true
            client.socket.send(BasicConsume(queue: "q", consumerTag: "c", noAck: client.isConsuming == true))
        case 7..<9:
            guard client.isConsuming != nil else { return }
            client.waits = true
            client.socket.send(BasicCancel(consumerTag: "c"))
        default:
            for tag in client.unacked.keys.sorted() where random.chance(70) {
                guard let number = client.unacked.removeValue(forKey: tag) else { continue }
                if random.chance(80) {
                    client.socket.send(BasicAck(deliveryTag: tag))
                } else {
                    putBack(number)
                    client.socket.send(BasicReject(deliveryTag: tag, requeue: true))
                    collect()
                }
            }
        }
    }

    private func putBack(_ number: Int) {
        ready.insert(number, at: ready.firstIndex { $0 > number } ?? ready.count)
    }

    private func purge() {
        publisher.send(QueuePurge(queue: "q"))
        guard let answer = publisher.expect(QueuePurgeOk.self) else { return }
        if unread.isEmpty { #expect(Int(answer.messageCount) == ready.count) }
        ready = []
        unread = []
    }

    // MARK: Answers

    private func collect() {
        for client in clients {
            for received in client.socket.takeAll() { take(received, client) }
        }
    }

    private func take(_ received: Received, _ client: Client) {
        guard case .method(let method, _, let content) = received else { return }
        switch method {
        case .basicDeliver(let deliver):
            take(content, client, redelivered: deliver.redelivered)
            if client.isConsuming == false { client.unacked[deliver.deliveryTag] = number(content?.body ?? []) }
        case .basicGetOk(let got):
            client.waits = false
            take(content, client, redelivered: got.redelivered)
            if !client.isGettingNoAck { client.unacked[got.deliveryTag] = number(content?.body ?? []) }
        case .basicCancelOk:
            client.isConsuming = nil
            client.waits = false
        default: client.waits = false
        }
    }

    private func take(_ content: Content?, _ client: Client, redelivered: Bool) {
        let number = number(content?.body ?? [])
        guard let index = ready.firstIndex(of: number) else {
            Issue.record("\(number) comes though it is not there")
            return
        }
        ready.remove(at: index)
        if !redelivered && !seen.insert(number).inserted { Issue.record("\(number) comes again as if new") }
        if redelivered && !seen.contains(number) { Issue.record("\(number) was never delivered") }
        guard !redelivered else { return }
        if number < client.latestNew { Issue.record("\(number) comes behind \(client.latestNew)") }
        client.latestNew = max(client.latestNew, number)
    }

    // MARK: The end

    /// Everything comes out: nothing waits for nothing.
    func drain() {
        setMemory(isScarce: false, isTight: false)
        disk.isHeld = false
        broker.settle()
        collect()
        for client in clients {
            #expect(!client.waits, "\(client.socket.name) is not answered")
            if client.isConsuming != nil { client.socket.send(BasicCancel(consumerTag: "c")) }
        }
        collect()
        for client in clients {
            for number in client.unacked.values { putBack(number) }
            client.socket.endSocket()
        }
        clients = []
        if !isDamaged {
            publisher.request(
                QueueDeclare(queue: "q", passive: true),
                QueueDeclareOk(queue: "q", messageCount: UInt32(ready.count), consumerCount: 0))
        }
        publisher.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
        let found = publisher.takeAll().map { received -> Int in
            guard case .method(.basicDeliver, _, let content?) = received else { return 0 }
            return number(content.body)
        }
        #expect(found == ready.filter { !unread.contains($0) })
        publisher.request(
            QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
        #expect(disk.isEmpty, "messages stay in the spill file")
    }
}

struct PagingModelTests {
    @Test(arguments: Seeds.first(15))
    func aQueueHoldsWhatTheNaiveListHolds(seed: UInt64) {
        let shards = 1 + Int(seed % 2)
        let journal = DrivenJournal(shardCount: shards, pace: .onDemand)
        let disk = DrivenDisk()
        converse(shards: shards, journal: journal, disk: disk) { broker in
            let run = PagedQueueRun(broker, disk, journal, seed: seed)
            run.use(200)
            run.drain()
        }
    }
}
