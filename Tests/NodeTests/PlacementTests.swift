import Testing

@testable import Node

/// On which shard a new connection is put.
struct PlacementTests {
    private func loads(_ count: Int) -> [ShardLoad] { (0..<count).map { _ in ShardLoad() } }

    /// One microsecond, from `start` on, of which the thread ran so much.
    private func makeBusy(_ load: ShardLoad, permille: UInt64, start: UInt64 = 0) {
        load.sample(thread: start, wall: start)
        load.sample(thread: start + permille, wall: start + 1000)
    }

    @Test func packFillsTheFirstShard() {
        let loads = loads(3)
        for _ in 0..<Placement.packedConnectionLimit {
            #expect(Placement(policy: .pack).choose(among: loads) == 0)
            loads[0].connectionOpened()
        }
        #expect(Placement(policy: .pack).choose(among: loads) == 1)
    }

    @Test func packLeavesAShardThatIsHalfBusy() {
        let loads = loads(2)
        makeBusy(loads[0], permille: 499)
        #expect(Placement(policy: .pack).choose(among: loads) == 0)
        makeBusy(loads[0], permille: 500, start: 1000)
        #expect(Placement(policy: .pack).choose(among: loads) == 1)
    }

    @Test func packTakesTheLeastWhereAllAreBusy() {
        let loads = loads(2)
        for load in loads { makeBusy(load, permille: 900) }
        loads[0].connectionOpened()
        #expect(Placement(policy: .pack).choose(among: loads) == 1)
    }

    @Test func spreadGoesRound() {
        let loads = loads(3)
        let chosen = (0..<6).map { _ in
            let index = Placement(policy: .spread).choose(among: loads)
            loads[index].connectionOpened()
            return index
        }
        #expect(chosen == [0, 1, 2, 0, 1, 2])
        loads[1].connectionClosed()
        #expect(Placement(policy: .spread).choose(among: loads) == 1)
    }
}
