import Routing

/// What the shell has read back, or could not: for a chunk of a queue's messages that had left memory.
package final class PageRead: @unchecked Sendable {
    package let request: PageRequest
    /// By the request's ids: the message block, and in which of `blocks` it lies. nil where it could not be read.
    private(set) var contents: [(bytes: UnsafeRawBufferPointer, block: Int)?]
    /// Taken by the shard that receives the messages.
    var blocks: [UnsafeMutablePointer<PageBlock>] = []

    package init(request: PageRequest) {
        self.request = request
        contents = Array(repeating: nil, count: request.ids.count)
    }

    /// What was read of the spill file, whose memory it takes over; nothing where that could not be read.
    ///
    /// - Parameters:
    ///   - memory: of the size that was asked for, at a multiple of 8.
    ///   - byteCount: so much of it was read.
    package convenience init(
        request: PageRequest, place: SpilledPlace, memory: UnsafeMutableRawPointer, byteCount: Int
    ) {
        self.init(request: request)
        let bytes = UnsafeRawBufferPointer(start: memory, count: min(byteCount, place.byteCount))
        for (index, start) in place.starts.enumerated() {
            if let message = SpillRecord.message(in: bytes, at: start, extent: place.extent) { add(message, at: index) }
        }
        addBlock(memory, byteCount: place.byteCount)
    }

    /// What was read, before a shard has taken it.
    package var blockCount: Int { blocks.count }
    package var byteCount: Int { blocks.reduce(0) { $0 + $1.pointee.byteCount } }

    deinit { for block in blocks { PageBlock.free(block) } }

    /// One of the request's messages was read; its block follows with `addBlock`.
    package func add(_ bytes: UnsafeRawBufferPointer, at index: Int) {
        contents[index] = (bytes, blocks.count)
    }

    /// Takes over the memory of what was added since the last block. Contents lie at multiples of 8, with 8 bytes
    /// before each that are not used.
    package func addBlock(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        blocks.append(PageBlock.make(memory, byteCount))
    }
}

/// Messages to be read from the journal, or from the spill file.
package struct PageRequest: Sendable {
    let queue: QueueAddress
    /// Which of the queue's lists.
    let level: Int
    let chunkSerial: UInt64
    /// Which of the chunk's entries these are.
    let indexes: [Int]
    /// In the journal, unless they are in the spill file.
    package let ids: [UInt64]
    /// Where they are in the spill file; nil: they are in the journal.
    package let spilled: SpilledPlace?

    package var isSpilled: Bool { spilled != nil }
}
