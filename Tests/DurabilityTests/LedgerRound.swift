import Foundation
import Glibc
import Processes
import SplitMix

/// One broker directory through some lives: load, kill -9, load, kill -9, …, then everything is taken out and compared.
/// A seed decides what is done; when exactly the broker dies within its work, nobody can repeat.
struct LedgerRound {
    private static let shardCounts = [1, 4]
    /// Small files and frequent checkpoints bring the journal to places where it seldom is; with little memory messages
    /// are read back from it.
    private static let storages = [
        [], ["leveret.journal_segment_size = 65536", "leveret.journal_checkpoint_size = 262144"],
        ["leveret.journal_segment_size = 1MB", "leveret.journal_checkpoint_size = 2MB", "memory_limit = 24MiB"],
    ]
    /// Up to this much longer may a broker live that is killed while it recovers.
    private static let recoveryMilliseconds = 150

    let seed: UInt64
    let shards: Int
    let shape: LedgerShape
    private var random: SplitMix64
    private let ledger: SharedLedger
    private let churn = TopologyChurn()
    private let workspace: Workspace
    private let storage: Int
    private var killCount = 0

    init(seed: UInt64) throws {
        self.seed = seed
        // Six rounds in a row see every combination.
        let combination = Int(truncatingIfNeeded: seed % 6)
        shards = Self.shardCounts[combination % 2]
        shape = LedgerShape.allCases[combination % 3]
        random = SplitMix64(seed: seed)
        ledger = SharedLedger(seed: seed)
        storage = random.below(Self.storages.count)
        workspace = try Workspace.spread(Self.storages[storage])
    }

    /// What the round has found: nothing, if the broker keeps its promises.
    var findings: [String] { ledger.with { $0.findings } }

    /// For a person who waits.
    var summary: String {
        let counts = ledger.with { ledger in
            [
                "\(ledger.publishedCount) published", "\(ledger.confirmedCount) confirmed",
                "\(ledger.deliveredCount) delivered", "\(ledger.redeliveredCount) redelivered",
                "\(ledger.coveredCount) settlements covered", "\(ledger.violationCount) violations",
            ]
        }
        let texts = ["\(shards) shards", "\(shape)", "storage \(storage)", "\(killCount) kills"]
        let steps = ["\(churn.stepCount) topology steps"]
        return (texts + steps + counts).joined(separator: ", ")
    }

    /// Kills brokers, starts them again, and looks at what is left.
    mutating func run() async throws {
        for _ in 0..<(random.chance(30) ? 2 : 1) {
            // Several kills in a row, with nothing taken out between them but by consumers.
            for _ in 0..<[1, 1, 2, 3][random.below(4)] {
                try await killDuringRecovery()
                try await liveAndDie()
            }
            try await killDuringRecovery()
            try await compare()
            if !findings.isEmpty { break }
        }
        if !findings.isEmpty, Rounds.isSearch {
            workspace.keep()
            print("ledger: round \(seed) leaves its traces in \(workspace.path)")
        }
    }

    /// As a round, but the broker stays: only the connections are cut. Whatever is found here is no fault of a journal.
    mutating func runWithoutCrash() async throws {
        let broker = try await start()
        for _ in 0..<2 {
            let load = try await load(broker)
            async let running: Void = load.run()
            try await Task.sleep(for: .milliseconds(200 + random.below(500)))
            load.expectEnd()
            await load.closeConnections()
            await running
            ledger.with { $0.beginLife() }
            let drain = LedgerDrain(port: broker.port, shape: shape, ledger: ledger)
            try await drain.waitUntilNobodyConsumes()
            try await drain.run()
        }
        try await broker.end(SIGTERM)
    }

    private func start() async throws -> BrokerProcess {
        try await BrokerProcess.start(in: workspace, shards: shards)
    }

    private mutating func load(_ broker: BrokerProcess) async throws -> LedgerLoad {
        try await shape.declare(port: broker.port)
        return LedgerLoad(
            port: broker.port, shape: shape, ledger: ledger, seed: random.next(), hasLargeBodies: storage == 2)
    }

    /// Load until a moment between 50 and 1500 ms, then kill -9; now and then a stop in order, with the same promises.
    private mutating func liveAndDie() async throws {
        let broker = try await start()
        let load = try await load(broker)
        let churnSeed = random.next()
        let churns = random.chance(60)
        let lifeMilliseconds = 50 + random.below(1450)
        let signal = random.chance(25) ? SIGTERM : SIGKILL
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await load.run() }
            if churns {
                group.addTask { [churn, ledger] in
                    do {
                        try await churn.run(port: broker.port, seed: churnSeed)
                    } catch {
                        if !load.isEnding { ledger.with { $0.violate(.failure, "a topology step failed: \(error)") } }
                    }
                }
            }
            group.addTask { [ledger] in
                try? await Task.sleep(for: .milliseconds(lifeMilliseconds))
                if !broker.isRunning { ledger.with { $0.violate(.failure, "the broker ended by itself") } }
                load.expectEnd()
                kill(broker.pid, signal)
            }
        }
        let code = try await broker.ended()
        if code != (signal == SIGTERM ? 0 : -signal) {
            ledger.with { $0.violate(.failure, "the broker ended with exit code \(code) after signal \(signal)") }
        }
        killCount += signal == SIGKILL ? 1 : 0
        ledger.with { $0.beginLife() }
    }

    /// Starts the broker and kills it before it can have got far, some times.
    private mutating func killDuringRecovery() async throws {
        guard random.chance(30) else { return }
        for _ in 0...random.below(2) {
            let broker = try BrokerProcess(in: workspace, shards: shards)
            try await Task.sleep(for: .milliseconds(1 + random.below(Self.recoveryMilliseconds)))
            try await broker.end(SIGKILL)
            killCount += 1
        }
    }

    /// Takes everything out of a broker that was started again, and compares.
    private mutating func compare() async throws {
        let broker = try await start()
        do {
            for finding in try await churn.check(port: broker.port) { ledger.with { $0.violate(.topology, finding) } }
            try await LedgerDrain(port: broker.port, shape: shape, ledger: ledger).run()
        } catch {
            ledger.with { $0.violate(.failure, "taking everything out failed: \(error)") }
        }
        // What was taken out must stay out whether the broker can say goodbye or not.
        let code = try await broker.end(random.chance(50) ? SIGTERM : SIGKILL)
        for complaint in workspace.complaints { ledger.with { $0.violate(.failure, "the broker says: \(complaint)") } }
        if code > 0 { ledger.with { $0.violate(.failure, "the broker ended with exit code \(code)") } }
        ledger.with { $0.beginLife() }
    }
}
