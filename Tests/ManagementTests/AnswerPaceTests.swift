import Testing

@testable import Management

/// How long lists yield while shards are busy.
@Suite struct AnswerPaceTests {
    private static let millisecond: UInt64 = 1_000_000

    @Test func nothingWaitsWhileShardsHaveLittleToDo() {
        var budget = AnswerBudget()
        for step in 0..<100 as Range<UInt64> {
            let time = step * Self.millisecond
            #expect(budget.wait(usedNanoseconds: time, at: time, share: 1) == 0)
        }
        // What was used then is not to be given back.
        #expect(
            budget.wait(usedNanoseconds: 100 * Self.millisecond, at: 100 * Self.millisecond, share: 0.1) < 10_000_000)
    }

    /// Work of half a millisecond at a time, and waiting as it is told.
    @Test(arguments: [0.02, 0.04, 0.16, 0.5])
    func aBusyNodeGivesItsShare(share: Double) {
        var budget = AnswerBudget()
        var used: UInt64 = 0
        var now: UInt64 = 0
        var waits = 0
        while used < 400 * Self.millisecond {
            used += Self.millisecond / 2
            now += Self.millisecond / 2
            let wait = budget.wait(usedNanoseconds: used, at: now, share: share)
            #expect(wait == 0 || wait >= 20 * Self.millisecond)
            now += wait
            if wait > 0 { waits += 1 }
        }
        let got = Double(used) / Double(now)
        #expect(got > share * 0.9 && got < share * 1.2)
        #expect(waits > 10)
    }

    /// An hour without long answers is no credit for the next.
    @Test func timeIsNotSaved() {
        var budget = AnswerBudget()
        _ = budget.wait(usedNanoseconds: 0, at: 0, share: 0.1)
        let hour = 3600 * 1000 * Self.millisecond
        #expect(budget.wait(usedNanoseconds: Self.millisecond, at: hour, share: 0.1) == 0)
        let used = Self.millisecond + 10 * Self.millisecond
        let wait = budget.wait(usedNanoseconds: used, at: hour + 10 * Self.millisecond, share: 0.1)
        #expect((89_000_000...91_000_000).contains(wait))
    }
}
