/// What was promised to publishers and what consumers did, against what the broker shows. No sockets and no clock here:
/// see LedgerLoad.swift for those who write into it.
///
/// The rules, for messages that are persistent, in queues that are durable:
/// - what was confirmed and never settled is found again;
/// - what was settled is not delivered again once a later confirm on the settlement's connection has covered it;
/// - each publisher's messages come from a queue in his order, and each once in a life of the broker;
/// - what was delivered before bears `redelivered`, and what nobody can have got before does not;
/// - what was never published does not appear.
///
/// What was not confirmed, and what was settled without cover, may be found or not.
struct Ledger {
    /// What is known of a message in one queue.
    private struct Marks: OptionSet {
        let rawValue: UInt8

        /// Somebody has got it.
        static let delivered = Marks(rawValue: 1)
        /// Its settlement was written, or will be at once.
        static let settled = Marks(rawValue: 2)
        /// A later confirm on the connection of its settlement has come.
        static let covered = Marks(rawValue: 4)
        /// It was got in the present life.
        static let seenInThisLife = Marks(rawValue: 8)
    }

    private struct Publisher {
        /// The first of the queues that each message goes to.
        var firstQueues: [Int] = []
        /// One for each message and queue.
        var marks: [Marks] = []
        /// The messages before this number are confirmed.
        var confirmedCount = 0
        /// How many queues each message goes to.
        let queueCount: Int
        /// The life in which he published.
        let life: Int

        /// Where `marks` has the message's in that queue.
        func index(_ number: Int, _ queue: Int) -> Int? {
            guard firstQueues.indices.contains(number) else { return nil }
            let offset = queue - firstQueues[number]
            return 0..<queueCount ~= offset ? number * queueCount + offset : nil
        }
    }

    private struct Order: Hashable {
        let consumer: Int
        let publisher: Int
    }

    /// What a broker may do wrong.
    enum Kind: CaseIterable {
        case lost
        case coveredSettlementForgotten
        case deliveredTwice
        case orderChanged
        case redeliveredMissing
        case redeliveredUnfounded
        case neverPublished
        case topology
        case failure
    }

    /// How many violations of each kind are kept; the rest are counted.
    private static let violationLimit = 6

    private var publishers: [Publisher] = []
    private var consumerCount = 0
    /// The last number that a consumer got of a publisher.
    private var lastNumbers: [Order: Int] = [:]
    private var life = 0
    private var violations: [Kind: [String]] = [:]
    private var violationCounts: [Kind: Int] = [:]

    /// Totals, for progress.
    private(set) var deliveredCount = 0
    private(set) var redeliveredCount = 0
    private(set) var coveredCount = 0
    var publishedCount: Int { publishers.reduce(0) { $0 + $1.firstQueues.count } }
    var confirmedCount: Int { publishers.reduce(0) { $0 + $1.confirmedCount } }

    var violationCount: Int { violationCounts.values.reduce(0, +) }

    /// Some violations of each kind, and how many more there are.
    var findings: [String] {
        Kind.allCases.flatMap { kind in
            let texts = violations[kind] ?? []
            let more = (violationCounts[kind] ?? 0) - texts.count
            return texts + (more > 0 ? ["and \(more) more of that kind: \(kind)"] : [])
        }
    }

    /// How many violations there are of a kind.
    func count(_ kind: Kind) -> Int { violationCounts[kind] ?? 0 }

    mutating func violate(_ kind: Kind, _ text: String) {
        violationCounts[kind, default: 0] += 1
        if violations[kind, default: []].count < Self.violationLimit { violations[kind, default: []].append(text) }
    }

    /// The broker was stopped or killed, or every connection was cut: deliveries begin anew.
    mutating func beginLife() {
        life += 1
        lastNumbers = [:]
        for index in publishers.indices {
            for mark in publishers[index].marks.indices { publishers[index].marks[mark].remove(.seenInThisLife) }
        }
    }

    // MARK: Publishing

    /// A publisher, each of whose messages goes to `queueCount` queues.
    mutating func addPublisher(queueCount: Int = 1) -> Int {
        publishers.append(Publisher(queueCount: queueCount, life: life))
        return publishers.count - 1
    }

    /// To be called before the message is sent. `queue` is the first of the queues that it goes to.
    mutating func willPublish(_ publisher: Int, queue: Int) -> LedgerMessage {
        let number = publishers[publisher].firstQueues.count
        publishers[publisher].firstQueues.append(queue)
        for _ in 0..<publishers[publisher].queueCount { publishers[publisher].marks.append([]) }
        return LedgerMessage(publisher: publisher, number: number)
    }

    /// The message and all before it are confirmed.
    mutating func confirmed(upTo message: LedgerMessage) {
        let count = publishers[message.publisher].confirmedCount
        publishers[message.publisher].confirmedCount = max(count, message.number + 1)
    }

    // MARK: Consuming

    /// A consumer, or a drain, of one queue.
    mutating func addConsumer() -> Int {
        consumerCount += 1
        return consumerCount
    }

    mutating func delivered(_ message: LedgerMessage, queue: Int, consumer: Int, isRedelivered: Bool) {
        deliveredCount += 1
        if isRedelivered { redeliveredCount += 1 }
        guard publishers.indices.contains(message.publisher),
            let index = publishers[message.publisher].index(message.number, queue)
        else { return violate(.neverPublished, "queue \(queue) has \(message), which was never published to it") }
        let publisher = publishers[message.publisher]
        let marks = publisher.marks[index]
        if marks.contains(.covered) {
            violate(
                .coveredSettlementForgotten,
                "queue \(queue) delivers \(message) again, whose settlement was covered by a later confirm")
        }
        if marks.contains(.seenInThisLife) {
            violate(.deliveredTwice, "queue \(queue) delivers \(message) twice in one life")
        }
        if marks.contains(.delivered), !isRedelivered {
            violate(
                .redeliveredMissing,
                "queue \(queue) delivers \(message) without redelivered, and it was delivered before")
        }
        if isRedelivered, !marks.contains(.delivered), publisher.life == life {
            violate(
                .redeliveredUnfounded,
                "queue \(queue) delivers \(message) as redelivered for the first time, with no restart between")
        }
        let order = Order(consumer: consumer, publisher: message.publisher)
        if let last = lastNumbers[order], last >= message.number {
            violate(.orderChanged, "queue \(queue) delivers \(message) after number \(last)")
        }
        lastNumbers[order] = message.number
        publishers[message.publisher].marks[index].formUnion([.delivered, .seenInThisLife])
    }

    /// To be called before the settlement is sent: the broker may learn of it and die.
    mutating func willSettle(_ message: LedgerMessage, queue: Int) {
        guard publishers.indices.contains(message.publisher),
            let index = publishers[message.publisher].index(message.number, queue)
        else { return }
        publishers[message.publisher].marks[index].insert(.settled)
    }

    /// A message that was published on the settlement's connection after it is confirmed.
    mutating func covered(_ message: LedgerMessage, queue: Int) {
        guard publishers.indices.contains(message.publisher),
            let index = publishers[message.publisher].index(message.number, queue)
        else { return }
        coveredCount += 1
        publishers[message.publisher].marks[index].insert(.covered)
    }

    /// Every queue was emptied in this life: whatever was not seen is not there.
    mutating func checkNothingIsMissing() {
        for (number, publisher) in publishers.enumerated() {
            var runs = MissingRuns()
            for message in 0..<publisher.confirmedCount {
                for offset in 0..<publisher.queueCount {
                    let marks = publisher.marks[message * publisher.queueCount + offset]
                    guard marks.isDisjoint(with: [.settled, .seenInThisLife]) else { continue }
                    runs.append(message, queue: publisher.firstQueues[message] + offset)
                }
            }
            for run in runs.all {
                let count = run.numbers.count
                violate(
                    .lost,
                    """
                    queue \(run.queue) lacks \(count) of publisher \(number), life \(publisher.life), confirmed and \
                    never settled: \(run.numbers.prefix(8))\(count > 8 ? " to \(run.numbers[count - 1])" : "")
                    """)
            }
        }
    }

    /// The missing messages of one publisher, by queue.
    private struct MissingRuns {
        private var numbers: [Int: [Int]] = [:]

        mutating func append(_ number: Int, queue: Int) { numbers[queue, default: []].append(number) }

        var all: [(queue: Int, numbers: [Int])] {
            numbers.sorted { $0.key < $1.key }.map { (queue: $0.key, numbers: $0.value) }
        }
    }
}
