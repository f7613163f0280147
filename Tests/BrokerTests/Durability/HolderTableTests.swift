import Routing
import Testing

@testable import Broker

struct HolderTableTests {
    @Test(arguments: 0..<10 as Range<UInt64>)
    func knowsWhatWasSetLast(seed: UInt64) {
        var random = seededRandom(seed)
        var table = HolderTable(shardCount: 64)
        defer { table.deallocate() }
        var model: [QueueAddress: UInt32] = [:]
        for _ in 0..<3_000 {
            let address = QueueAddress(
                shard: Int.random(in: 0..<64, using: &random), slot: UInt32.random(in: 0..<300, using: &random),
                generation: 0)
            if Bool.random(using: &random) {
                let value = Bool.random(using: &random) ? 0 : UInt32.random(in: 0...(.max), using: &random)
                table.set(address, value)
                model[address] = value
            }
            #expect(table[address] == model[address, default: 0])
        }
    }

    /// A transient queue costs nothing, however high its slot.
    @Test func aQueueThatIsNotJournaledTakesNoRoom() {
        var table = HolderTable(shardCount: 1)
        defer { table.deallocate() }
        table.set(QueueAddress(shard: 0, slot: .max, generation: 0), 0)
        #expect(table[QueueAddress(shard: 0, slot: .max, generation: 0)] == 0)
    }

    @Test func aMarkIsReachedByWhatItWaitsFor() {
        let sync = JournalMark(position: 100, isFlush: false)
        #expect(!sync.isReached(written: 1_000, synced: 99))
        #expect(sync.isReached(written: 0, synced: 100))
        let flush = JournalMark(position: 100, isFlush: true)
        #expect(!flush.isReached(written: 99, synced: 99))
        #expect(flush.isReached(written: 100, synced: 0))
        #expect(JournalMark.none.isReached(written: 0, synced: 0))
        #expect(sync != flush)
    }
}
