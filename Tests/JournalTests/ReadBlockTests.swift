import Testing

@testable import Journal

/// What is read to stay: in blocks that are handed over.
@Suite struct ReadBlockTests {
    let disk = MemoryDisk()

    private struct Block {
        let memory: UnsafeMutableRawPointer
        let byteCount: Int
    }

    /// Reads, and checks what the receiver counts on: each content lies within the block that came before it, at a
    /// multiple of 8, behind 8 bytes that nobody else uses. Returns the sizes of the blocks.
    private func read(_ ids: [UInt64], of byteCount: Int, _ journal: TestJournal) -> [Int] {
        var blocks: [Block] = []
        var contents: [(index: Int, bytes: UnsafeRawBufferPointer, block: Int)] = []
        journal.journal.makeReader().read(ids) {
            blocks.append(Block(memory: $0, byteCount: $1))
        } _: { index, outcome in
            guard case .content(let bytes) = outcome else {
                Issue.record("\(index): \(outcome)")
                return
            }
            contents.append((index, bytes, blocks.count - 1))
        }
        // The receiver writes there.
        for content in contents {
            guard let base = content.bytes.baseAddress else { continue }
            let block = blocks[content.block]
            #expect(Int(bitPattern: base) % 8 == 0)
            #expect(base - 8 >= UnsafeRawPointer(block.memory))
            #expect(base + content.bytes.count <= UnsafeRawPointer(block.memory) + block.byteCount)
            UnsafeMutableRawPointer(mutating: base - 8).storeBytes(of: .max, as: UInt64.self)
        }
        for content in contents { #expect(Array(content.bytes) == journal.content(ids[content.index], byteCount)) }
        #expect(Set(contents.map(\.index)).count == ids.count)
        for block in blocks { block.memory.deallocate() }
        return blocks.map(\.byteCount)
    }

    /// Little messages of one queue among large ones of another: what lies between would stay in memory with them.
    @Test(arguments: [1, 100, 1001]) func blocksAreNoLargerThanTwiceWhatIsWanted(byteCount: Int) throws {
        let journal = try TestJournal(disk)
        var ids: [UInt64] = []
        for _ in 0..<40 {
            ids.append(journal.publish(1, to: [1], byteCount))
            journal.publish(1, to: [2], 9000)
        }
        try journal.commit()
        let sizes = read(ids, of: byteCount, journal)
        #expect(sizes.reduce(0, +) <= 2 * 40 * (byteCount + 64))
        try journal.journal.close()
    }

    @Test func neighboursShareABlock() throws {
        let journal = try TestJournal(disk)
        let ids = (0..<40).map { _ in journal.publish(1, to: [1, 2], 100) }
        try journal.commit()
        #expect(read(ids, of: 100, journal).count == 1)
        #expect(read([ids[0], ids[39]], of: 100, journal).count == 1)
        try journal.journal.close()
    }
}
