import Testing

/// Everything that queues can be asked to do, at random and all at once, against a model.
///
/// `LEVERET_SEED=17 swift test --filter SemanticsTests` runs one seed again, `LEVERET_SEED_COUNT=5000` many.
@Suite struct SemanticsTests {
    @Test(arguments: Seeds.first(30))
    func queuesDoWhatTheModelSays(seed: UInt64) {
        let run = SemanticsRun(seed: seed, shardCount: 1 + Int(seed % 2), isJournaled: seed % 4 < 2)
        run.use(steps: 200)
        if let failure = run.failure {
            Issue.record(
                """
                seed \(seed) (LEVERET_SEED=\(seed)):
                \(run.operations.joined(separator: "\n"))
                \(failure)
                """)
        }
    }
}
