import AMQPWire
import Broker
import Journal
import SplitMix
import Testing

/// A broker with a journal under random use, from one start to one stop.
final class DurableRun {
    let broker: Conversation
    let disk = DrivenDisk()
    private let journal: DrivenJournal
    private(set) var random: SplitMix64
    private(set) var ledger: DurableLedger
    private var clients: [DurableClient] = []
    /// Journal numbers by name, of the durable queues that are there.
    private var numbers: [String: UInt32] = [:]
    private var nextBody: Int
    /// Much more comes than goes.
    private let isBacklogged: Bool

    /// Written, in the order of the file; beyond `syncedCount` it may be lost.
    private(set) var log: [LaneRecord]
    private var syncedCount: Int
    private var taken: [[LaneRecord]]

    static let queueNames = ["a", "b", "c", "d"]

    init(seed: UInt64, shardCount: Int, log: [LaneRecord], ledger: DurableLedger, nextBody: Int) {
        random = SplitMix64(seed: seed)
        isBacklogged = random.chance(30)
        self.log = log
        self.nextBody = nextBody
        syncedCount = log.count
        let journal = DrivenJournal(shardCount: shardCount)
        self.journal = journal
        let recovered = NaiveJournal(log)
        broker = Conversation(
            shards: shardCount, settings: BrokerSettings(), journal: journal, disk: disk,
            recover: recovered.recover)
        taken = Array(repeating: [], count: shardCount + 1)
        self.ledger = ledger
        self.ledger.begin(with: recovered)
        for (number, queue) in self.ledger.queues { numbers[queue.name] = number }
        let contents = recovered.messages.mapValues(\.content)
        disk.journaled = { [unowned self] id in contents[id] ?? written[id] }
        journal.onTake = { [unowned self] lane, records in taken[lane] += records }
        connect()
        if numbers["dead"] == nil { declare("dead", clients[0]) }
    }

    /// What this run has written, for reading back.
    private var written: [UInt64: [UInt8]] = [:]

    var bodyCount: Int { nextBody }

    // MARK: The journal

    /// The state's lane comes first: what a message refers to was declared before it was published.
    private func write() {
        for lane in [taken.count - 1] + Array(0..<taken.count - 1) {
            for record in taken[lane] {
                switch record {
                case .message(let id, _, let content), .replacement(let id, _, let content, _, _):
                    written[id] = content
                default: break
                }
            }
            log += taken[lane]
            taken[lane] = []
        }
        journal.write()
    }

    private func tell() {
        broker.tellJournalAdvanced()
        collect()
    }

    private func sync() {
        write()
        journal.sync()
        syncedCount = log.count
        ledger.sync()
        tell()
    }

    // MARK: Stops

    /// The power goes: of what was not synced a part may be there.
    func crash() -> [LaneRecord] {
        if random.chance(50) { write() }
        let kept = syncedCount + random.below(log.count - syncedCount + 1)
        deallocate()
        ledger.check(NaiveJournal(log[..<kept]), isClean: false)
        return Array(log[..<kept])
    }

    func stop() -> [LaneRecord] {
        disk.isHeld = false
        broker.settle()
        for _ in 0..<3 { sync() }
        for client in clients { client.socket.endSocket() }
        broker.settle()
        for shard in broker.shards { shard.journalDelivered() }
        broker.settle()
        sync()
        deallocate()
        ledger.check(NaiveJournal(log), isClean: true)
        return log
    }

    private func deallocate() { for shard in broker.shards { shard.deallocate() } }

    // MARK: Use

    func use(_ count: Int) {
        for _ in 0..<count {
            step()
            collect()
        }
    }

    private func step() {
        switch random.below(100) {
        case 0..<9:
            write()
            if random.chance(50) { tell() }
        case 9..<20: sync()
        case 20: broker.controlPlane.appendSnapshot()
        case 21: if clients.count < 5 { connect() }
        case 22..<25: pageOut()
        case 25: disk.isHeld.toggle()
        case 26..<30: if disk.waitingCount > 0 { disk.answer(broker.shards, at: random.below(disk.waitingCount)) }
        default:
            let idle = clients.filter { $0.waiting == nil }
            if idle.isEmpty { sync() } else { act(random.pick(idle)) }
        }
        broker.settle()
    }

    private func pageOut() {
        for shard in broker.shards { _ = shard.pageOut() }
    }

    private func act(_ client: DurableClient) {
        switch random.below(isBacklogged ? 45 : 70) {
        case 0..<35: publish(client)
        case 35..<38: get(client)
        case 38..<41: declare(random.pick(Self.queueNames), client)
        case 41..<60: settle(client)
        case 60..<63: consume(client)
        case 63: cancel(client)
        case 64: purge(client)
        case 65: delete(client)
        case 66..<68: bind(client)
        default: if clients.count > 1, random.chance(20) { end(client) }
        }
    }

    private func connect() {
        let client = DurableClient(broker.connect(shard: random.below(broker.shards.count)))
        client.socket.request(ConfirmSelect(), ConfirmSelectOk())
        client.socket.request(BasicQos(prefetchCount: UInt16(1 + random.below(4))), BasicQosOk())
        clients.append(client)
    }

    private func end(_ client: DurableClient) {
        client.socket.endSocket()
        clients.removeAll { $0 === client }
    }

    private func publish(_ client: DurableClient) {
        for _ in 0...random.below(6) {
            let isPersistent = random.chance(85)
            nextBody += 1
            // Large enough for queues to become deep.
            let filling = String(
                repeating: "x", count: random.chance(20) ? random.below(isBacklogged ? 300_000 : 30_000) : 10)
            let body = "\(isPersistent ? "p" : "t")\(nextBody) \(filling)"
            let isFanout = random.chance(25)
            let name = random.pick(Self.queueNames)
            let targets = isFanout ? Self.queueNames.filter { bound.contains($0) } : [name]
            // A quorum queue stores transient messages as well, for all that get them.
            let isStored = isPersistent || (targets.contains("b") && numbers["b"] != nil)
            if isStored { ledger.publish(body, to: targets.compactMap { numbers[$0] }) }
            client.latestPublish += 1
            client.unconfirmed.append((client.latestPublish, body))
            client.socket.publish(
                body, exchange: isFanout ? "amq.fanout" : "", routingKey: ShortString(truncating: name),
                properties: isPersistent ? .persistent : BasicProperties())
        }
    }

    /// Queues bound to the fan-out exchange.
    private lazy var bound: Set<String> = Set(
        NaiveJournal(log).topology.virtualHosts.values.flatMap { $0.bindings }.map(\.destination.description))

    private func settle(_ client: DurableClient) {
        guard let tag = client.unacked.keys.sorted().first(where: { _ in random.chance(50) }),
            let (queue, body) = client.unacked[tag]
        else { return }
        switch random.below(10) {
        case 0..<6:
            ledger.leave(body, queue)
            client.unacked[tag] = nil
            client.socket.send(BasicAck(deliveryTag: tag))
        case 6..<9:
            client.unacked[tag] = nil
            client.socket.send(BasicNack(deliveryTag: tag, requeue: true))
        default:
            let isDeadLettering = ledger.queues[queue]?.name == "a" && ledger.queues[queue]?.isDeleted == false
            let isDeadStored = isDeadLettering && body.hasPrefix("p")
            ledger.reject(body, queue, dead: isDeadStored ? numbers["dead"] : nil)
            client.unacked[tag] = nil
            client.socket.send(BasicReject(deliveryTag: tag, requeue: false))
        }
    }

    private func get(_ client: DurableClient) {
        guard let (name, number) = pickQueue() else { return }
        let noAck = random.chance(30)
        client.waiting = .get(number, noAck: noAck)
        client.socket.send(BasicGet(queue: ShortString(truncating: name), noAck: noAck))
    }

    private func consume(_ client: DurableClient) {
        guard let (name, number) = pickQueue(), client.consumers.count < 3 else { return }
        client.consumerCount += 1
        let tag = ShortString(truncating: "\(client.consumerCount)")
        let noAck = random.chance(20)
        client.consumers[tag] = (number, noAck)
        client.waiting = .answer
        client.socket.send(BasicConsume(queue: ShortString(truncating: name), consumerTag: tag, noAck: noAck))
    }

    private func cancel(_ client: DurableClient) {
        guard let tag = client.consumers.keys.sorted().first else { return }
        client.waiting = .cancel(tag)
        client.socket.send(BasicCancel(consumerTag: tag))
    }

    private func purge(_ client: DurableClient) {
        guard random.chance(30), let (name, number) = pickQueue() else { return }
        client.waiting = .answer
        client.socket.send(QueuePurge(queue: ShortString(truncating: name)))
        let held = clients.flatMap { $0.unacked.values }.filter { $0.queue == number }.map(\.body)
        collect()
        ledger.purge(number, held: Set(held))
    }

    private func declare(_ name: String, _ client: DurableClient) {
        guard numbers[name] == nil else { return }
        let durability = name == "c" ? "flush" : name == "d" ? "memory" : "sync"
        var arguments: FieldTable = ["x-durability": .string(durability)]
        if name == "b" { arguments = ["x-queue-type": .string("quorum"), "x-delivery-limit": .int32(-1)] }
        if name == "a" {
            arguments["x-dead-letter-exchange"] = .string("")
            arguments["x-dead-letter-routing-key"] = .string("dead")
        }
        let number = broker.nextJournalNumber
        client.waiting = .declare(number)
        client.socket.send(
            QueueDeclare(queue: ShortString(truncating: name), durable: true, arguments: arguments))
        numbers[name] = number
        ledger.queues[number] = DurableLedger.Queue(
            name: name, isStored: name != "d", isPromised: name == "a" || name == "b" || name == "dead")
    }

    private func delete(_ client: DurableClient) {
        guard random.chance(40), let (name, number) = pickQueue() else { return }
        client.waiting = .answer
        client.socket.send(QueueDelete(queue: ShortString(truncating: name)))
        ledger.delete(number)
        numbers[name] = nil
        bound.remove(name)
    }

    private func bind(_ client: DurableClient) {
        guard let (name, _) = pickQueue() else { return }
        let queue = ShortString(truncating: name)
        client.waiting = .answer
        if bound.remove(name) != nil {
            client.socket.send(QueueUnbind(queue: queue, exchange: "amq.fanout"))
        } else {
            bound.insert(name)
            client.socket.send(QueueBind(queue: queue, exchange: "amq.fanout"))
        }
    }

    private func pickQueue() -> (String, UInt32)? {
        let names = Self.queueNames.filter { numbers[$0] != nil }
        guard !names.isEmpty else { return nil }
        let name = random.pick(names)
        return numbers[name].map { (name, $0) }
    }

    // MARK: Answers

    private func collect() {
        for client in clients {
            for received in client.socket.takeAll() { take(received, client) }
        }
    }

    private func take(_ received: Received, _ client: DurableClient) {
        guard case .method(let method, _, let content) = received else {
            Issue.record("\(received)")
            return
        }
        let body = content.map { String(decoding: $0.body, as: UTF8.self) } ?? ""
        switch (method, client.waiting) {
        case (.basicAck(let ack), _):
            while let (tag, body) = client.unconfirmed.first, tag <= ack.deliveryTag {
                ledger.confirm(body)
                client.unconfirmed.removeFirst()
            }
        case (.basicDeliver(let deliver), _):
            guard let (queue, noAck) = client.consumers[deliver.consumerTag] else {
                Issue.record("a delivery for \(deliver.consumerTag)")
                return
            }
            ledger.deliver(body, from: queue, noAck: noAck, redelivered: deliver.redelivered)
            if !noAck { client.unacked[deliver.deliveryTag] = (queue, body) }
        case (.basicGetOk(let got), .get(let queue, let noAck)):
            ledger.deliver(body, from: queue, noAck: noAck, redelivered: got.redelivered)
            if !noAck { client.unacked[got.deliveryTag] = (queue, body) }
            client.waiting = nil
        case (.basicCancel(let cancel), _): client.consumers[cancel.consumerTag] = nil
        case (.basicCancelOk, .cancel(let tag)):
            client.consumers[tag] = nil
            client.waiting = nil
        case (.queueDeclareOk, .declare(let number)):
            ledger.queues[number]?.isDeclared = true
            client.waiting = nil
        case (.channelClose, _): end(client)
        case (_, nil): Issue.record("\(received) was not asked for")
        default: client.waiting = nil
        }
    }
}

private final class DurableClient {
    enum Waiting {
        case answer
        case get(UInt32, noAck: Bool)
        case cancel(ShortString)
        case declare(UInt32)
    }

    let socket: ConversationClient
    var latestPublish: UInt64 = 0
    var unconfirmed: [(tag: UInt64, body: String)] = []
    var unacked: [UInt64: (queue: UInt32, body: String)] = [:]
    var consumers: [ShortString: (queue: UInt32, noAck: Bool)] = [:]
    var consumerCount = 0
    /// The channel reads nothing until this is answered.
    var waiting: Waiting?

    init(_ socket: ConversationClient) { self.socket = socket }
}
