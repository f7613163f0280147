@testable import Journal

/// A journal with its lanes, as the node would have them, on one thread.
final class TestJournal {
    let journal: Journal
    let recovery: Recovery
    let disk: Disk
    var lanes: [LaneBuffer] = [LaneBuffer(), LaneBuffer(), LaneBuffer()]
    var nextSequence: [UInt64]
    private lazy var reader = journal.makeReader()
    /// Runs what the maintenance thread would, at once.
    var runsMaintenance = true
    /// How many jobs the maintenance thread gets done before the lanes want to be written again.
    var jobsAtATime = Int.max
    var state: [UInt8] = []
    /// How far the lanes are written, if there was no segment.
    private var cursor = AppendCursor()

    static let directory = "/journal"

    static func configuration(segment: Int = 65_536, _ change: (inout JournalConfiguration) -> Void = { _ in })
        -> JournalConfiguration
    {
        let seeds = SeedSource()
        var configuration = JournalConfiguration(directory: directory) { seeds.next() }
        configuration.segmentByteCount = segment
        change(&configuration)
        return configuration
    }

    init(_ disk: Disk, _ configuration: JournalConfiguration = configuration()) throws(JournalError) {
        self.disk = disk
        journal = try Journal.open(configuration, disk: disk)
        do throws(JournalError) {
            recovery = try journal.recover()
        } catch {
            try? journal.close()
            throw error
        }
        state = (recovery.stateSnapshot ?? []) + recovery.stateChanges.joined()
        nextSequence = Array(repeating: recovery.nextSequence, count: lanes.count)
    }

    deinit { for index in lanes.indices { lanes[index].deallocate() } }

    func content(_ id: UInt64, _ byteCount: Int) -> [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: id &* 31 &+ UInt64($0) &* 7) }
    }

    @discardableResult
    func publish(_ lane: Int = 1, to holders: [UInt32] = [1], _ byteCount: Int = 100) -> UInt64 {
        let id = MessageID.make(lane: lane, sequence: nextSequence[lane])
        nextSequence[lane] += 1
        holders.withUnsafeBufferPointer { holders in
            content(id, byteCount).withUnsafeBytes { lanes[lane].appendMessage(id: id, holders: holders, content: $0) }
        }
        return id
    }

    @discardableResult
    func replace(_ lane: Int = 1, to holders: [UInt32], settling: UInt64, of holder: UInt32, _ byteCount: Int = 100)
        -> UInt64
    {
        let id = MessageID.make(lane: lane, sequence: nextSequence[lane])
        nextSequence[lane] += 1
        holders.withUnsafeBufferPointer { holders in
            content(id, byteCount).withUnsafeBytes {
                lanes[lane].appendReplacement(
                    id: id, holders: holders, content: $0, settledID: settling, settledHolder: holder)
            }
        }
        return id
    }

    func settle(_ id: UInt64, _ holder: UInt32 = 1, lane: Int = 2) {
        lanes[lane].appendSettlement(id: id, holder: holder)
    }
    func change(_ text: String) {
        state += Array(text.utf8)
        Array(text.utf8).withUnsafeBytes { lanes[0].appendStateChange($0) }
    }

    /// Writes what the lanes hold, with maintenance whenever it is needed. False if there was no segment to be had.
    @discardableResult
    func write(mayUseReserve: Bool = false) throws(JournalError) -> Bool {
        if cursor == AppendCursor(), journal.wantsStateSnapshot {
            state.withUnsafeBytes { lanes[0].appendStateSnapshot($0) }
        }
        while try journal.append(lanes, from: &cursor, mayUseReserve: mayUseReserve) == .needsSegment {
            guard try maintain() else { return false }
        }
        for index in lanes.indices { lanes[index].removeAll() }
        cursor = AppendCursor()
        return true
    }

    /// False if there was nothing to do.
    @discardableResult
    func maintain() throws(JournalError) -> Bool {
        var count = 0
        while count < jobsAtATime, let job = journal.nextMaintenance() {
            job.run()
            try journal.finish(job)
            count += 1
        }
        return count > 0
    }

    @discardableResult
    func commit(mayUseReserve: Bool = false) throws(JournalError) -> Bool {
        let isWhole = try write(mayUseReserve: mayUseReserve)
        try journal.sync()
        if runsMaintenance { try maintain() }
        return isWhole
    }

    enum Read: Equatable {
        case content([UInt8])
        case missing
        case damaged
    }

    func read(_ ids: [UInt64]) -> [Read] {
        var result = [Read?](repeating: nil, count: ids.count)
        reader.read(ids) { index, outcome in
            precondition(result[index] == nil)
            switch outcome {
            case .content(let bytes): result[index] = .content(Array(bytes))
            case .missing: result[index] = .missing
            case .damaged: result[index] = .damaged
            }
        }
        return result.map { $0! }
    }

    struct Live: Equatable {
        let id: UInt64
        let byteCount: Int
        let holders: [UInt32]
        let delivered: [Bool]
    }

    var live: [Live] {
        var result: [Live] = []
        journal.forEachLiveMessage { message in
            result.append(
                Live(
                    id: message.id, byteCount: message.contentByteCount, holders: message.holders.map(\.holder),
                    delivered: message.holders.map(\.mayHaveBeenDelivered)))
        }
        return result
    }

    var liveIDs: [UInt64] { live.map(\.id) }

    /// Whether all of these can be read and are right.
    func areRight(_ messages: [Live]) -> Bool {
        zip(messages, read(messages.map(\.id))).allSatisfy { $1 == .content(content($0.id, $0.byteCount)) }
    }
}

final class SeedSource: @unchecked Sendable {
    private var random = TestRandom(42)
    func next() -> UInt64 { random.next() }
}
