import Testing

@testable import Broker

struct ReadyListTests {
    @Test(arguments: 0..<30 as Range<UInt64>)
    func givesTheSmallestPlaceFirst(seed: UInt64) {
        var random = seededRandom(seed)
        var list = ReadyList()
        defer { list.deallocate() }
        var model: [QueueEntry] = []
        var taken: [QueueEntry] = []
        var place: UInt64 = 0
        for _ in 0..<6_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                place += 1
                let entry = QueueEntry(message: fakeMessage(Int(place)), place: place)
                list.append(entry, byteCount: 100)
                model.append(entry)
            case 5..<8:
                let expected = model.isEmpty ? nil : model.removeFirst()
                #expect(list.popFirst() == expected)
                if let expected { taken.append(expected) }
            default:
                guard let index = taken.indices.randomElement(using: &random) else { continue }
                let entry = taken.remove(at: index)
                list.putBack(entry)
                model.insert(entry, at: model.firstIndex { $0.place > entry.place } ?? model.count)
            }
            #expect(list.count == model.count)
            #expect(list.isEmpty == model.isEmpty)
        }
        while !model.isEmpty { #expect(list.popFirst() == model.removeFirst()) }
        #expect(list.popFirst() == nil)
    }

    /// Around the sizes of chunks.
    @Test(arguments: [1, 15, 16, 17, 63, 64, 65, 79, 80, 81, 1_000, 5_000])
    func drainsCompletely(count: Int) {
        var list = ReadyList()
        defer { list.deallocate() }
        for round in 0..<3 {
            for number in 1...count {
                list.append(
                    QueueEntry(message: fakeMessage(number), place: UInt64(round * count + number)), byteCount: 100)
            }
            for number in 1...count { #expect(list.popFirst()?.place == UInt64(round * count + number)) }
            #expect(list.isEmpty)
            #expect(list.popFirst() == nil)
        }
    }

    @Test func deliveriesAreCountedUpToALimitAndWithoutChangingThePlace() {
        var entry = QueueEntry(message: fakeMessage(1), place: 1 << 45)
        #expect(!entry.isRedelivered)
        entry.markRedelivered()
        #expect(entry.isRedelivered && entry.deliveryCount == 0)
        for _ in 0..<1_000 { entry.countDelivery() }
        #expect(entry.isRedelivered && entry.deliveryCount == 1_000)
        for _ in 0..<2_000 { entry.countDelivery() }
        #expect(entry.deliveryCount == QueueEntry.deliveryCountLimit)
        #expect(entry.acquiredCount == entry.deliveryCount)
        for _ in 0..<20 { entry.countReturn() }
        #expect(entry.acquiredCount == entry.deliveryCount + 20)
        for _ in 0..<100 { entry.countReturn() }
        #expect(entry.acquiredCount == QueueEntry.deliveryCountLimit + QueueEntry.returnCountLimit)
        #expect(entry.deliveryCount == QueueEntry.deliveryCountLimit && !entry.hidesCopies)
        #expect(entry.place == 1 << 45)
    }
}
