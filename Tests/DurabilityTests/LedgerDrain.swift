@testable import LeveretClient

/// Empties every queue of a round on one connection, and compares what comes with the ledger.
struct LedgerDrain {
    private static let patienceSeconds = 60

    let port: Int
    let shape: LedgerShape
    let ledger: SharedLedger

    func run() async throws {
        let connection = try await connect(port: port)
        // A queue that owes messages and sends none is a finding, not a hang.
        let watchdog = Task {
            try await Task.sleep(for: .seconds(Self.patienceSeconds))
            connection.core.abort()
        }
        defer { watchdog.cancel() }
        var settlements: [(message: LedgerMessage, queue: Int)] = []
        for queue in 0...shape.queueCount {
            for message in try await drain(queue, on: connection) { settlements.append((message, queue)) }
        }
        ledger.with { $0.checkNothingIsMissing() }

        let channel = try await connection.channel()
        try await channel.enableConfirms()
        // There it is, unless it is lost; then it has been reported.
        try await channel.declareQueue(shape.name(queue: shape.coverQueue))
        let publisher = ledger.with { $0.addPublisher() }
        try await ledger.publishCover(of: settlements, publisher: publisher, on: channel, shape)
        try await connection.close()
    }

    /// Takes and acknowledges all that the queue has.
    private func drain(_ queue: Int, on connection: Connection) async throws -> [LedgerMessage] {
        let name = shape.name(queue: queue)
        let channel = try await connection.channel()
        let consumer = ledger.with { $0.addConsumer() }
        var messages: [LedgerMessage] = []
        guard let count = try await count(name, channel) else {
            ledger.with { $0.violate(.topology, "queue \(queue) is gone") }
            return []
        }
        if count > 0 {
            let deliveries = try await channel.consume(queue: name, prefetch: 0)
            var iterator = deliveries.makeAsyncIterator()
            for taken in 0..<count {
                guard let delivery = try? await iterator.next() else {
                    ledger.with { $0.violate(.failure, "queue \(queue) counts \(count) messages and sends \(taken)") }
                    break
                }
                if let message = ledger.with({ note(delivery, queue, consumer, &$0) }) { messages.append(message) }
                // Not all at the end: a broker short of memory lets nobody hold more than some of it.
                if taken == count - 1 || taken % 500 == 499 { try await delivery.ack(multiple: true) }
            }
            try await deliveries.cancel()
        }
        if let delivery = try await channel.get(queue: name) {
            ledger.with { $0.violate(.failure, "queue \(queue) counts \(count) messages and has more") }
            _ = ledger.with { note(delivery, queue, consumer, &$0) }
        }
        try await channel.close()
        return messages
    }

    /// How many messages the queue has; nil when there is none of that name.
    private func count(_ name: String, _ channel: Channel) async throws -> Int? {
        do {
            return try await channel.declareQueue(name, options: .passive).messageCount
        } catch let error as LeveretError where error.replyCode == 404 {
            return nil
        }
    }

    /// Writes a delivery down, and that it will be acknowledged.
    private func note(_ delivery: Delivery, _ queue: Int, _ consumer: Int, _ ledger: inout Ledger) -> LedgerMessage? {
        let message = ledger.note(delivery, seed: self.ledger.seed, queue: queue, consumer: consumer)
        if let message { ledger.willSettle(message, queue: queue) }
        return message
    }

    /// Waits until the broker knows that nobody consumes any more: what was unacked is back in its queue then.
    func waitUntilNobodyConsumes() async throws {
        let connection = try await connect(port: port)
        let channel = try await connection.channel()
        for queue in 0...shape.queueCount {
            while try await channel.declareQueue(shape.name(queue: queue), options: .passive).consumerCount > 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        try await connection.close()
    }
}
