/// What the simulation knows of every message: where it must be, who holds it, and what must not happen any more.
///
/// It learns only what a client could know. Where a client's end leaves something open (was the ack read before the
/// socket died?), the ledger says so, and accepts both.
final class SimulatedLedger {
    /// One message in one queue. A dead-lettered one is told apart by the queue that it died in.
    struct Copy: Hashable {
        let message: UInt64
        let queue: Int
        var diedIn: Int?
    }

    enum Status: Equatable {
        case ready
        /// Delivered to this holder (a channel's incarnation), and not settled.
        case held(by: Int)
        /// Settled, and the broker may not have read that yet.
        case settling(by: Int)
        case done
        /// Settled on a channel that ended: perhaps the broker never read it.
        case doubtful
    }

    enum Settlement { case acked, requeued, rejected }

    private struct CopyState {
        var status = Status.ready
        var hasBeenDelivered = false
    }

    struct Message {
        let publisher: Int
        let queues: Set<Int>
        let isMandatory: Bool
        /// A queue of the churn may get it: whether it is returned cannot be said.
        let mayBeRoutedElsewhere: Bool
        let byteCount: Int
        var isCertain = false
        var isReturned = false
    }

    let topology: SimulatedTopology
    private(set) var messages: [Message] = []
    private var copies: [Copy: CopyState] = [:]
    /// The latest message of each publisher that each consumer got, in order.
    private var latest: [OrderKey: UInt64] = [:]
    /// Queues of which a consumer or a getter ended: something may be marked as redelivered that nobody saw.
    private var queuesWithEnds: Set<Int> = []
    /// No-ack queues of which a consumer's socket died.
    private var queuesWithLoss: Set<Int> = []
    private(set) var deliveryCount = 0
    private(set) var redeliveryCount = 0
    private(set) var deadLetterCount = 0

    /// The first thing that went wrong.
    private(set) var failure: String?

    private struct OrderKey: Hashable {
        let publisher: Int
        let queue: Int
        let consumer: Int
    }

    init(topology: SimulatedTopology) { self.topology = topology }

    func fail(_ text: String) {
        if failure == nil { failure = text + history.joined() }
    }

    /// What happened to the message in question, for a seed that is run again: `LEVERET_SEED=17 LEVERET_MESSAGE=3`.
    private var history: [String] = []
    private let followedMessage = Seeds.environment("LEVERET_MESSAGE")

    private func note(_ copy: Copy, _ text: @autoclosure () -> String) {
        if copy.message == followedMessage { history.append("\n    \(copy): \(text())") }
    }

    // MARK: Publishing

    func publish(_ message: Message) -> UInt64 {
        let id = UInt64(messages.count)
        messages.append(message)
        for queue in message.queues { copies[Copy(message: id, queue: queue)] = CopyState() }
        return id
    }

    /// The broker has taken it: its copies must be found from now on.
    func confirm(_ id: UInt64) {
        messages[Int(id)].isCertain = true
        let message = messages[Int(id)]
        if message.isMandatory, message.queues.isEmpty, !message.mayBeRoutedElsewhere, !message.isReturned {
            fail("message \(id) was confirmed, and not returned before")
        }
    }

    func returned(_ id: UInt64) {
        let message = messages[Int(id)]
        if !message.isMandatory || !message.queues.isEmpty { fail("message \(id) was returned") }
        if message.isReturned { fail("message \(id) was returned twice") }
        if message.isCertain { fail("message \(id) was returned after its confirm") }
        messages[Int(id)].isReturned = true
    }

    // MARK: Consuming

    /// - Parameters:
    ///   - holder: the channel's incarnation; nil where no ack is wanted.
    ///   - consumer: for the order: a consumer's number, or a getter's.
    func delivered(_ copy: Copy, redelivered: Bool, holder: Int?, consumer: Int) {
        deliveryCount += 1
        note(copy, "delivered to \(holder ?? -1), consumer \(consumer), redelivered \(redelivered)")
        if redelivered { redeliveryCount += 1 }
        guard let state = copies[copy] else { return fail("\(copy) was never in its queue") }
        switch state.status {
        case .ready: break
        case .doubtful:
            // So the settlement was not read, and where it was a rejection, there is no dead copy.
            if let dead = deadCopy(of: copy) { copies[dead] = nil }
        case .held(let other): fail("\(copy) is held by \(other), and delivered to \(String(describing: holder))")
        case .settling(let other): fail("\(copy) was settled by \(other), and delivered again")
        case .done: fail("\(copy) is done, and delivered again")
        }
        if state.hasBeenDelivered, !redelivered { fail("\(copy) is delivered again, not marked as redelivered") }
        if !state.hasBeenDelivered, redelivered, !queuesWithEnds.contains(copy.queue) {
            fail("\(copy) is marked as redelivered at its first delivery")
        }
        let publisher = messages[Int(copy.message)].publisher
        if !redelivered, copy.diedIn == nil {
            let key = OrderKey(publisher: publisher, queue: copy.queue, consumer: consumer)
            if let earlier = latest[key], earlier >= copy.message {
                fail("\(copy) of publisher \(publisher) came to consumer \(consumer) behind message \(earlier)")
            }
            latest[key] = copy.message
        }
        copies[copy]?.hasBeenDelivered = true
        if let holder {
            copies[copy]?.status = .held(by: holder)
        } else {
            copies[copy]?.status = .done
        }
    }

    func settled(_ copy: Copy, _ settlement: Settlement, by holder: Int) {
        note(copy, "\(settlement) by \(holder)")
        guard copies[copy]?.status == .held(by: holder) else {
            return fail("the simulation settles \(copy), which \(holder) does not hold")
        }
        switch settlement {
        case .requeued: copies[copy]?.status = .ready
        case .acked: copies[copy]?.status = .settling(by: holder)
        case .rejected:
            copies[copy]?.status = .settling(by: holder)
            if let dead = deadCopy(of: copy) {
                copies[dead] = CopyState()
                deadLetterCount += 1
            }
        }
    }

    private func deadCopy(of copy: Copy) -> Copy? {
        guard topology.queues[copy.queue].deadLetterExchange != nil else { return nil }
        return Copy(message: copy.message, queue: topology.deadQueue, diedIn: copy.queue)
    }

    /// The broker has answered something that was asked later: it is settled.
    func settlementIsCertain(_ copy: Copy, by holder: Int) {
        note(copy, "certainly settled by \(holder)")
        if copies[copy]?.status == .settling(by: holder) { copies[copy]?.status = .done }
    }

    /// The channel ended, and nobody knows whether the settlement was read.
    func settlementIsDoubtful(_ copy: Copy, by holder: Int) {
        note(copy, "perhaps settled by \(holder)")
        if copies[copy]?.status == .settling(by: holder) { copies[copy]?.status = .doubtful }
    }

    /// The channel ended while it held the copy.
    func holderEnded(_ copy: Copy, holder: Int) {
        note(copy, "given up by \(holder)")
        if copies[copy]?.status == .held(by: holder) { copies[copy]?.status = .ready }
    }

    func consumerEnded(queue: Int, byDeath: Bool) {
        queuesWithEnds.insert(queue)
        if byDeath, topology.queues[queue].isNoAck { queuesWithLoss.insert(queue) }
    }

    // MARK: The end

    /// Copies that are surely in a queue and should not be there any more.
    func leftIn(queue: Int) -> [Copy] {
        copies.filter { copy, state in
            copy.queue == queue && state.status == .ready && mustExist(copy)
        }.map(\.key)
    }

    private func mustExist(_ copy: Copy) -> Bool {
        guard messages[Int(copy.message)].isCertain, !queuesWithLoss.contains(copy.queue) else { return false }
        guard let queue = copy.diedIn else { return true }
        return copies[Copy(message: copy.message, queue: queue)]?.status == .done
    }

    /// After everything has been drained nothing that was confirmed may be missing.
    func checkNothingIsLost() {
        for (copy, state) in copies where mustExist(copy) {
            switch state.status {
            case .done, .doubtful: break
            default: fail("\(copy) was lost: \(state.status)")
            }
        }
    }
}
