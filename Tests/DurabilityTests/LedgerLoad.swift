import LeveretClient
import Logging
import SplitMix
import Synchronization

/// Where a round's messages go.
enum LedgerShape: CaseIterable, Sendable {
    case oneQueue
    case twentyQueues
    case fanout

    static let fanoutExchange = "ledger.fanout"

    /// Queues that publishers publish to; behind them comes the one for covering publishes.
    var queueCount: Int {
        switch self {
        case .oneQueue: 1
        case .twentyQueues: 20
        case .fanout: 5
        }
    }

    var queuesPerMessage: Int { self == .fanout ? queueCount : 1 }
    var exchange: String { self == .fanout ? Self.fanoutExchange : "" }
    /// The queue for messages whose confirm covers settlements.
    var coverQueue: Int { queueCount }

    func name(queue: Int) -> String { queue == coverQueue ? "ledger.cover" : "ledger.\(queue)" }

    /// The queues that each consuming connection takes from. Some queues have two consumers, some none.
    var consumedQueues: [[Int]] {
        switch self {
        case .oneQueue: [[0], [0]]
        case .twentyQueues: [[0, 4, 8, 12, 16], [0, 3, 7, 11, 15]]
        case .fanout: [[0, 1], [0, 2]]
        }
    }

    /// Declares everything; what is there already must be there with the same options.
    func declare(port: Int) async throws {
        // A queue lives on its declarer's shard, and connections are spread over the shards.
        var connections: [Connection] = []
        for _ in 0..<min(4, queueCount) { connections.append(try await connect(port: port)) }
        for queue in 0...queueCount {
            let channel = try await connections[queue % connections.count].channel()
            try await channel.declareQueue(name(queue: queue))
            try await channel.close()
        }
        if self == .fanout {
            let channel = try await connections[0].channel()
            try await channel.declareExchange(exchange, type: .fanout)
            for queue in 0..<queueCount { try await channel.bindQueue(name(queue: queue), to: exchange) }
        }
        for connection in connections { try await connection.close() }
    }
}

func connect(port: Int) async throws -> Connection {
    // Brokers are killed all the time here: that is nothing to be warned of.
    try await Connection.connect(
        ConnectionOptions(port: port, heartbeatSeconds: 0, connectTimeoutSeconds: 30),
        logger: Logger(label: "leveret.client") { _ in SwiftLogNoOpLogHandler() })
}

/// The ledger, for the tasks of a round.
final class SharedLedger: Sendable {
    let seed: UInt64
    private let ledger = Mutex(Ledger())

    init(seed: UInt64) { self.seed = seed }

    func with<Result: Sendable>(_ body: (inout Ledger) -> Result) -> Result {
        ledger.withLock { ledger in body(&ledger) }
    }
}

/// Publishers and consumers on one life of a broker, until it ends.
final class LedgerLoad: Sendable {
    private static let publisherCount = 3
    /// Messages of a publisher that may wait for their confirm.
    private static let window = 200
    private static let batchLimit = 40
    /// So that the way back to an empty queue stays short.
    private static let messagesPerPublisher = 8000
    /// Publishers that pause as long between two batches leave the broker time to catch up.
    private static let pauseMilliseconds = [0, 0, 2, 5, 10]

    private let port: Int
    private let shape: LedgerShape
    private let ledger: SharedLedger
    private let seed: UInt64
    private let hasLargeBodies: Bool
    /// From now on errors are what is to be expected.
    private let endIsNear = Atomic<Bool>(false)
    private let connections = Mutex<[Connection]>([])

    /// - Parameter seed: of this life.
    init(port: Int, shape: LedgerShape, ledger: SharedLedger, seed: UInt64, hasLargeBodies: Bool) {
        self.port = port
        self.shape = shape
        self.ledger = ledger
        self.seed = seed
        self.hasLargeBodies = hasLargeBodies
    }

    /// The broker is about to be killed, or the connections are.
    func expectEnd() { endIsNear.store(true, ordering: .sequentiallyConsistent) }

    var isEnding: Bool { endIsNear.load(ordering: .sequentiallyConsistent) }

    /// Closes all connections. What was published has arrived then.
    func closeConnections() async {
        for connection in connections.withLock({ $0 }) { try? await connection.close() }
    }

    /// Runs until every connection has ended.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<Self.publisherCount {
                group.addTask { await self.guarded("a publisher") { try await self.publish(branch: number) } }
            }
            for (number, queues) in shape.consumedQueues.enumerated() {
                group.addTask {
                    await self.guarded("a consumer") { try await self.consume(queues, branch: 100 * (number + 1)) }
                }
            }
        }
    }

    private func guarded(_ name: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch {
            guard !isEnding else { return }
            ledger.with { $0.violate(.failure, "\(name) failed while the broker should run: \(error)") }
        }
    }

    private func connect() async throws -> Connection {
        let connection = try await DurabilityTests.connect(port: port)
        connections.withLock { $0.append(connection) }
        return connection
    }

    // MARK: Publishing

    private func publish(branch: Int) async throws {
        var random = SplitMix64(seed: seed, branch: branch)
        let channel = try await connect().channel()
        try await channel.enableConfirms()
        let publisher = ledger.with { $0.addPublisher(queueCount: shape.queuesPerMessage) }
        await withTaskGroup(of: Int.self) { group in
            let pause = Self.pauseMilliseconds[random.below(Self.pauseMilliseconds.count)]
            var unconfirmed = 0
            var rest = Self.messagesPerPublisher
            while rest > 0 {
                let count = 1 + random.below(Self.batchLimit)
                rest -= count
                guard let last = await publishBatch(of: count, by: publisher, on: channel, &random) else { break }
                unconfirmed += count
                group.addTask {
                    await self.guarded("a confirm") {
                        try await channel.waitForConfirms()
                        self.ledger.with { $0.confirmed(upTo: last) }
                    }
                    return count
                }
                if pause > 0 { try? await Task.sleep(for: .milliseconds(pause)) }
                while unconfirmed > Self.window, let count = await group.next() { unconfirmed -= count }
            }
        }
    }

    /// Returns the last message; nil when the connection ended.
    private func publishBatch(
        of count: Int, by publisher: Int, on channel: Channel, _ random: inout SplitMix64
    ) async -> LedgerMessage? {
        var last: LedgerMessage?
        for _ in 0..<count {
            let queue = shape == .twentyQueues ? random.below(shape.queueCount) : 0
            let message = ledger.with { $0.willPublish(publisher, queue: queue) }
            let body = LedgerBody.make(message, seed: ledger.seed, fillingByteCount: filling(&random))
            last = nil
            await guarded("a publish") {
                try await channel.publish(
                    body: body, exchange: shape.exchange, routingKey: shape.name(queue: queue), properties: .persistent)
                last = message
            }
            if last == nil { return nil }
        }
        return last
    }

    /// Small ones mostly; now and then one that takes several frames.
    private func filling(_ random: inout SplitMix64) -> Int {
        switch random.below(1000) {
        case 0: 100_000 + random.below(100_000)
        case 1..<100: random.below(4000)
        default: hasLargeBodies ? 6000 : random.below(200)
        }
    }

    // MARK: Consuming

    private typealias Settlement = (message: LedgerMessage, queue: Int)

    /// What was settled on one connection since the last publish whose confirm shall cover it.
    private final class Uncovered: Sendable {
        private let settlements = Mutex<[Settlement]>([])

        func append(_ settled: [LedgerMessage], queue: Int) {
            settlements.withLock { $0 += settled.map { ($0, queue) } }
        }

        func take() -> [Settlement] {
            settlements.withLock { settlements in
                defer { settlements = [] }
                return settlements
            }
        }
    }

    private func consume(_ queues: [Int], branch: Int) async throws {
        let connection = try await connect()
        let uncovered = Uncovered()
        await withTaskGroup(of: Void.self) { group in
            for (number, queue) in queues.enumerated() {
                group.addTask {
                    await self.guarded("a consumer") {
                        try await self.consume(queue, on: connection, branch: branch + number, uncovered)
                    }
                }
            }
        }
    }

    /// A confirm on the consumer's connection that settlements can be covered by.
    private struct Cover {
        let channel: Channel
        let publisher: Int
    }

    private func consume(_ queue: Int, on connection: Connection, branch: Int, _ uncovered: Uncovered) async throws {
        var random = SplitMix64(seed: seed, branch: branch)
        let channel = try await connection.channel()
        // The contract is about the connection: the covering publish may come on any of its channels.
        let cover = Cover(
            channel: random.chance(50) ? channel : try await connection.channel(),
            publisher: ledger.with { $0.addPublisher() })
        try await cover.channel.enableConfirms()
        let consumer = ledger.with { $0.addConsumer() }
        let prefetch = UInt16([5, 100, 100, 100, 250][random.below(5)])
        // Delivered here and not settled, in order.
        var held: [LedgerMessage] = []
        for try await delivery in try await channel.consume(queue: shape.name(queue: queue), prefetch: prefetch) {
            // Where connections end one after the other, what the first had goes to the next.
            if isEnding { break }
            guard let message = note(delivery, queue: queue, consumer: consumer) else { continue }
            let choice = random.below(100)
            if choice < 10 || held.count + 1 >= Int(prefetch) {
                held.append(message)
                try await settle(held, queue, uncovered) { try await delivery.ack(multiple: true) }
                held = []
            } else if choice < 50 {
                held.append(message)
            } else if choice < 55 {
                // The queue's owner writes it down, who may dead-letter: a confirm covers acks only.
                ledger.with { $0.willSettle(message, queue: queue) }
                try await delivery.reject(requeue: false)
            } else {
                try await settle([message], queue, uncovered) { try await delivery.ack() }
            }
            if random.chance(3) { try await confirm(uncovered, cover) }
        }
    }

    private func note(_ delivery: Delivery, queue: Int, consumer: Int) -> LedgerMessage? {
        ledger.with { $0.note(delivery, seed: ledger.seed, queue: queue, consumer: consumer) }
    }

    private func settle(
        _ messages: [LedgerMessage], _ queue: Int, _ uncovered: Uncovered, _ send: () async throws -> Void
    ) async throws {
        ledger.with { ledger in for message in messages { ledger.willSettle(message, queue: queue) } }
        try await send()
        uncovered.append(messages, queue: queue)
    }

    /// Publishes, and counts as covered what was settled before, once the confirm is here.
    private func confirm(_ uncovered: Uncovered, _ cover: Cover) async throws {
        let settlements = uncovered.take()
        try await ledger.publishCover(of: settlements, publisher: cover.publisher, on: cover.channel, shape)
    }
}

extension SharedLedger {
    /// Publishes to the cover queue. The settlements were made on the same connection before.
    func publishCover(
        of settlements: [(message: LedgerMessage, queue: Int)], publisher: Int, on channel: Channel,
        _ shape: LedgerShape
    ) async throws {
        let message = with { $0.willPublish(publisher, queue: shape.coverQueue) }
        try await channel.publishConfirmed(
            body: LedgerBody.make(message, seed: seed, fillingByteCount: 0),
            routingKey: shape.name(queue: shape.coverQueue), properties: .persistent)
        with { ledger in
            ledger.confirmed(upTo: message)
            for settlement in settlements { ledger.covered(settlement.message, queue: settlement.queue) }
        }
    }
}

extension Ledger {
    /// Writes down a delivery. Returns nil when it is none of the round's messages.
    mutating func note(_ delivery: Delivery, seed: UInt64, queue: Int, consumer: Int) -> LedgerMessage? {
        switch LedgerBody.read(delivery.body, seed: seed) {
        case .success(let message):
            delivered(message, queue: queue, consumer: consumer, isRedelivered: delivery.isRedelivered)
            return message
        case .failure(let violation):
            violate(.neverPublished, "queue \(queue): \(violation)")
            return nil
        }
    }
}
