import SplitMix
import Testing

@testable import Broker

struct BlockSpaceTests {
    @Test func whatIsGivenBackIsUsedFirst() {
        var space = BlockSpace()
        #expect(space.allocate(10) == 0)
        #expect(space.allocate(5) == 10)
        #expect(space.allocate(7) == 15)
        space.deallocate(0, 10)
        #expect(space.allocate(4) == 0)
        #expect(space.allocate(7) == 22)
        #expect(space.allocate(6) == 4)
        #expect(space.end == 29)
    }

    @Test func neighboursBecomeOneAgain() {
        var space = BlockSpace()
        for _ in 0..<8 { _ = space.allocate(3) }
        for index in [1, 5, 3, 2, 4] { space.deallocate(UInt32(index * 3), 3) }
        #expect(space.allocate(15) == 3)
        #expect(space.end == 24)
    }

    @Test func theEndComesBack() {
        var space = BlockSpace()
        for _ in 0..<4 { _ = space.allocate(2) }
        space.deallocate(2, 2)
        space.deallocate(4, 2)
        #expect(space.end == 8)
        space.deallocate(6, 2)
        #expect(space.end == 2)
        space.deallocate(0, 2)
        #expect(space.isEmpty)
    }

    @Test func numbersEnd() {
        var space = BlockSpace()
        #expect(space.allocate(UInt32.max - 1) == 0)
        #expect(space.allocate(2) == nil)
        #expect(space.allocate(1) == UInt32.max - 1)
    }

    /// Against a plain list of blocks.
    @Test(arguments: Seeds.first(20)) func noBlockIsGivenTwice(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var space = BlockSpace()
        var used: [(first: UInt32, count: UInt32)] = []
        var owned: Set<UInt32> = []
        for _ in 0..<2000 {
            if random.chance(55) || used.isEmpty {
                let count = UInt32(1 + random.below(300))
                guard let first = space.allocate(count) else { return #expect(Bool(false)) }
                for block in first..<first + count { #expect(owned.insert(block).inserted) }
                used.append((first, count))
            } else {
                let range = used.remove(at: random.below(used.count))
                for block in range.first..<range.first + range.count { owned.remove(block) }
                space.deallocate(range.first, range.count)
            }
            #expect(space.end == (owned.max().map { $0 + 1 } ?? 0))
        }
    }
}
