import Routing

/// What the shell has read back, or could not: for a chunk of a queue's messages that had left memory. It is made on
/// a thread that reads or checks, which also prepares the messages for their shard: that one need not touch them.
package final class PageRead: @unchecked Sendable {
    package let request: PageRequest
    /// By the request's ids. nil where nothing could be read, or nothing is wanted.
    private let messages: UnsafeMutableBufferPointer<Message?>
    /// Memory in which messages lie, until a shard has taken them.
    private var blocks: [UnsafeMutablePointer<PageBlock>] = []
    /// What was read, before a shard has taken it.
    package private(set) var byteCount = 0
    /// Of `messages`, those that are there.
    private(set) var messageCount = 0
    private(set) var messageByteCount = 0
    /// What queues have to look at of any of them.
    private(set) var care: MessageCare = []

    package init(request: PageRequest) {
        self.request = request
        messages = .allocate(capacity: request.ids.count)
        messages.initialize(repeating: nil)
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
        addBlock(memory, byteCount: place.byteCount)
        let bytes = UnsafeRawBufferPointer(start: memory, count: min(byteCount, place.byteCount))
        for (index, id) in request.ids.enumerated() where id != PageRequest.unwanted {
            if let message = SpillRecord.message(in: bytes, at: place.start(of: id), extent: place.extent) {
                add(message, at: index)
            }
        }
    }

    package var blockCount: Int { blocks.count }

    deinit {
        for block in blocks { PageBlock.free(block) }
        messages.deallocate()
    }

    /// - Parameter index: of the request's ids.
    func message(_ index: Int) -> Message? { messages[index] }

    /// Takes over the memory of what is added next. Contents lie at multiples of 8, with 8 bytes before each that are
    /// not used.
    package func addBlock(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        blocks.append(PageBlock.make(memory, byteCount))
        self.byteCount += byteCount
    }

    /// One of the request's messages was read, into the latest block: it stays there, and is the shard's.
    package func add(_ bytes: UnsafeRawBufferPointer, at index: Int) {
        guard let block = blocks.last, let message = Message(recovered: bytes) else { return }
        message.adopt(shard: request.queue.shard, block: block)
        if request.isSpilled { message.id = 0 }
        messages[index] = message
        block.pointee.liveCount += 1
        messageCount += 1
        messageByteCount += bytes.count
        care.formUnion(message.care)
    }

    /// Its messages are somebody else's from now on, and their memory with them: `PageBlock` says how long it stays.
    ///
    /// - Returns: bytes of the blocks that hold any.
    func handOver() -> Int {
        let isUsed = { (block: UnsafeMutablePointer<PageBlock>) in block.pointee.liveCount > 0 }
        let byteCount = blocks.reduce(0) { isUsed($1) ? $0 + $1.pointee.byteCount : $0 }
        blocks.removeAll(where: isUsed)
        return byteCount
    }
}

/// Messages to be read from the journal, or from the spill file.
package struct PageRequest: Sendable {
    /// What stands for an entry that is not asked for.
    package static let unwanted = UInt64.max

    let queue: QueueAddress
    /// Which of the queue's lists.
    let level: Int
    let chunkSerial: UInt64
    /// Which of the chunk's entries the first id is of.
    let firstIndex: Int
    /// One for each of the chunk's entries from there on.
    package let ids: [UInt64]
    /// Those that are asked for.
    package let wantedCount: Int
    /// In the spill file; nil: in the journal.
    package let spilled: SpilledPlace?

    package var isSpilled: Bool { spilled != nil }
}
