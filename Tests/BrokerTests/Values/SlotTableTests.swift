import Testing

@testable import Broker

struct SlotTableTests {
    @Test func staleGenerationFindsNothing() {
        var table = SlotTable<Int>()
        let (slot, generation, value) = table.insert { _, _ in 7 }
        #expect(table[slot, generation] == value)
        #expect(value.pointee == 7)
        table.remove(slot: slot)
        #expect(table[slot, generation] == nil)
        let next = table.insert { _, _ in 8 }
        #expect(next.slot == slot)
        #expect(next.generation == generation + 1)
        #expect(table[slot, generation] == nil)
        #expect(table[slot, next.generation]?.pointee == 8)
        #expect(table[slot + 1, 0] == nil)
        table.deallocate()
    }

    @Test func generationsWrapWhereAddressesHaveFewBits() {
        var table = SlotTable<Int>(generationBits: 2)
        var seen: [UInt32] = []
        for number in 0..<6 {
            let (slot, generation, _) = table.insert { _, _ in number }
            seen.append(generation)
            table.remove(slot: slot)
        }
        #expect(seen == [0, 1, 2, 3, 0, 1])
        table.deallocate()
    }

    @Test func longestFreeSlotIsUsedFirst() {
        var table = SlotTable<Int>()
        for number in 0..<3 { _ = table.insert { _, _ in number } }
        table.remove(slot: 2)
        table.remove(slot: 0)
        #expect(table.insert { _, _ in 9 }.slot == 2)
        #expect(table.occupiedSlots() == [1, 2])
        table.deallocate()
    }

    @Test func aWalkPassesOverFreeSlotsButNotWithoutEnd() {
        var table = SlotTable<Int>()
        for number in 0..<100 { _ = table.insert { _, _ in number } }
        for slot in 0..<98 where slot != 3 { table.remove(slot: UInt32(slot)) }
        var steps: [[Int]] = []
        var next: Int? = 0
        while let start = next {
            var seen: [Int] = []
            next = table.forEachOccupied(from: start, limit: 2) { seen.append($0.pointee) }
            #expect(seen.count <= 2 && (next ?? 100) - start <= 32)
            steps.append(seen)
        }
        #expect(steps.joined().map { $0 } == [3, 98, 99] && steps.count > 3)
        table.deallocate()
    }
}
