import SplitMix
import Testing

@testable import Routing

@Suite struct HashSlotsTests {
    /// Few hashes and many records: long runs of collisions, across the end of the array too.
    @Test(arguments: UInt64(1)...6)
    func recordsAreFoundWhateverCollides(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var slots = HashSlots()
        defer { slots.deallocate() }
        let hashes: [UInt32] = [0, 1, 7, .max, .max - 1, 0x8000_0000]
        var present: [UInt32: UInt32] = [:]
        for _ in 0..<4000 {
            let index = UInt32(generator.below(120))
            if let hash = present[index] {
                slots.remove(hash, index)
                present[index] = nil
            } else {
                let hash = generator.pick(hashes)
                slots.insert(hash, index)
                present[index] = hash
            }
            #expect(slots.count == present.count)
            let probe = UInt32(generator.below(120))
            let hash = present[probe] ?? generator.pick(hashes)
            #expect((slots.find(hash) { $0 == probe } == probe) == (present[probe] != nil))
        }
    }
}
