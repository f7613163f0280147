import Glibc
import Testing

@testable import Broker

struct MessageStoreTests {
    private struct Block {
        let memory: UnsafeMutableRawPointer
        let byteCount: Int
        let mark: UInt8
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func blocksKeepTheirContentsAndDoNotOverlap(seed: UInt64) {
        var random = seededRandom(seed)
        var store = MessageStore()
        defer { store.deallocate() }
        var blocks: [Block] = []
        for number in 0..<6_000 {
            if Int.random(in: 0..<10, using: &random) < (number < 3_000 ? 7 : 3) || blocks.isEmpty {
                let limit = [64, 512, 520, 4_096, 8_192, 20_000].randomElement(using: &random) ?? 64
                let byteCount = Int.random(in: 24...limit, using: &random)
                let memory = store.allocate(byteCount)
                #expect(UInt(bitPattern: memory) % 8 == 0)
                let mark = UInt8(truncatingIfNeeded: number)
                memory.initializeMemory(as: UInt8.self, repeating: mark, count: byteCount)
                blocks.append(Block(memory: memory, byteCount: byteCount, mark: mark))
            } else {
                free(blocks.remove(at: Int.random(in: 0..<blocks.count, using: &random)), in: &store)
            }
            #expect(store.messageCount == blocks.count)
        }
        #expect(store.byteCount == blocks.reduce(0) { $0 + $1.byteCount })
        for block in blocks { free(block, in: &store) }
        #expect(store.messageCount == 0)
        #expect(store.byteCount == 0)
    }

    private func free(_ block: Block, in store: inout MessageStore) {
        let bytes = UnsafeRawBufferPointer(start: block.memory, count: block.byteCount)
        if !bytes.allSatisfy({ $0 == block.mark }) {
            Issue.record("a block of \(block.byteCount) bytes was overwritten")
        }
        store.free(block.memory, byteCount: block.byteCount)
    }

    /// Each size, so that every size class begins and ends where the next one thinks.
    @Test func neighboursOfEverySizeStayApart() {
        var store = MessageStore()
        defer { store.deallocate() }
        for byteCount in Array(24...1_100) + Array(stride(from: 1_101, through: 8_200, by: 37)) {
            let blocks = (0..<3).map { mark in
                let memory = store.allocate(byteCount)
                memory.initializeMemory(as: UInt8.self, repeating: UInt8(mark), count: byteCount)
                return Block(memory: memory, byteCount: byteCount, mark: UInt8(mark))
            }
            for block in blocks { free(block, in: &store) }
        }
        #expect(store.messageCount == 0)
    }

    @Test func freedMemoryIsUsedAgain() {
        var store = MessageStore()
        defer { store.deallocate() }
        let first = store.allocate(100)
        store.free(first, byteCount: 100)
        #expect(store.allocate(100) == first)
        store.free(first, byteCount: 100)
    }

    /// After a backlog has gone, messages live in memory that the process has, not in pages that it gave back: those
    /// would have to be had again each time.
    @Test func memoryThatWasKeptIsUsedFirst() {
        var store = MessageStore()
        defer { store.deallocate() }
        let byteCount = 1000
        func fill(_ count: Int) {
            let blocks = (0..<count).map { _ in store.allocate(byteCount) }
            for block in blocks { block.initializeMemory(as: UInt8.self, repeating: 7, count: byteCount) }
            for block in blocks { store.free(block, byteCount: byteCount) }
        }
        fill(20_000)
        fill(1000)
        let before = pageFaultCount
        for _ in 0..<50 { fill(1000) }
        // A page of the system's is 4 KiB at least: 250 for each round if all are had again.
        #expect(pageFaultCount - before < 50 * 100)
    }

    /// Of this thread.
    private var pageFaultCount: Int {
        var usage = rusage()
        getrusage(1, &usage)
        return usage.ru_minflt
    }
}
