import AMQPWire
import Broker
import Testing

/// What clients were promised of persistent messages in durable queues, and what they did with them.
struct DurableLedger {
    struct Copy {
        /// On stable storage, as the publisher was told.
        var isPromised = false
        /// To somebody who acks; or recovery said that it might have been.
        var wasDelivered = false
        /// Acked, delivered without ack, purged, dead.
        var hasLeft = false
        /// And that is on stable storage.
        var isGone = false
        /// The queue in which it died to come here.
        var diedIn: UInt32?
    }

    struct Queue {
        let name: String
        /// Whether its persistent messages are to survive, and a confirm promises it.
        let isStored: Bool
        let isPromised: Bool
        var isDeclared = false
        var isDeleted = false
        var copies: [String: Copy] = [:]
    }

    /// By journal number.
    var queues: [UInt32: Queue] = [:]
    private var unsynced: [(queue: UInt32, body: String)] = []

    mutating func publish(_ body: String, to numbers: [UInt32]) {
        for number in numbers where queues[number]?.isStored == true { queues[number]?.copies[body] = Copy() }
    }

    mutating func confirm(_ body: String) {
        for number in queues.keys where queues[number]?.isPromised == true {
            if queues[number]?.copies[body]?.diedIn == nil { queues[number]?.copies[body]?.isPromised = true }
        }
    }

    /// - Parameter redelivered: what the client was told.
    mutating func deliver(_ body: String, from number: UInt32, noAck: Bool, redelivered: Bool) {
        guard let copy = queues[number]?.copies[body] else { return }
        #expect(!copy.hasLeft, "\(body) comes again from \(number)")
        #expect(redelivered || !copy.wasDelivered, "\(body) comes again from \(number) and does not say so")
        if noAck { leave(body, number) } else { queues[number]?.copies[body]?.wasDelivered = true }
    }

    mutating func leave(_ body: String, _ number: UInt32) {
        guard queues[number]?.copies[body]?.hasLeft == false else { return }
        queues[number]?.copies[body]?.hasLeft = true
        unsynced.append((number, body))
    }

    /// Rejected for good; `dead` is where dead letters go, if its queue has such a place.
    mutating func reject(_ body: String, _ number: UInt32, dead: UInt32?) {
        guard queues[number]?.copies[body]?.hasLeft == false else { return }
        leave(body, number)
        guard let dead, queues[dead]?.copies[body] == nil else { return }
        queues[dead]?.copies[body] = Copy(diedIn: number)
        unsynced.append((dead, body))
    }

    /// Messages that are ready leave; those that clients hold do not.
    mutating func purge(_ number: UInt32, held: Set<String>) {
        for (body, copy) in queues[number]?.copies ?? [:] where !copy.hasLeft && !held.contains(body) {
            leave(body, number)
        }
    }

    mutating func delete(_ number: UInt32) { queues[number]?.isDeleted = true }

    /// Everything until now is on stable storage.
    mutating func sync() {
        for (number, body) in unsynced {
            if queues[number]?.copies[body]?.hasLeft == true { queues[number]?.copies[body]?.isGone = true }
            if let source = queues[number]?.copies[body]?.diedIn, queues[source]?.isPromised == true {
                queues[number]?.copies[body]?.isPromised = true
            }
        }
        unsynced = []
    }

    // MARK: After a stop

    /// Whether what the journal has is what was promised.
    func check(_ journal: NaiveJournal, isClean: Bool) {
        var found: [UInt32: [String: Bool]] = [:]
        for host in journal.topology.virtualHosts.values {
            for queue in host.queues.values {
                let contents = journal.contents(of: queue.journalNumber)
                found[queue.journalNumber] = Dictionary(
                    contents.map { ($0.body, $0.isRedelivered) }, uniquingKeysWith: { first, _ in first })
                #expect(found[queue.journalNumber]?.count == contents.count, "a message twice in \(queue.name)")
            }
        }
        for (number, queue) in queues {
            guard let bodies = found[number] else {
                #expect(queue.isDeleted || !queue.isDeclared, "queue \(queue.name) is lost")
                continue
            }
            if isClean { #expect(!queue.isDeleted, "queue \(queue.name) is back") }
            for (body, copy) in queue.copies {
                check(body, copy, queue, isThere: bodies[body], isClean: isClean)
                guard let source = copy.diedIn, let original = queues[source]?.copies[body], original.isPromised,
                    let sourceBodies = found[source]
                else { continue }
                let isAlive = sourceBodies[body] != nil
                #expect(isAlive != (bodies[body] != nil), "\(body) is dead and alive, or neither")
            }
            let strangers = bodies.keys.filter { queue.copies[$0] == nil }
            #expect(strangers.isEmpty, "\(strangers) in \(queue.name)")
        }
    }

    private func check(_ body: String, _ copy: Copy, _ queue: Queue, isThere isRedelivered: Bool?, isClean: Bool) {
        if copy.isPromised, !copy.hasLeft { #expect(isRedelivered != nil, "\(body) of \(queue.name) is lost") }
        if copy.isGone { #expect(isRedelivered == nil, "\(body) of \(queue.name) is back") }
        guard let isRedelivered else { return }
        if copy.wasDelivered { #expect(isRedelivered, "\(body) of \(queue.name) seems new") }
        guard isClean else { return }
        #expect(!copy.hasLeft, "\(body) of \(queue.name) is back")
        #expect(isRedelivered == copy.wasDelivered, "\(body) of \(queue.name) is redelivered: \(isRedelivered)")
    }

    /// Goes on from what there is now: all of it is on stable storage.
    mutating func begin(with journal: NaiveJournal) {
        let before = queues
        queues = [:]
        unsynced = []
        for queue in journal.topology.virtualHosts.values.flatMap({ $0.queues.values }) {
            let number = queue.journalNumber
            guard let known = before[number] else {
                Issue.record("queue \(queue.name) was never declared")
                continue
            }
            var again = Queue(
                name: known.name, isStored: known.isStored, isPromised: known.isPromised, isDeclared: true)
            for message in journal.contents(of: number) {
                again.copies[message.body] = Copy(isPromised: true, wasDelivered: message.isRedelivered)
            }
            queues[number] = again
        }
    }
}
