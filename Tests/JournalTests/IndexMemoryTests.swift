import Foundation
import Testing

@testable import Journal

struct IndexMemoryTests {
    private func fill(_ block: UnsafeMutableRawPointer, _ value: UInt8) {
        block.initializeMemory(as: UInt8.self, repeating: value, count: IndexMemory.blockByteCount)
    }

    private func holds(_ block: UnsafeMutableRawPointer, _ value: UInt8) -> Bool {
        UnsafeRawBufferPointer(start: block, count: IndexMemory.blockByteCount).allSatisfy { $0 == value }
    }

    @Test func blocksKeepTheirContentsWhileTheyAreOutOfMemory() {
        let path = NSTemporaryDirectory() + "/index-memory-\(UUID().uuidString)"
        let memory = IndexMemory(path: path, plainByteLimit: 2 * IndexMemory.blockByteCount)
        // More than one extent of the file.
        let blocks = (0..<600).map { number in
            let block = memory.allocate()
            fill(block, UInt8(number % 251))
            memory.evict(block)
            return block
        }
        #expect(memory.plainByteCount == 2 * IndexMemory.blockByteCount)
        #expect(memory.mappedByteCount == 598 * IndexMemory.blockByteCount)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(Set(blocks).count == 600)
        for (number, block) in blocks.enumerated() { #expect(holds(block, UInt8(number % 251))) }
        for block in blocks { memory.deallocate(block) }
        #expect(memory.plainByteCount == 0)
        #expect(memory.mappedByteCount == 0)
    }

    @Test func withoutAFilePlainMemoryDoes() {
        for path in [nil, "/nowhere/at/all"] {
            let memory = IndexMemory(path: path, plainByteLimit: 0)
            let block = memory.allocate()
            fill(block, 7)
            memory.evict(block)
            #expect(holds(block, 7))
            #expect(memory.mappedByteCount == 0)
            memory.deallocate(block)
        }
    }

    @Test func whatComesBackIsPlainAndKeepsItsContent() {
        let path = NSTemporaryDirectory() + "/index-memory-\(UUID().uuidString)"
        let memory = IndexMemory(path: path, plainByteLimit: IndexMemory.blockByteCount)
        let plain = memory.allocate()
        let mapped = memory.allocate()
        fill(plain, 1)
        fill(mapped, 2)
        memory.evict(mapped)
        #expect(memory.bringBack(plain) == plain)
        let back = memory.bringBack(mapped)
        #expect(back != mapped)
        #expect(holds(plain, 1) && holds(back, 2))
        #expect(memory.plainByteCount == 2 * IndexMemory.blockByteCount)
        #expect(memory.mappedByteCount == 0)
        memory.deallocate(plain)
        memory.deallocate(back)
        #expect(memory.plainByteCount == 0)
    }
}
