import AMQPWire
import Broker
import Testing

/// Answers to what changes the durable topology: a promise, too.
@Suite struct JournalTopologyTests {
    /// A method and its answer, with what is to be there before, and the journal's word for it.
    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let prepare: @Sendable (ConversationClient) -> Void
        let send: @Sendable (ConversationClient) -> Void
        let expect: @Sendable (ConversationClient) -> Void
        let records: [String]

        init<Asked: WireMethod, Answer: WireMethod>(
            _ asked: Asked, _ answer: Answer, records: [String],
            _ prepare: @escaping @Sendable (ConversationClient) -> Void = { _ in }
        ) {
            name = "\(readable(asked))"
            self.prepare = prepare
            send = { $0.send(asked) }
            expect = { $0.expect(answer) }
            self.records = records
        }

        var testDescription: String { name }
    }

    private static func queue(isDurable: Bool) -> @Sendable (ConversationClient) -> Void {
        { $0.send(QueueDeclare(queue: "q", durable: isDurable, noWait: true)) }
    }

    private static func exchange(isDurable: Bool) -> @Sendable (ConversationClient) -> Void {
        { $0.send(ExchangeDeclare(exchange: "e", type: "fanout", durable: isDurable, noWait: true)) }
    }

    private static func both(
        queue isQueueDurable: Bool, exchange isExchangeDurable: Bool, isBound: Bool = false
    ) -> @Sendable (ConversationClient) -> Void {
        { client in
            queue(isDurable: isQueueDurable)(client)
            exchange(isDurable: isExchangeDurable)(client)
            if isBound {
                client.send(QueueBind(queue: "q", exchange: "e", noWait: true))
                client.send(ExchangeBind(destination: "amq.fanout", source: "e", noWait: true))
            }
        }
    }

    static let durable: [Change] = [
        Change(
            ExchangeDeclare(exchange: "e", type: "fanout", durable: true), ExchangeDeclareOk(),
            records: ["exchange e"]),
        Change(
            ExchangeDelete(exchange: "e"), ExchangeDeleteOk(), records: ["no exchange e"], exchange(isDurable: true)),
        Change(
            ExchangeBind(destination: "amq.fanout", source: "e"), ExchangeBindOk(), records: ["e to amq.fanout"],
            exchange(isDurable: true)),
        Change(
            ExchangeUnbind(destination: "amq.fanout", source: "e"), ExchangeUnbindOk(),
            records: ["no e to amq.fanout"], both(queue: true, exchange: true, isBound: true)),
        Change(QueueDeclare(queue: "q", durable: true), QueueDeclareOk(queue: "q"), records: ["queue q is 1"]),
        Change(
            QueueDelete(queue: "q"), QueueDeleteOk(), records: ["no queue q", "removed 1"], queue(isDurable: true)),
        Change(
            QueueBind(queue: "q", exchange: "e"), QueueBindOk(), records: ["e to q"],
            both(queue: true, exchange: true)),
        Change(
            QueueUnbind(queue: "q", exchange: "e"), QueueUnbindOk(), records: ["no e to q"],
            both(queue: true, exchange: true, isBound: true)),
    ]

    @Test(arguments: durable) func whatIsDurableIsAnsweredOnceItIsOnStableStorage(change: Change) {
        converseWithJournal(shards: 2) { broker, journal in
            let client = broker.connect()
            change.prepare(client)
            broker.syncJournal()
            _ = journal.takeStateRecords()
            change.send(client)
            #expect(journal.takeStateRecords() == change.records)
            client.expectNothing()
            broker.writeJournal()
            broker.syncJournal(lanes: [0, 1])
            client.expectNothing()
            broker.syncJournal(lanes: [journal.progress.stateLane])
            change.expect(client)
        }
    }

    static let transient: [Change] = [
        Change(ExchangeDeclare(exchange: "e", type: "fanout"), ExchangeDeclareOk(), records: []),
        Change(
            ExchangeDeclare(exchange: "e", type: "fanout"), ExchangeDeclareOk(), records: [],
            exchange(isDurable: false)),
        Change(
            ExchangeDeclare(exchange: "e", passive: true), ExchangeDeclareOk(), records: [],
            exchange(isDurable: false)),
        Change(ExchangeDelete(exchange: "e"), ExchangeDeleteOk(), records: [], exchange(isDurable: false)),
        Change(
            ExchangeBind(destination: "amq.fanout", source: "e"), ExchangeBindOk(), records: [],
            exchange(isDurable: false)),
        Change(
            ExchangeUnbind(destination: "amq.fanout", source: "e"), ExchangeUnbindOk(), records: [],
            both(queue: true, exchange: false, isBound: true)),
        Change(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q"), records: []),
        Change(QueueDeclare(queue: "q", durable: true, exclusive: true), QueueDeclareOk(queue: "q"), records: []),
        Change(QueueDeclare(queue: "q"), QueueDeclareOk(queue: "q"), records: [], queue(isDurable: false)),
        Change(
            QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q"), records: [], queue(isDurable: false)),
        Change(QueueDelete(queue: "q"), QueueDeleteOk(), records: [], queue(isDurable: false)),
        Change(QueuePurge(queue: "q"), QueuePurgeOk(), records: [], queue(isDurable: false)),
        Change(
            QueueBind(queue: "q", exchange: "e"), QueueBindOk(), records: [], both(queue: false, exchange: true)),
        Change(
            QueueBind(queue: "q", exchange: "e"), QueueBindOk(), records: [], both(queue: true, exchange: false)),
        Change(
            QueueUnbind(queue: "q", exchange: "e"), QueueUnbindOk(), records: [],
            both(queue: false, exchange: true, isBound: true)),
    ]

    /// Even while something else is on its way to the disk.
    @Test(arguments: transient) func whatIsTransientIsAnsweredAtOnce(change: Change) {
        converseWithJournal { broker, journal in
            let client = broker.connect()
            change.prepare(client)
            broker.syncJournal()
            _ = journal.takeStateRecords()
            let other = broker.connect()
            other.send(QueueDeclare(queue: "other", durable: true, noWait: true))
            #expect(journal.takeStateRecords().count == 1)
            change.send(client)
            change.expect(client)
            #expect(journal.takeStateRecords() == change.records)
        }
    }

    /// Whoever asks for what somebody else has just changed is promised the same.
    @Test func whatIsOnItsWayIsWaitedFor() {
        converseWithJournal(shards: 2) { broker, _ in
            let first = broker.connect()
            first.send(ExchangeDeclare(exchange: "e", type: "fanout", durable: true, noWait: true))
            first.send(QueueDeclare(queue: "q", durable: true, noWait: true))
            first.send(QueueBind(queue: "q", exchange: "e", noWait: true))
            func expectToWait(_ asked: some WireMethod, _ answer: some WireMethod) {
                for shard in [0, 1] {
                    let second = broker.connect(shard: shard)
                    second.send(asked)
                    second.expectNothing()
                    broker.writeJournal()
                    second.expectNothing()
                    second.endSocket()
                }
                let last = broker.connect()
                last.send(asked)
                last.expectNothing()
                broker.syncJournal()
                last.expect(answer)
                first.send(QueueDeclare(queue: "another", durable: true, noWait: true))
                first.send(QueueDelete(queue: "another", noWait: true))
            }
            expectToWait(ExchangeDeclare(exchange: "e", type: "fanout", durable: true), ExchangeDeclareOk())
            expectToWait(ExchangeDeclare(exchange: "e", passive: true), ExchangeDeclareOk())
            expectToWait(QueueDeclare(queue: "q", durable: true), QueueDeclareOk(queue: "q"))
            expectToWait(QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q"))
            expectToWait(QueueBind(queue: "q", exchange: "e"), QueueBindOk())
            // What is not there may have been durable a moment ago.
            expectToWait(QueueUnbind(queue: "q", exchange: "amq.direct"), QueueUnbindOk())
            expectToWait(QueueDelete(queue: "another"), QueueDeleteOk())
            expectToWait(ExchangeDelete(exchange: "another"), ExchangeDeleteOk())
        }
    }

    /// The exchange goes with its last binding, and that is a durable change, though the binding was none.
    @Test func anAutoDeleteExchangeThatGoesIsWaitedFor() {
        converseWithJournal { broker, journal in
            let client = broker.connect()
            client.send(ExchangeDeclare(exchange: "e", type: "fanout", durable: true, autoDelete: true, noWait: true))
            client.declare(QueueDeclare(queue: "q"))
            client.send(QueueBind(queue: "q", exchange: "e", noWait: true))
            broker.syncJournal()
            _ = journal.takeStateRecords()
            client.send(QueueUnbind(queue: "q", exchange: "e"))
            #expect(journal.takeStateRecords() == ["no exchange e"])
            client.expectNothing()
            broker.syncJournal()
            client.expect(QueueUnbindOk())
        }
    }

    /// It is not equal to itself, so nobody could find the binding again.
    @Test func aBindingWithAnArgumentThatIsNoNumberIsRefused() {
        converseWithJournal { broker, journal in
            let client = broker.durableQueue()
            let arguments: [FieldTable] = [
                ["a": .double(.nan)], ["a": .array([.table(["b": .float(.signalingNaN)])])],
            ]
            for arguments in arguments {
                client.send(QueueBind(queue: "q", exchange: "amq.fanout", arguments: arguments))
                client.expectChannelClose(
                    406, "PRECONDITION_FAILED - invalid arguments of a binding: not a number", of: QueueBind.self)
                client.send(ExchangeBind(destination: "amq.topic", source: "amq.fanout", arguments: arguments))
                client.expectChannelClose(
                    406, "PRECONDITION_FAILED - invalid arguments of a binding: not a number", of: ExchangeBind.self)
            }
            #expect(journal.takeStateRecords() == [])
            client.send(QueueBind(queue: "q", exchange: "amq.fanout", arguments: ["a": .double(.infinity)]))
            broker.syncJournal()
            client.expect(QueueBindOk())
        }
    }

    // MARK: While a channel waits

    @Test func aChannelThatWaitsKeepsItsOrderAndOthersGoOn() {
        converseWithJournal { broker, _ in
            let client = broker.connect()
            client.openChannel(2)
            client.send(QueueDeclare(queue: "q", durable: true))
            client.publish("one", routingKey: "q")
            client.send(QueueDeclare(queue: "second", durable: true))
            client.send(BasicGet(queue: "q", noAck: true))
            client.expectNothing()
            client.declare(QueueDeclare(queue: "transient"), channel: 2)
            client.request(BasicGet(queue: "q"), BasicGetEmpty(), channel: 2)
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "q"))
            client.expectNothing()
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "second"))
            client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: Array("one".utf8))
        }
    }

    @Test func noWaitSaysNothingAndStopsNobody() {
        converseWithJournal { broker, journal in
            let client = broker.connect()
            client.send(ExchangeDeclare(exchange: "e", type: "fanout", durable: true, noWait: true))
            client.send(QueueDeclare(queue: "q", durable: true, noWait: true))
            client.send(QueueDeclare(queue: "q", durable: true, noWait: true))
            client.send(QueueBind(queue: "q", exchange: "e", noWait: true))
            client.send(ExchangeBind(destination: "amq.fanout", source: "e", noWait: true))
            client.send(ExchangeUnbind(destination: "amq.fanout", source: "e", noWait: true))
            client.send(QueuePurge(queue: "q", noWait: true))
            client.send(QueueDelete(queue: "q", noWait: true))
            client.send(ExchangeDelete(exchange: "e", noWait: true))
            client.declare(QueueDeclare(queue: "transient"))
            #expect(
                journal.takeStateRecords() == [
                    "exchange e", "queue q is 1", "e to q", "e to amq.fanout", "no e to amq.fanout", "no queue q",
                    "removed 1", "no exchange e",
                ])
        }
    }

    @Test func aChannelThatIsClosedWaitsForItsAnswerFirst() {
        converseWithJournal { broker, _ in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "q", durable: true))
            client.send(ChannelClose(replyCode: 200))
            client.expectNothing()
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "q"))
            client.expect(ChannelCloseOk())
            client.openChannel(1)
            broker.tellJournalAdvanced()
            client.expectNothing()
        }
    }

    @Test func aConnectionThatIsClosedWaitsForItsAnswersFirst() {
        converseWithJournal { broker, _ in
            let client = broker.connect()
            client.openChannel(2)
            client.send(QueueDeclare(queue: "q", durable: true))
            client.send(ConnectionClose(replyCode: 200), channel: 0)
            client.expectNothing()
            client.expectOpenSocket()
            broker.syncJournal()
            client.expect(QueueDeclareOk(queue: "q"))
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        }
    }

    @Test func aConnectionThatEndsWhileAChannelWaitsIsForgotten() {
        converseWithJournal { broker, journal in
            let client = broker.connect()
            client.send(QueueDeclare(queue: "q", durable: true))
            client.send(QueueDeclare(queue: "never", durable: true))
            client.endSocket()
            broker.syncJournal()
            client.expectNothing()
            #expect(journal.takeStateRecords() == ["queue q is 1"])
        }
    }

    // MARK: Purge

    @Test(arguments: [0, 1]) func aPurgeIsAnsweredOnceItsSettlementsAreOnStableStorage(shard: Int) {
        converseWithJournal(shards: 2) { broker, journal in
            let owner = broker.durableQueue()
            owner.store("one")
            owner.publish("transient", routingKey: "q")
            owner.store("two")
            broker.syncJournal()
            owner.expect(BasicAck(deliveryTag: 3, multiple: true))
            _ = journal.takeRecords(0)
            let client = broker.connect(shard: shard)
            client.send(QueuePurge(queue: "q"))
            #expect(journal.takeRecords(0) == ["settled 0:1 of 1", "settled 0:2 of 1"])
            broker.writeJournal()
            broker.syncJournal(lanes: [1, journal.progress.stateLane])
            client.expectNothing()
            broker.syncJournal(lanes: [0])
            client.expect(QueuePurgeOk(messageCount: 3))
        }
    }

    /// Nobody has to come by for it: the shard whose lane it is asks for it.
    @Test(arguments: [0, 1]) func whatIsWaitedForIsDemanded(shard: Int) {
        converseWithJournal(shards: 2, pace: .onDemand) { broker, _ in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", durable: true))
            owner.request(ConfirmSelect(), ConfirmSelectOk())
            owner.store("one")
            owner.expect(BasicAck(deliveryTag: 1))
            let client = broker.connect(shard: shard)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            client.request(QueueBind(queue: "q", exchange: "amq.fanout"), QueueBindOk())
            client.request(QueueUnbind(queue: "q", exchange: "amq.fanout"), QueueUnbindOk())
            client.request(QueueDelete(queue: "q"), QueueDeleteOk())
        }
    }
}
