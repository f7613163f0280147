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

    /// What was read of the spill file: the messages stay where they are.
    ///
    /// - Precondition: the place's `isWhole`.
    /// - Parameters:
    ///   - memory: of the size that was asked for, at a multiple of 8; it is taken over.
    ///   - byteCount: so much of it was read.
    package convenience init(
        request: PageRequest, place: SpilledPlace, memory: UnsafeMutableRawPointer, byteCount: Int
    ) {
        self.init(request: request)
        addBlock(memory, byteCount: place.byteCount)
        let bytes = UnsafeRawBufferPointer(start: memory, count: min(byteCount, place.byteCount))
        for (index, id) in request.ids.enumerated() where id != PageRequest.unwanted {
            if let (form, content) = SpillRecord.read(bytes, at: place.start(of: id), extent: place.extent),
                form.isWhole
            {
                add(content, at: index)
            }
        }
    }

    /// What was read of the spill file: the messages are made of it, elsewhere.
    ///
    /// - Parameter bytes: what was read, as much as could be; free again when it returns.
    package convenience init(request: PageRequest, place: SpilledPlace, copying bytes: UnsafeRawBufferPointer) {
        self.init(request: request)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: place.messageByteCount, alignment: 8)
        addBlock(memory, byteCount: place.messageByteCount)
        let first = SpillRecord.read(bytes, at: place.start, extent: place.extent)
            .flatMap { Message(recovered: $0.content) }
        var end = 0
        for (index, id) in request.ids.enumerated() where id != PageRequest.unwanted {
            guard let (form, content) = SpillRecord.read(bytes, at: place.start(of: id), extent: place.extent) else {
                continue
            }
            let target = memory + end + SpillRecord.headByteCount
            let byteCount = form.isWhole ? content.count : first?.byteCount(withBody: content.count) ?? 0
            let newEnd = end + SpillRecord.byteCount(ofMessage: byteCount)
            guard byteCount > 0, newEnd <= place.messageByteCount, let base = content.baseAddress else { continue }
            if form.isWhole {
                target.copyMemory(from: base, byteCount: byteCount)
            } else if let first {
                _ = Message(target, like: first, milliseconds: form.milliseconds, body: content)
            }
            end = newEnd
            add(UnsafeRawBufferPointer(start: target, count: byteCount), at: index)
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
