import Glibc
import Testing

/// kill -9 at any moment, and a ledger of what was promised.
///
/// `LEVERET_SOAK_ROUNDS=200 swift test --filter LedgerTests` runs many rounds, `LEVERET_SEED=17` the round of one seed.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LedgerTests {
    @Test(arguments: Rounds.seeds)
    func promisesOutliveTheKilledBroker(seed: UInt64) async throws {
        var round = try LedgerRound(seed: seed)
        try await round.run()
        report(round)
    }

    /// The same load and the same rules where no journal is needed.
    @Test(arguments: [UInt64](1...2))
    func promisesOutliveTheConnections(seed: UInt64) async throws {
        var round = try LedgerRound(seed: seed)
        try await round.runWithoutCrash()
        report(round)
    }

    private func report(_ round: LedgerRound) {
        let findings = round.findings
        if Rounds.isSearch || !findings.isEmpty {
            print("ledger: round \(round.seed): \(round.summary)")
            fflush(nil)
        }
        guard !findings.isEmpty else { return }
        Issue.record(
            """
            seed \(round.seed) (LEVERET_SEED=\(round.seed)), \(round.summary)
            \(findings.joined(separator: "\n"))
            """)
    }
}
