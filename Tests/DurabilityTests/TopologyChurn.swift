import LeveretClient
import SplitMix
import Synchronization

/// Declares, binds, unbinds and deletes durable things one after the other, and knows what a broker has promised: what
/// was answered with ok holds after a restart, what was under way may hold or not.
///
/// The queues, exchanges and bindings are few, so that names are used again and again.
final class TopologyChurn: Sendable {
    private enum Presence {
        case absent
        case present
        /// An answer never came.
        case unknown
    }

    private struct Promises {
        var queues = [Presence](repeating: .absent, count: queueCount)
        var exchanges = [Presence](repeating: .absent, count: exchangeCount)
        /// By queue, then by exchange.
        var bindings = [[Presence]](
            repeating: [Presence](repeating: .absent, count: exchangeCount), count: queueCount)
        /// How many messages each queue has: at least and at most.
        var messages = [ClosedRange<Int>](repeating: 0...0, count: queueCount)
    }

    private static let queueCount = 6
    private static let exchangeCount = 3

    private let promises = Mutex(Promises())
    private let stepCounter = Atomic<Int>(0)

    /// Steps that were answered.
    var stepCount: Int { stepCounter.load(ordering: .relaxed) }

    private static func name(queue: Int) -> String { "churn.queue.\(queue)" }
    private static func name(exchange: Int) -> String { "churn.exchange.\(exchange)" }
    /// Each queue has a routing key of its own.
    private static func key(_ queue: Int) -> String { "to.\(queue)" }

    /// One step after the other, until the connection ends: then it throws.
    func run(port: Int, seed: UInt64) async throws {
        var random = SplitMix64(seed: seed, branch: 1000)
        let channel = try await connect(port: port).channel()
        try await channel.enableConfirms()
        while true {
            let queue = random.below(Self.queueCount)
            let exchange = random.below(Self.exchangeCount)
            switch random.below(100) {
            case 0..<25: try await declare(queue: queue, channel)
            case 25..<40: try await declare(exchange: exchange, channel)
            case 40..<60: try await bind(queue, to: exchange, channel)
            case 60..<70: try await unbind(queue, from: exchange, channel)
            case 70..<85: try await publish(to: queue, channel)
            case 85..<95: try await delete(queue: queue, channel)
            default: try await delete(exchange: exchange, channel)
            }
            stepCounter.add(1, ordering: .relaxed)
        }
    }

    private func declare(queue: Int, _ channel: Channel) async throws {
        promises.withLock { if $0.queues[queue] == .absent { $0.queues[queue] = .unknown } }
        try await channel.declareQueue(Self.name(queue: queue))
        promises.withLock { $0.queues[queue] = .present }
    }

    private func declare(exchange: Int, _ channel: Channel) async throws {
        promises.withLock { if $0.exchanges[exchange] == .absent { $0.exchanges[exchange] = .unknown } }
        try await channel.declareExchange(Self.name(exchange: exchange))
        promises.withLock { $0.exchanges[exchange] = .present }
    }

    private func bind(_ queue: Int, to exchange: Int, _ channel: Channel) async throws {
        let isPossible = promises.withLock { promises in
            guard promises.queues[queue] == .present, promises.exchanges[exchange] == .present else { return false }
            if promises.bindings[queue][exchange] == .absent { promises.bindings[queue][exchange] = .unknown }
            return true
        }
        guard isPossible else { return }
        try await channel.bindQueue(
            Self.name(queue: queue), to: Self.name(exchange: exchange), routingKey: Self.key(queue))
        promises.withLock { $0.bindings[queue][exchange] = .present }
    }

    private func unbind(_ queue: Int, from exchange: Int, _ channel: Channel) async throws {
        let isPossible = promises.withLock { promises in
            guard promises.queues[queue] == .present, promises.exchanges[exchange] == .present else { return false }
            if promises.bindings[queue][exchange] == .present { promises.bindings[queue][exchange] = .unknown }
            return true
        }
        guard isPossible else { return }
        try await channel.unbindQueue(
            Self.name(queue: queue), from: Self.name(exchange: exchange), routingKey: Self.key(queue))
        promises.withLock { $0.bindings[queue][exchange] = .absent }
    }

    private func publish(to queue: Int, _ channel: Channel) async throws {
        let isPossible = promises.withLock { promises in
            guard promises.queues[queue] == .present else { return false }
            let messages = promises.messages[queue]
            promises.messages[queue] = messages.lowerBound...(messages.upperBound + 1)
            return true
        }
        guard isPossible else { return }
        try await channel.publishConfirmed(
            body: "churn", routingKey: Self.name(queue: queue), properties: .persistent)
        promises.withLock { promises in
            let messages = promises.messages[queue]
            promises.messages[queue] = (messages.lowerBound + 1)...messages.upperBound
        }
    }

    /// The queue's messages and bindings go with it.
    private func delete(queue: Int, _ channel: Channel) async throws {
        promises.withLock { promises in
            if promises.queues[queue] == .present { promises.queues[queue] = .unknown }
            promises.messages[queue] = 0...promises.messages[queue].upperBound
            for exchange in 0..<Self.exchangeCount where promises.bindings[queue][exchange] == .present {
                promises.bindings[queue][exchange] = .unknown
            }
        }
        try await channel.deleteQueue(Self.name(queue: queue))
        promises.withLock { promises in
            promises.queues[queue] = .absent
            promises.messages[queue] = 0...0
            for exchange in 0..<Self.exchangeCount { promises.bindings[queue][exchange] = .absent }
        }
    }

    private func delete(exchange: Int, _ channel: Channel) async throws {
        promises.withLock { promises in
            if promises.exchanges[exchange] == .present { promises.exchanges[exchange] = .unknown }
            for queue in 0..<Self.queueCount where promises.bindings[queue][exchange] == .present {
                promises.bindings[queue][exchange] = .unknown
            }
        }
        try await channel.deleteExchange(Self.name(exchange: exchange))
        promises.withLock { promises in
            promises.exchanges[exchange] = .absent
            for queue in 0..<Self.queueCount { promises.bindings[queue][exchange] = .absent }
        }
    }

    /// Compares all promises with what a restarted broker has, and deletes everything.
    ///
    /// - Returns: what is wrong, a sentence each.
    func check(port: Int) async throws -> [String] {
        let connection = try await connect(port: port)
        let expected = promises.withLock { $0 }
        var findings: [String] = []
        func compare(_ promised: Presence, _ found: Bool, _ name: String) {
            if promised == .present, !found { findings.append("\(name) is gone, and its ok had come") }
            if promised == .absent, found { findings.append("\(name) is there, and the ok of its end had come") }
        }
        for queue in 0..<Self.queueCount {
            let name = Self.name(queue: queue)
            let count = try await Self.found { try await connection.channel().declareQueue(name, options: .passive) }
            compare(expected.queues[queue], count != nil, name)
            if let count = count?.messageCount, !expected.messages[queue].contains(count) {
                findings.append("\(name) has \(count) messages, expected \(expected.messages[queue])")
            }
        }
        for exchange in 0..<Self.exchangeCount {
            let name = Self.name(exchange: exchange)
            let isFound: Void? = try await Self.found {
                try await connection.channel().declareExchange(name, options: ExchangeOptions(passive: true))
            }
            compare(expected.exchanges[exchange], isFound != nil, name)
            for queue in 0..<Self.queueCount where isFound != nil {
                let isRouted = try await isRouted(Self.key(queue), name, on: connection)
                compare(expected.bindings[queue][exchange], isRouted, "the binding of \(name) to queue \(queue)")
            }
        }
        let channel = try await connection.channel()
        for queue in 0..<Self.queueCount { try await channel.deleteQueue(Self.name(queue: queue)) }
        for exchange in 0..<Self.exchangeCount { try await channel.deleteExchange(Self.name(exchange: exchange)) }
        try await connection.close()
        promises.withLock { $0 = Promises() }
        return findings
    }

    /// The answer, or nil when there is no such thing.
    private static func found<Answer>(_ ask: () async throws -> Answer) async throws -> Answer? {
        do {
            return try await ask()
        } catch let error as LeveretError where error.replyCode == 404 {
            return nil
        }
    }

    /// A mandatory message comes back when no binding takes it.
    private func isRouted(_ key: String, _ exchange: String, on connection: Connection) async throws -> Bool {
        let channel = try await connection.channel()
        try await channel.enableConfirms()
        do {
            try await channel.publishConfirmed(body: "probe", exchange: exchange, routingKey: key, mandatory: true)
        } catch let error as LeveretError where error.code == .returned {
            try await channel.close()
            return false
        }
        try await channel.close()
        return true
    }
}
