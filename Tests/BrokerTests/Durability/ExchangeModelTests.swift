import AMQPWire
import Broker
import SplitMix
import Testing

/// Random use of durable exchanges of all kinds, with kills, compared with a naive model.
@Suite struct ExchangeModelTests {
    @Test(arguments: Seeds.first(20))
    func exchangesOfAllKindsRouteLikeTheNaiveModel(seed: UInt64) {
        let node = KilledBroker()
        var run = ExchangeRun(seed: seed)
        for _ in 0..<4 {
            let shards = 1 + run.random.below(3)
            node.live(shards: shards, elapsedMilliseconds: run.model.now) { broker in
                run.begin(broker)
                for _ in 0..<60 { run.step() }
                if run.random.chance(50) { run.checkContents() }
            }
            run.model.kill()
        }
        node.live(elapsedMilliseconds: run.model.now) { broker in
            run.begin(broker)
            run.checkContents()
            run.advance(20_000)
            run.checkContents()
        }
    }
}

private struct ExchangeRun {
    private static let exchangeNames = ["e1", "e2", "e3", "e4", "e5"]
    private static let queueNames = ["q1", "q2", "q3"]
    private static let keys = ["a", "b", "c"]

    var random: SplitMix64
    var model = ExchangeModel(now: 0)
    private var broker: Conversation?
    private var clients: [ConversationClient] = []
    private var bodyCount = 0

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    mutating func begin(_ broker: Conversation) {
        self.broker = broker
        clients = broker.shards.indices.map { broker.connect(shard: $0) }
    }

    private mutating func client() -> ConversationClient { random.pick(clients) }

    mutating func step() {
        switch random.below(100) {
        case 0..<10: declareExchange()
        case 10..<12: deleteExchange()
        case 12..<17: declareQueue()
        case 17..<18: deleteQueue()
        case 18..<36: bind()
        case 36..<40: unbind()
        case 40..<90: publish()
        case 90..<97: advance(UInt64(1 + random.below(4)) * 1000)
        default: checkContents()
        }
    }

    private func short(_ text: String) -> ShortString { ShortString(truncating: text) }

    // MARK: Topology

    private mutating func declareExchange() {
        let name = random.pick(Self.exchangeNames)
        guard model.exchanges[name] == nil else { return }
        let matching = random.pick(["direct", "fanout", "topic"])
        var arguments = FieldTable()
        var exchange = ExchangeModel.Exchange(
            matching: matching, gate: .none, alternate: random.chance(40) ? random.pick(Self.exchangeNames) : nil)
        if let alternate = exchange.alternate { arguments["alternate-exchange"] = .string(alternate) }
        var type = matching
        switch random.below(6) {
        case 0:
            type = "x-delayed-message"
            arguments["x-delayed-type"] = .string(matching)
            exchange = .init(matching: matching, gate: .delay, alternate: exchange.alternate)
        case 1:
            type = "x-recent-history"
            let length = 1 + random.below(4)
            arguments["x-recent-history-length"] = .int32(Int32(length))
            exchange = .init(matching: "fanout", gate: .history(length: length), alternate: exchange.alternate)
        case 2:
            type = "x-message-deduplication"
            let size = 1 + random.below(4)
            let ttl: UInt64? = random.chance(50) ? UInt64(1 + random.below(3)) * 1000 : nil
            let isPersistent = random.chance(50)
            arguments["x-cache-size"] = .int32(Int32(size))
            if let ttl { arguments["x-cache-ttl"] = .int64(Int64(ttl)) }
            arguments["x-cache-persistence"] = .string(isPersistent ? "disk" : "memory")
            exchange = .init(
                matching: "fanout", gate: .deduplication(size: size, ttlMilliseconds: ttl, isPersistent: isPersistent),
                alternate: exchange.alternate)
        default: break
        }
        model.exchanges[name] = exchange
        client().request(
            ExchangeDeclare(exchange: short(name), type: short(type), durable: true, arguments: arguments),
            ExchangeDeclareOk())
    }

    private mutating func deleteExchange() {
        let name = random.pick(Self.exchangeNames)
        model.removeExchange(name)
        client().request(ExchangeDelete(exchange: short(name)), ExchangeDeleteOk())
    }

    private mutating func declareQueue() {
        let name = random.pick(Self.queueNames)
        guard model.queues[name] == nil else { return }
        model.queues[name] = []
        client().declare(QueueDeclare(queue: short(name), durable: true))
    }

    private mutating func deleteQueue() {
        let name = random.pick(Self.queueNames)
        model.removeQueue(name)
        let client = client()
        client.send(QueueDelete(queue: short(name)))
        #expect(client.expect(QueueDeleteOk.self) != nil)
    }

    private mutating func bind() {
        guard let source = model.exchanges.keys.sorted().randomElement(using: &random) else { return }
        let key = random.pick(Self.keys + ["#"])
        if random.chance(75) {
            guard let queue = model.queues.keys.sorted().randomElement(using: &random) else { return }
            model.bind(.init(source: source, destination: queue, isToQueue: true, key: key))
            client().request(
                QueueBind(queue: short(queue), exchange: short(source), routingKey: short(key)), QueueBindOk())
        } else if let destination = model.exchanges.keys.sorted().randomElement(using: &random) {
            model.bind(.init(source: source, destination: destination, isToQueue: false, key: key))
            client().request(
                ExchangeBind(destination: short(destination), source: short(source), routingKey: short(key)),
                ExchangeBindOk())
        }
    }

    private mutating func unbind() {
        guard let binding = model.bindings.randomElement(using: &random) else { return }
        model.bindings.removeAll { $0 == binding }
        if binding.isToQueue {
            client().request(
                QueueUnbind(
                    queue: short(binding.destination), exchange: short(binding.source), routingKey: short(binding.key)),
                QueueUnbindOk())
        } else {
            client().request(
                ExchangeUnbind(
                    destination: short(binding.destination), source: short(binding.source),
                    routingKey: short(binding.key)),
                ExchangeUnbindOk())
        }
    }

    // MARK: Messages

    private mutating func publish() {
        guard let exchange = model.exchanges.keys.sorted().randomElement(using: &random) else { return }
        bodyCount += 1
        let copies = random.chance(20) ? [random.pick(Self.keys)] : []
        let hidden = random.chance(10) ? [random.pick(Self.keys)] : []
        // No two are due at once: gates on several shards would act in any order.
        let delay: UInt64? = random.chance(30) ? UInt64(random.below(4)) * 1000 + UInt64(bodyCount) : nil
        let message = ExchangeModel.Message(
            body: "m\(bodyCount)", key: random.pick(Self.keys), copies: copies + hidden,
            isPersistent: random.chance(60),
            delayMilliseconds: delay, header: random.chance(50) ? "d\(random.below(4))" : nil,
            isRemembered: random.chance(80))
        var headers = FieldTable()
        func array(_ keys: [String]) -> FieldValue { .array(keys.map { .string($0) }) }
        if !copies.isEmpty { headers["CC"] = array(copies) }
        if !hidden.isEmpty { headers["BCC"] = array(hidden) }
        if let delay { headers["x-delay"] = .int64(Int64(delay)) }
        if let header = message.header { headers["x-deduplication-header"] = .string(header) }
        if !message.isRemembered { headers["x-recent-history-no-store"] = .bool(true) }
        var properties = BasicProperties()
        if !headers.isEmpty { properties.headers = headers }
        properties.deliveryMode = message.isPersistent ? 2 : 1
        model.send(message, to: exchange)
        client().publish(
            message.body, exchange: short(exchange), routingKey: short(message.key), properties: properties)
    }

    mutating func advance(_ milliseconds: UInt64) {
        let end = model.now + milliseconds
        while let due = model.nextDue(until: end) { pass(to: due) }
        pass(to: end)
    }

    private mutating func pass(to time: UInt64) {
        broker?.advance(milliseconds: time - model.now)
        model.passTime(to: time)
    }

    /// Takes everything out of all queues.
    mutating func checkContents() {
        for queue in model.queues.keys.sorted() {
            let client = client()
            var found: [String] = []
            while true {
                client.send(BasicGet(queue: short(queue), noAck: true))
                guard case .method(.basicGetOk, _, let content?)? = client.takeAll().first else { break }
                found.append(String(decoding: content.body, as: UTF8.self))
            }
            #expect(found.sorted() == model.queues[queue]?.map(\.body).sorted(), "in \(queue)")
            model.queues[queue] = []
        }
    }
}
