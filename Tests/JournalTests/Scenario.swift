import Glibc

@testable import Journal

/// A random life of a journal, the same for the same seed, with a ledger of what it was given.
final class Scenario {
    var ledger = Ledger()
    private(set) var test: TestJournal
    private var random: TestRandom
    private var holders: [UInt32] = [1, 2, 3, 4]
    private var nextHolder: UInt32 = 5
    private var nextChange = 0
    /// All state that was ever handed over.
    private(set) var state: [UInt8] = []
    /// What is in the lanes, to be entered when it is written: the order of the log is that of the lanes.
    private var entries: [[(inout Ledger) -> Void]] = [[], [], []]
    /// Settlements, which count even where their lane comes before that of the message.
    private var settlements: [(inout Ledger) -> Void] = []
    /// What was published and is not written yet.
    private var fresh: [(id: UInt64, holder: UInt32)] = []

    static let configuration = TestJournal.configuration(segment: 12_288) {
        $0.checkpointByteCount = 40_000
        $0.movedByteCountPerBatch = 1_000
        $0.pooledSegmentLimit = 3
    }

    init(_ disk: MemoryDisk, seed: UInt64) throws(JournalError) {
        random = TestRandom(seed)
        test = try TestJournal(disk, Self.configuration)
    }

    func run(steps: Int) throws(JournalError) { for _ in 0..<steps { try step() } }

    func step() throws(JournalError) {
        switch random.below(20) {
        case 0..<7: publish(1 + random.below(12))
        case 7..<12: settle(1 + random.below(25))
        case 12: replace()
        case 13: if random.below(3) == 0 { remove() } else { mark() }
        case 14: change()
        case 15: if random.below(2) == 0 { test.journal.requestCheckpoint() }
        default: try commit()
        }
    }

    private func publish(_ count: Int) {
        for _ in 0..<count {
            let lane = random.below(3)
            let chosen = holders.filter { _ in random.below(3) == 0 }
            let to = chosen.isEmpty ? [holders[random.below(holders.count)]] : chosen
            let byteCount = random.below(60) == 0 ? 5_000 + random.below(20_000) : random.below(200)
            let id = test.publish(lane, to: to, byteCount)
            entries[lane].append { $0.publish(id, to, byteCount) }
            fresh += to.map { (id, $0) }
        }
    }

    private func settle(_ count: Int) {
        let held = random.below(4) == 0 ? fresh : ledger.held
        guard !held.isEmpty else { return }
        for _ in 0..<count {
            // Mostly the oldest.
            let index = random.below(3) == 0 ? random.below(held.count) : min(random.below(20), held.count - 1)
            let lane = random.below(3)
            test.settle(held[index].id, held[index].holder, lane: lane)
            settlements.append { $0.settle(held[index].id, held[index].holder) }
        }
    }

    private func replace() {
        let held = ledger.held
        guard !held.isEmpty else { return }
        let old = held[random.below(held.count)]
        let lane = random.below(3)
        let holder = holders[random.below(holders.count)]
        let id = test.replace(lane, to: [holder], settling: old.id, of: old.holder, 50)
        entries[lane].append { $0.publish(id, [holder], 50) }
        settlements.append { $0.replace(old.id, old.holder, by: id) }
    }

    private func remove() {
        let holder = holders.remove(at: random.below(holders.count))
        holders.append(nextHolder)
        nextHolder += 1
        test.lanes[0].appendHolderRemoved(holder)
        // Behind all the others: what another lane sends in this very batch is gone too.
        removals.append(holder)
    }

    private var removals: [UInt32] = []

    private func mark() {
        let holder = holders[random.below(holders.count)]
        let lane = random.below(3)
        let sequence = test.nextSequence[lane] - min(test.nextSequence[lane], UInt64(random.below(3)))
        test.lanes[1].appendDeliveryMark(holder: holder, lane: lane, sequence: sequence)
        entries[1].append { $0.mark(holder, lane, sequence) }
    }

    private func change() {
        nextChange += 1
        test.change("\(nextChange);")
    }

    func commit() throws(JournalError) {
        for lane in entries.indices {
            for entry in entries[lane] { entry(&ledger) }
            entries[lane] = []
        }
        for settlement in settlements { settlement(&ledger) }
        for holder in removals { ledger.remove(holder) }
        settlements = []
        removals = []
        fresh = []
        state = test.state
        test.runsMaintenance = random.below(3) > 0
        var attempts = 0
        while !(try test.commit()) {
            attempts += 1
            guard attempts < 10 else { throw .refused("no segment comes") }
            test.journal.retryPreparation()
        }
        if !test.runsMaintenance, random.below(2) == 0, let job = test.journal.nextMaintenance() {
            job.run()
            try test.journal.finish(job)
        }
        ledger.sync(test.state)
    }

    /// Stops in order and starts again.
    func restart(_ disk: MemoryDisk) throws(JournalError) {
        try commit()
        if random.below(2) == 0 {
            test.journal.requestCheckpoint()
            try test.commit()
            try test.maintain()
        }
        try test.maintain()
        try test.journal.close()
        try begin(disk)
    }

    /// Goes on with what a disk holds, after any end.
    func begin(_ disk: MemoryDisk) throws(JournalError) {
        entries = [[], [], []]
        settlements = []
        removals = []
        fresh = []
        test = try TestJournal(disk, Self.configuration)
    }

    /// Checks a recovery and takes it for the truth.
    func complaints() -> [String] {
        let complaints = ledger.complaints(test, state: state)
        ledger.accept(test)
        state = test.state
        return complaints
    }
}

/// The seeds to try: the one that `LEVERET_SEED` names, or these.
func testSeeds(_ seeds: Range<UInt64>) -> [UInt64] {
    if let text = getenv("LEVERET_SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
    return Array(seeds)
}
