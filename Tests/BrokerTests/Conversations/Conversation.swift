import AMQPWire
import Broker
import Testing

/// A broker of one or more shards on one thread, driven as the shell drives it, with a clock of its own.
///
/// Every event is followed by turns of all shards until none has anything left to do, so a client's answers are there
/// when its `send` returns.
final class Conversation {
    let shards: [ShardState]
    let controlPlane: ControlPlane
    let journal: DrivenJournal?
    let disk: DrivenDisk?
    /// The clocks that the shards are shown.
    private(set) var milliseconds: UInt64
    private(set) var wallMilliseconds: UInt64
    static let startMilliseconds: UInt64 = 1_000_000
    var wallSeconds: UInt64 {
        get { wallMilliseconds / 1000 }
        set { wallMilliseconds = newValue * 1000 }
    }
    private(set) var notes: [Note] = []
    private(set) var clients: [ConversationClient] = []
    /// Batches on their way, by the shard that they go to.
    private var mailboxes: [[MailboxBatch]]
    /// Batches stay on their way until `deliverMail`: for what happens in between.
    var holdsMail = false
    let recorder: MethodRecorder?

    /// - Parameters:
    ///   - elapsedMilliseconds: since the clocks' first moment.
    ///   - recover: makes the shards what they were before the broker started.
    init(
        shards count: Int, settings: BrokerSettings, journal: DrivenJournal? = nil, disk: DrivenDisk? = nil,
        elapsedMilliseconds: UInt64 = 0, recover: (ControlPlane, [ShardState]) -> Void = { _, _ in }
    ) {
        milliseconds = Self.startMilliseconds + elapsedMilliseconds
        wallMilliseconds = 1_700_000_000_000 + elapsedMilliseconds
        self.journal = journal
        self.disk = disk
        let controlPlane = ControlPlane(
            shardCount: count, virtualHost: settings.defaultVirtualHost, access: settings.access,
            limits: settings.limits, nodeName: settings.nodeName)
        self.controlPlane = controlPlane
        let now = Moment(monotonicMilliseconds: milliseconds, wallMilliseconds: wallMilliseconds)
        shards = (0..<count).map {
            ShardState(
                index: $0, shardCount: count, settings: settings, controlPlane: controlPlane,
                seed: [1, 2, 3, UInt64($0)], now: now, progress: journal?.progress)
        }
        mailboxes = Array(repeating: [], count: count)
        recorder = MethodRecorder.current
        recover(controlPlane, shards)
        if journal != nil { controlPlane.beginJournaling() }
    }

    // MARK: Clients

    /// A socket that was just accepted: nothing has been said.
    func accept(shard: Int = 0, isLoopback: Bool = true) -> ConversationClient {
        prepare(shard)
        let name = "client\(clients.count + 1)"
        let address = shards[shard].openConnection(Peer(name: name, isLoopback: isLoopback))
        let client = ConversationClient(self, address: address, shard: shard, name: name)
        clients.append(client)
        return client
    }

    /// A connection that is open, with one channel unless told otherwise.
    func connect(
        shard: Int = 0, channel: UInt16? = 1, capabilities: FieldTable = ConversationClient.allCapabilities,
        tuneOk: ConnectionTuneOk = ConnectionTuneOk(channelMax: 2047, frameMax: 131_072, heartbeat: 0),
        virtualHost: ShortString = "/", user: String = "guest", sourceLocation: SourceLocation = #_sourceLocation
    ) -> ConversationClient {
        let client = accept(shard: shard)
        client.shakeHands(
            capabilities: capabilities, tuneOk: tuneOk, virtualHost: virtualHost, user: user,
            sourceLocation: sourceLocation)
        if let channel { client.openChannel(channel, sourceLocation: sourceLocation) }
        return client
    }

    // MARK: Time

    func advance(milliseconds passed: UInt64) {
        milliseconds += passed
        wallMilliseconds += passed
        for shard in shards.indices {
            prepare(shard)
            shards[shard].tick()
        }
        settle()
    }

    /// What the whole node is short of from now on.
    func setAlarms(_ alarms: ResourceAlarms) {
        for shard in shards.indices {
            prepare(shard)
            shards[shard].setAlarms(alarms)
        }
        settle()
    }

    private func prepare(_ shard: Int) {
        shards[shard].now = Moment(monotonicMilliseconds: milliseconds, wallMilliseconds: wallMilliseconds)
    }

    // MARK: Turns

    /// Turns of all shards until nothing moves any more.
    func settle() {
        var isBusy = true
        while isBusy {
            isBusy = false
            for shard in shards.indices where turn(shard) { isBusy = true }
            if let disk {
                while !disk.isHeld, disk.answer(shards) { isBusy = true }
            }
            if let journal {
                if journal.take(from: controlPlane) { isBusy = true }
                if journal.serveDemand() {
                    for shard in shards { shard.journalAdvanced() }
                    isBusy = true
                }
            }
        }
    }

    /// The journal has written everything, of these lanes.
    func writeJournal(lanes: [Int]? = nil) {
        journal?.write(lanes)
        tellJournalAdvanced()
    }

    /// Everything is on stable storage, of these lanes.
    func syncJournal(lanes: [Int]? = nil) {
        journal?.sync(lanes)
        tellJournalAdvanced()
    }

    func tellJournalAdvanced() {
        for shard in shards.indices {
            prepare(shard)
            shards[shard].journalAdvanced()
        }
        settle()
    }

    /// Hands a shard what is on its way to it, while mail is held.
    func deliverMail(to shard: Int) {
        takeMail(shard)
        settle()
    }

    private func turn(_ shard: Int) -> Bool {
        prepare(shard)
        var isBusy = false
        for client in clients where client.shard == shard && client.feed(to: shards[shard]) { isBusy = true }
        if !holdsMail, takeMail(shard) { isBusy = true }
        shards[shard].finishTurn()
        while let address = shards[shard].takeListedConnection() {
            isBusy = true
            clients.first { $0.address == address }?.serve(by: shards[shard])
        }
        while let probe = shards[shard].takeProbe() {
            isBusy = true
            clients.first { $0.address == probe.holder }?.endSocketIfDead()
            shards[shard].finish(probe)
        }
        for target in shards.indices where target != shard {
            guard let batch = shards[shard].takeBatch(for: target) else { continue }
            isBusy = true
            mailboxes[target].append(batch)
        }
        if let journal, journal.take(from: shards[shard]) { isBusy = true }
        if let disk, disk.take(from: shards[shard]) { isBusy = true }
        notes += shards[shard].notes
        shards[shard].notes = []
        return isBusy || shards[shard].hasUnfinishedWork
    }

    @discardableResult
    private func takeMail(_ shard: Int) -> Bool {
        let batches = mailboxes[shard]
        mailboxes[shard] = []
        prepare(shard)
        for batch in batches { shards[shard].receiveBatch(batch) }
        return !batches.isEmpty
    }

    // MARK: Checks

    func expectNote(_ level: Note.Level, containing text: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            notes.contains { $0.level == level && $0.text.contains(text) }, "notes: \(notes)",
            sourceLocation: sourceLocation)
    }

    /// Nobody has an answer left that no test asked for; then all connections end, all queues are deleted, and the
    /// shards must be as empty as at the beginning.
    func end(sourceLocation: SourceLocation) {
        holdsMail = false
        journal?.pace = .onDemand
        disk?.isHeld = false
        settle()
        for client in clients {
            client.expectNothing(sourceLocation: sourceLocation)
            client.endSocket()
        }
        let queueNames = controlPlane.queueNames(virtualHost: 0)
        if !queueNames.isEmpty {
            let cleaner = connect(sourceLocation: sourceLocation)
            for name in queueNames {
                cleaner.send(QueueDelete(queue: name))
                _ = cleaner.expect(QueueDeleteOk.self, sourceLocation: sourceLocation)
            }
            cleaner.endSocket()
        }
        tellJournalAdvanced()
        for shard in shards {
            let left = shard.inspection
            #expect(left == ShardInspection(), "left over in shard \(shard.index)", sourceLocation: sourceLocation)
            shard.deallocate()
        }
    }
}

/// Runs a conversation with a broker and checks that nothing is left of it.
func converse(
    shards: Int = 1, settings: BrokerSettings = BrokerSettings(), journal: DrivenJournal? = nil,
    disk: DrivenDisk? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: (Conversation) throws -> Void
) rethrows {
    let conversation = Conversation(shards: shards, settings: settings, journal: journal, disk: disk)
    try body(conversation)
    conversation.end(sourceLocation: sourceLocation)
}
