@testable import Journal

/// What a journal was given, kept in dictionaries: what it must bring back, what it may, and what it must not.
struct Ledger {
    struct Message {
        let byteCount: Int
        /// Rises in the order of the log.
        let order: Int
        var isSynced = false
        /// Holders that may still have it, and whether they must: those that settled it since the last sync may.
        var holders: [UInt32: Bool]
    }

    private(set) var messages: [UInt64: Message] = [:]
    private var nextOrder = 0
    /// Since the last sync.
    private var settlementCounts: [String: Int] = [:]
    private var replacements: [(old: UInt64, holder: UInt32, new: UInt64)] = []
    private var marks: [UInt32: [Int: (synced: UInt64, written: UInt64)]] = [:]
    private(set) var syncedState: [UInt8] = []

    mutating func publish(_ id: UInt64, _ holders: [UInt32], _ byteCount: Int) {
        messages[id] = Message(
            byteCount: byteCount, order: nextOrder, holders: .init(uniqueKeysWithValues: holders.map { ($0, true) }))
        nextOrder += 1
    }

    mutating func settle(_ id: UInt64, _ holder: UInt32) {
        if messages[id]?.holders[holder] != nil { messages[id]?.holders[holder] = false }
        settlementCounts["\(id) \(holder)", default: 0] += 1
    }

    mutating func replace(_ old: UInt64, _ holder: UInt32, by new: UInt64) {
        settle(old, holder)
        replacements.append((old, holder, new))
    }

    mutating func remove(_ holder: UInt32) {
        for id in messages.keys { settle(id, holder) }
        // The removal may be lost, and then the marks are there.
        marks[holder] = marks[holder]?.mapValues { (0, $0.written) }
    }

    mutating func mark(_ holder: UInt32, _ lane: Int, _ sequence: UInt64) {
        let known = marks[holder]?[lane] ?? (0, 0)
        marks[holder, default: [:]][lane] = (known.synced, max(known.written, sequence))
    }

    /// Messages that some holder has, in the order of the log.
    var held: [(id: UInt64, holder: UInt32)] {
        messages.sorted { $0.value.order < $1.value.order }.flatMap { message in
            message.value.holders.filter(\.value).keys.sorted().map { (message.key, $0) }
        }
    }

    /// All of it is on stable storage.
    mutating func sync(_ state: [UInt8]) {
        for id in messages.keys {
            messages[id]?.isSynced = true
            let left = messages[id]?.holders.filter(\.value)
            messages[id]?.holders = left ?? [:]
        }
        messages = messages.filter { !$0.value.holders.isEmpty }
        replacements = []
        settlementCounts = [:]
        syncedState = state
        for holder in marks.keys {
            for (lane, known) in marks[holder] ?? [:] { marks[holder]?[lane] = (known.written, known.written) }
        }
    }

    /// What is wrong with a recovered journal, after a stop in the middle of anything. `state` is all that was written.
    func complaints(_ test: TestJournal, state: [UInt8]) -> [String] {
        let live = test.live
        var complaints: [String] = []
        var found: [UInt64: Set<UInt32>] = [:]
        var order = -1
        for message in live {
            guard let known = messages[message.id] else {
                complaints.append("\(message.id) is back")
                continue
            }
            if known.byteCount != message.byteCount { complaints.append("\(message.id) has another size") }
            if known.order <= order { complaints.append("\(message.id) is out of order") }
            order = known.order
            for holder in message.holders where known.holders[holder] == nil {
                complaints.append("\(message.id) is back at \(holder)")
            }
            found[message.id] = Set(message.holders)
            complaints += wrongMarks(message)
        }
        for (id, message) in messages where message.isSynced {
            for (holder, mustHave) in message.holders where mustHave && found[id]?.contains(holder) != true {
                complaints.append("\(id) is lost at \(holder)")
            }
        }
        for (old, holder, new) in replacements {
            // Settled twice, it may be gone without the other.
            guard settlementCounts["\(old) \(holder)"] == 1, messages[old]?.isSynced == true, let known = messages[new],
                known.holders.values.allSatisfy({ $0 })
            else { continue }
            if found[old]?.contains(holder) != true, found[new] == nil {
                complaints.append("neither \(old) nor \(new)")
            }
        }
        if !test.areRight(live) { complaints.append("content is wrong") }
        if !state.starts(with: test.state) || !test.state.starts(with: syncedState) {
            complaints.append("the state is wrong")
        }
        if live.count != test.recovery.report.liveMessageCount { complaints.append("the count is wrong") }
        return complaints
    }

    private func wrongMarks(_ message: TestJournal.Live) -> [String] {
        zip(message.holders, message.delivered).compactMap { holder, isDelivered in
            let known = marks[holder]?[MessageID.lane(message.id)] ?? (0, 0)
            let sequence = MessageID.sequence(message.id)
            if sequence <= known.synced, !isDelivered { return "\(message.id) was delivered by \(holder)" }
            if sequence > known.written, isDelivered { return "\(message.id) was not delivered by \(holder)" }
            return nil
        }
    }

    /// From now on, what was recovered is what there is.
    mutating func accept(_ test: TestJournal) {
        let live = test.live
        messages = messages.filter { id, _ in live.contains { $0.id == id } }
        for message in live {
            messages[message.id]?.isSynced = true
            messages[message.id]?.holders = .init(uniqueKeysWithValues: message.holders.map { ($0, true) })
        }
        replacements = []
        settlementCounts = [:]
        syncedState = test.state
        // Which of them were kept only the journal knows.
        for holder in marks.keys {
            for (lane, known) in marks[holder] ?? [:] { marks[holder]?[lane] = (known.synced, known.written) }
        }
    }
}
