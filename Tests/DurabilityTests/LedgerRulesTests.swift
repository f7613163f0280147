import Testing

/// The ledger is only worth what it finds.
@Suite struct LedgerRulesTests {
    private typealias Story = @Sendable (inout Ledger) -> Void

    /// A publisher whose messages 0, 1 and 2 are confirmed and in queue 0, and a consumer.
    private static func start(_ ledger: inout Ledger) -> [LedgerMessage] {
        let publisher = ledger.addPublisher()
        let messages = (0..<3).map { _ in ledger.willPublish(publisher, queue: 0) }
        ledger.confirmed(upTo: messages[2])
        return messages
    }

    private static func drain(_ ledger: inout Ledger, _ messages: [LedgerMessage], isRedelivered: Bool = false) {
        let consumer = ledger.addConsumer()
        for message in messages {
            ledger.delivered(message, queue: 0, consumer: consumer, isRedelivered: isRedelivered)
        }
        ledger.checkNothingIsMissing()
    }

    private static func findings(_ story: Story) -> [Ledger.Kind] {
        var ledger = Ledger()
        story(&ledger)
        return Ledger.Kind.allCases.filter { ledger.count($0) > 0 }
    }

    @Test func goodBrokersAreNotBlamed() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                let unconfirmed = [0, 1].map { _ in ledger.willPublish(messages[0].publisher, queue: 0) }
                let consumer = ledger.addConsumer()
                ledger.delivered(messages[0], queue: 0, consumer: consumer, isRedelivered: false)
                ledger.willSettle(messages[0], queue: 0)
                ledger.covered(messages[0], queue: 0)
                // Settled without cover: may come back.
                ledger.delivered(messages[1], queue: 0, consumer: consumer, isRedelivered: false)
                ledger.willSettle(messages[1], queue: 0)
                ledger.beginLife()
                // Never seen by anybody here: redelivered or not, after a crash.
                Self.drain(&ledger, [messages[1], messages[2], unconfirmed[1]], isRedelivered: true)
            } == [])
    }

    @Test func lossIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                ledger.beginLife()
                Self.drain(&ledger, [messages[0], messages[2]])
            } == [.lost])
    }

    @Test func lossInOneQueueOfSeveralIsFound() {
        #expect(
            Self.findings { ledger in
                let publisher = ledger.addPublisher(queueCount: 2)
                let message = ledger.willPublish(publisher, queue: 3)
                ledger.confirmed(upTo: message)
                ledger.beginLife()
                let consumer = ledger.addConsumer()
                ledger.delivered(message, queue: 4, consumer: consumer, isRedelivered: false)
                ledger.checkNothingIsMissing()
            } == [.lost])
    }

    @Test func forgottenSettlementIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                let consumer = ledger.addConsumer()
                ledger.delivered(messages[0], queue: 0, consumer: consumer, isRedelivered: false)
                ledger.willSettle(messages[0], queue: 0)
                ledger.covered(messages[0], queue: 0)
                ledger.beginLife()
                Self.drain(&ledger, messages, isRedelivered: true)
            } == [.coveredSettlementForgotten])
    }

    @Test func duplicateIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                let consumers = [ledger.addConsumer(), ledger.addConsumer()]
                ledger.delivered(messages[0], queue: 0, consumer: consumers[0], isRedelivered: false)
                ledger.delivered(messages[0], queue: 0, consumer: consumers[1], isRedelivered: true)
            } == [.deliveredTwice])
    }

    @Test func changedOrderIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                ledger.beginLife()
                Self.drain(&ledger, [messages[0], messages[2], messages[1]])
            } == [.orderChanged])
    }

    @Test func missingRedeliveredIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                let consumer = ledger.addConsumer()
                ledger.delivered(messages[0], queue: 0, consumer: consumer, isRedelivered: false)
                ledger.beginLife()
                Self.drain(&ledger, messages, isRedelivered: false)
            } == [.redeliveredMissing])
    }

    @Test func unfoundedRedeliveredIsFound() {
        #expect(
            Self.findings { ledger in
                let messages = Self.start(&ledger)
                Self.drain(&ledger, messages, isRedelivered: true)
            } == [.redeliveredUnfounded])
    }

    @Test(arguments: [(0, 3, 0), (0, 0, 1), (1, 0, 0), (-1, 0, 0)])
    func unpublishedMessageIsFound(publisher: Int, number: Int, queue: Int) {
        #expect(
            Self.findings { ledger in
                _ = Self.start(&ledger)
                ledger.delivered(
                    LedgerMessage(publisher: publisher, number: number), queue: queue, consumer: 1,
                    isRedelivered: false)
            } == [.neverPublished])
    }

    /// Each bit of a body.
    @Test(arguments: [0, 5, 16])
    func damagedBodyIsFound(fillingByteCount: Int) throws {
        let message = LedgerMessage(publisher: 7, number: 70_000)
        let body = LedgerBody.make(message, seed: 3, fillingByteCount: fillingByteCount)
        #expect(try LedgerBody.read(body, seed: 3).get() == message)
        #expect(throws: LedgerViolation.self) { try LedgerBody.read(body, seed: 4).get() }
        #expect(throws: LedgerViolation.self) { try LedgerBody.read(Array(body.dropLast()), seed: 3).get() }
        #expect(throws: LedgerViolation.self) { try LedgerBody.read(body + [0], seed: 3).get() }
        for bit in 0..<body.count * 8 {
            var damaged = body
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: LedgerViolation.self) { try LedgerBody.read(damaged, seed: 3).get() }
        }
    }
}
