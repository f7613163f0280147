import Testing

/// The whole broker on one thread: shards, mailboxes, sockets and clients, in an order made up from a seed.
///
/// `LEVERET_SEED=17 swift test --filter SimulationTests` runs one seed again, `LEVERET_SEED_COUNT=5000` many.
@Suite struct SimulationTests {
    @Test(arguments: Seeds.first(60))
    func whatIsConfirmedIsDeliveredAndNothingIsLeaked(seed: UInt64) {
        let simulation = Simulation(seed: seed)
        if let failure = simulation.run(steps: 3000) {
            Issue.record("seed \(seed) (LEVERET_SEED=\(seed)): \(failure)")
        }
    }

    @Test func oneSeedGivesTheSameBytesTwice() {
        let runs = (0..<2).map { _ in
            let simulation = Simulation(seed: 7)
            _ = simulation.run(steps: 2000)
            return simulation.node.transcript
        }
        #expect(runs[0] == runs[1])
    }
}
