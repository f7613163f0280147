import Testing

@testable import Node

/// On which shard a new connection is put.
struct PlacementTests {
    private func loads(_ count: Int) -> [ShardLoad] { (0..<count).map { _ in ShardLoad() } }

    /// One microsecond, from `start` on, of which the thread ran so much.
    private func makeBusy(_ load: ShardLoad, permille: UInt64, start: UInt64 = 0) {
        for sample in [load.sampleTick, load.sampleTurn] {
            sample(start, start)
            sample(start + permille, start + 1000)
        }
    }

    private func choose(_ policy: ConnectionPlacement, _ loads: [ShardLoad], at wall: UInt64 = 1000) -> Int {
        Placement(policy: policy).choose(among: loads, at: wall)
    }

    @Test func packFillsTheFirstShard() {
        let loads = loads(3)
        for _ in 0..<Placement.packedConnectionLimit {
            #expect(choose(.pack, loads) == 0)
            loads[0].connectionOpened()
        }
        #expect(choose(.pack, loads) == 1)
    }

    @Test func packLeavesAShardThatIsHalfBusy() {
        let loads = loads(2)
        makeBusy(loads[0], permille: 499)
        #expect(choose(.pack, loads) == 0)
        makeBusy(loads[0], permille: 500, start: 1000)
        #expect(choose(.pack, loads, at: 2000) == 1)
    }

    /// A burst is over: whoever comes now meets on this shard what it was about.
    @Test func packTakesAShardThatWasBusyAndIsNotAnyMore() {
        let loads = loads(2)
        makeBusy(loads[0], permille: 1000)
        #expect(choose(.pack, loads, at: 1900) == 1)
        #expect(choose(.pack, loads, at: 2100) == 0)
        // And one that is busy for a moment only.
        loads[0].sampleTick(thread: 1000, wall: 1_000_000)
        #expect(choose(.pack, loads, at: 1_000_000) == 0)
    }

    @Test func packTakesTheLeastWhereAllAreBusy() {
        let loads = loads(2)
        for load in loads { makeBusy(load, permille: 900) }
        loads[0].connectionOpened()
        #expect(choose(.pack, loads) == 1)
    }

    @Test func spreadGoesRound() {
        let loads = loads(3)
        let chosen = (0..<6).map { _ in
            let index = choose(.spread, loads)
            loads[index].connectionOpened()
            return index
        }
        #expect(chosen == [0, 1, 2, 0, 1, 2])
        loads[1].connectionClosed()
        #expect(choose(.spread, loads) == 1)
    }
}
