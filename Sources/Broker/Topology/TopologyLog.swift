import AMQPWire
import Journal

/// Where the control plane writes every change: the history that the shards follow, and the journal's state lane.
struct TopologyLog {
    /// The changes after `firstVersion`; what every shard has applied is dropped.
    private(set) var history: [TopologyChange] = []
    private(set) var firstVersion: UInt64 = 0
    var queueSet = QueueSetLog()
    /// Records for the journal, until its thread takes them.
    private var records = LaneBuffer()
    /// Bytes of records so far, those already taken included.
    private(set) var position: UInt64 = 0
    /// Whether there is a journal, and the state did not come from it just now.
    var isJournaled = false
    /// The number of the next durable queue.
    var nextJournalNumber: UInt32 = 1

    /// The virtual host of the event exchange while somebody is bound to it; nil: nobody is told of anything.
    var listeningHost: Int?
    /// What was there before the node started is no news.
    var isRecovering = false
    /// Who makes the changes that follow.
    var actingUser = BrokerEvent.internalUser
    private var eventCount = 0
    private var lostEventCount = 0
    /// nil where queues and exchanges are not limited for the node.
    var room: ObjectRoom?

    var version: UInt64 { firstVersion + UInt64(history.count) }

    mutating func append(_ change: TopologyChange) { history.append(change) }

    /// Tells of something. The body is not evaluated while nobody listens.
    ///
    /// - Parameter actingUser: who has done it, where it is not the one who makes the changes; nil for nobody.
    mutating func announce(by actingUser: ShortString? = nil, _ event: @autoclosure () -> BrokerEvent) {
        guard let listeningHost, !isRecovering else { return }
        guard eventCount < Limit.waitingEvents else {
            lostEventCount += 1
            return
        }
        var event = event()
        if event.namesActingUser {
            event.headers[BrokerEvent.actingUserHeader] = BrokerEvent.text(actingUser ?? self.actingUser)
        }
        eventCount += 1
        append(.event(virtualHost: listeningHost, event))
    }

    /// Every event so far is about to be published. Returns whether that is news itself.
    mutating func takeEvents() -> Bool {
        eventCount = 0
        guard lostEventCount > 0 else { return false }
        append(.eventsLost(lostEventCount))
        lostEventCount = 0
        return true
    }

    /// A number that no queue of this data directory ever had. 0 stands for none; the two top bits are not used.
    mutating func takeJournalNumber() throws(ProtocolError) -> UInt32 {
        guard nextJournalNumber <= HolderTable.numberMask else {
            throw ProtocolError(.resourceError, "no number is left for another durable queue")
        }
        defer { nextJournalNumber += 1 }
        return nextJournalNumber
    }

    /// Notes a durable step. The body is not evaluated without a journal.
    mutating func journal(_ step: @autoclosure () -> TopologyStep) {
        guard isJournaled else { return }
        var bytes = OutboundBuffer()
        step().write(to: &bytes)
        write { $0.appendStateChange(bytes.bytes) }
        bytes.deallocate()
    }

    /// The queue's messages go with it.
    mutating func journalRemoval(ofHolder number: UInt32) {
        if isJournaled, number != 0 { write { $0.appendHolderRemoved(number) } }
    }

    /// The whole state as of here, for a checkpoint.
    mutating func journalSnapshot(_ bytes: UnsafeRawBufferPointer) { write { $0.appendStateSnapshot(bytes) } }

    private mutating func write(_ body: (inout LaneBuffer) -> Void) {
        let before = records.count
        body(&records)
        position += UInt64(records.count - before)
    }

    /// Hands the records over.
    mutating func takeRecords() -> LaneBuffer {
        defer { records = LaneBuffer() }
        return records
    }

    /// Drops what all shards have seen, in steps that make it cheap.
    mutating func trim(seen: UInt64) {
        let count = Int(seen - firstVersion)
        guard count > 256, count * 2 > history.count else { return }
        history.removeFirst(count)
        firstVersion = seen
    }
}
