import AMQPWire
import Journal
import Routing

// Out of memory: messages at the far end of deep queues, when memory is scarce.
extension ShardState {
    /// Chunks that leave memory in one turn.
    private static let chunksPerTurn = 64

    /// Bytes of memory that this shard's messages and queues take.
    package var memoryByteCount: Int {
        messages.residentByteCount + listMeasure.byteCount + Int(truncatingIfNeeded: unwrittenByteCount())
    }

    /// Publishers wait while memory is tight; whoever only consumes goes on.
    package func setMemoryTight(_ isTight: Bool) {
        guard isMemoryTight != isTight else { return }
        isMemoryTight = isTight
        guard !isTight else { return }
        creditTransit(index, 0)
        for slot in queues.occupiedSlots() {
            guard let queue = queues[slot], queue.pointee.ready.absentChunkCount > 0 else { continue }
            list(queue)
        }
    }

    /// A queue without extras has got messages.
    @inline(__always)
    func listIfDeep(_ queue: UnsafeMutablePointer<QueueState>) {
        if queue.pointee.ready.residentByteCount > Limit.deepByteCount, !queue.pointee.isPagingListed {
            listForPaging(queue)
        }
    }

    /// A queue has become deep enough to be worth it.
    @inline(never)
    func listForPaging(_ queue: UnsafeMutablePointer<QueueState>) {
        queue.pointee.isPagingListed = true
        pagingQueues.append(queue.pointee.address)
    }

    /// What comes behind messages that have left memory leaves it too, while it is still in the CPU's caches: to be
    /// done at every turn. Only for a few queues; for many it is done when memory is scarce.
    package func pageOutFollowing() {
        if !pagingQueues.isEmpty, pagingQueues.count <= Self.followedQueues { _ = pageOut(onlyFollowing: true) }
    }

    private static let followedQueues = 16

    /// Memory is scarce: what is far from its turn leaves it. Returns whether there was anything.
    ///
    /// If there is not, less stays from now on: unless much is on its way to the disk, which will be free soon.
    ///
    /// - Parameter spillingByteCount: what was to leave memory and is still there, until it is written.
    package func pageOut(onlyFollowing: Bool = false, spillingByteCount: Int = 0) -> Bool {
        if pageOut(onlyFollowing) { return true }
        let leavingByteCount = spillingByteCount + Int(truncatingIfNeeded: unwrittenByteCount())
        return !onlyFollowing && deepQueuesHold(more: 2 * leavingByteCount) && residentShare.shrink()
    }

    /// Whether deep queues have more than so many bytes of messages in memory, whichever shard's they are.
    private func deepQueuesHold(more byteCount: Int) -> Bool {
        var sum = 0
        for address in pagingQueues {
            guard let queue = queue(address) else { continue }
            for level in 0..<queue.pointee.levelCount { sum += queue.pointee.withList(level) { $0.residentByteCount } }
            if sum > byteCount { return true }
        }
        return false
    }

    private func pageOut(_ onlyFollowing: Bool) -> Bool {
        var left = Self.chunksPerTurn
        var lookedAt = 0
        var kept: [QueueAddress] = []
        while left > 0, lookedAt < pagingQueues.count {
            let address = pagingQueues[lookedAt]
            lookedAt += 1
            guard let queue = queue(address) else { continue }
            var isShallow = true
            for level in 0..<queue.pointee.levelCount {
                if !pageOut(queue, level, onlyFollowing, &left) { isShallow = false }
            }
            if isShallow {
                queue.pointee.isPagingListed = false
            } else {
                kept.append(address)
            }
        }
        // The others have their turn first.
        pagingQueues.removeFirst(lookedAt)
        pagingQueues += kept
        if pagingQueues.isEmpty { residentShare = .all }
        return left < Self.chunksPerTurn
    }

    /// Returns whether nothing more of this list will leave memory.
    private func pageOut(
        _ queue: UnsafeMutablePointer<QueueState>, _ level: Int, _ onlyFollowing: Bool, _ left: inout Int
    ) -> Bool {
        while left > 0 {
            let next = queue.pointee.withList(level) {
                onlyFollowing ? $0.chunkToFollow(except: residentShare) : $0.chunkToPageOut(except: residentShare)
            }
            guard let chunk = next, pageOut(chunk, queue, level) else {
                return queue.pointee.withList(level) { $0.residentByteCount <= ReadyList.keptByteCount }
            }
            left -= 1
        }
        return false
    }

    /// Returns false when the journal has not written all of it yet.
    private func pageOut(
        _ chunk: ReadyList.ChunkPointer, _ queue: UnsafeMutablePointer<QueueState>, _ level: Int
    ) -> Bool {
        let entries = chunk.pointee.entries
        let range = chunk.pointee.first..<chunk.pointee.end
        if queue.pointee.holder != 0 {
            for index in range where !entries[index].isRemoved && !isWritten(entries[index].message) { return false }
        }
        var spilledByteCount = 0
        var spilledCount = 0
        for index in range where !entries[index].isRemoved {
            let message = entries[index].message
            guard queue.pointee.holder != 0, message.id != 0 else {
                spilledByteCount += SpillRecord.byteCount(ofMessage: message.byteCount)
                spilledCount += 1
                continue
            }
            if isOfEarlierRun(message.id) { queue.pointee.correctEstimate(of: message, isRead: false) }
            entries[index].pageOut(message.id, isSpilled: false)
            release(message)
        }
        if spilledByteCount > 0 { spill(chunk, byteCount: spilledByteCount) }
        queue.pointee.noteDiskWrites(spilledCount)
        queue.pointee.withList(level) { $0.didPageOut(chunk) }
        return true
    }

    /// What is still in memory of a chunk goes to the spill file. It gets a copy for each queue: what is transient and
    /// deep in several queues at once is rare.
    private func spill(_ chunk: ReadyList.ChunkPointer, byteCount: Int) {
        var writer = spilled.reserve(byteCount)
        let entries = chunk.pointee.entries
        for index in chunk.pointee.first..<chunk.pointee.end {
            if entries[index].isRemoved || entries[index].isPagedOut { continue }
            let message = entries[index].message
            entries[index].pageOut(writer.add(message), isSpilled: true)
            release(message)
        }
        chunk.pointee.spilled = spilled.finish(writer)
    }

    private func isWritten(_ message: Message) -> Bool {
        guard message.id != 0, let progress = journal.progress else { return true }
        return isOfEarlierRun(message.id)
            || MessageID.sequence(message.id) <= progress.writtenSequence(MessageID.lane(message.id))
    }

    /// It was recovered, and is written.
    private func isOfEarlierRun(_ id: UInt64) -> Bool {
        MessageID.lane(id) >= shardCount || MessageID.sequence(id) < firstSequence
    }

    /// What is to be done to the spill file, before what is asked of it.
    package func takeSpillCommands() -> [SpillCommand] { spilled.takeCommands() }

    /// A buffer that was written, to go on with.
    package func reuseSpillBuffer(_ buffer: SpillBuffer) { spilled.spare = buffer }
    package var wantsSpillBuffer: Bool { spilled.spare == nil }
}

// And back.
extension ShardState {
    /// Asks for what comes next in a queue of which parts have left memory.
    @inline(never)
    func load(_ queue: UnsafeMutablePointer<QueueState>) {
        if isHeld(queue) { return }
        let ahead = isMemoryScarce ? ReadyList.keptByteCount : ReadyList.aheadByteCount
        while let chunk = queue.pointee.ready.chunkToLoad(aheadByteCount: ahead) {
            var spilledCount = 0
            for index in chunk.pointee.first..<chunk.pointee.end where chunk.pointee.entries[index].isSpilled {
                spilledCount += 1
            }
            request(chunk.pointee.loadingCount - spilledCount, of: chunk, queue, isSpilled: false)
            request(spilledCount, of: chunk, queue, isSpilled: true)
        }
    }

    /// Asks for those of a chunk's messages that are in the spill file, or those that are in the journal.
    private func request(
        _ count: Int, of chunk: ReadyList.ChunkPointer, _ queue: UnsafeMutablePointer<QueueState>, isSpilled: Bool
    ) {
        if count == 0 { return }
        let first = chunk.pointee.first
        let entries = chunk.pointee.entries
        let ids = [UInt64](unsafeUninitializedCapacity: chunk.pointee.end - first) { ids, idCount in
            idCount = chunk.pointee.end - first
            for index in 0..<idCount {
                let entry = entries[first + index]
                let isWanted = !entry.isRemoved && entry.isSpilled == isSpilled
                (ids.baseAddress.unsafelyUnwrapped + index).initialize(
                    to: isWanted ? entry.pagedOutID : PageRequest.unwanted)
            }
        }
        var place: SpilledPlace?
        if isSpilled, let lot = chunk.pointee.spilled { place = spilled.place(of: lot) }
        pageRequests.append(
            PageRequest(
                queue: queue.pointee.address, level: queue.pointee.currentLevel, chunkSerial: chunk.pointee.serial,
                firstIndex: first, ids: ids, wantedCount: count, spilled: place))
    }

    /// Memory is tight, and consumers that do not ack hold a lot already: acks, or memory, make it go on.
    func isHeld(_ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        guard isMemoryTight, queue.pointee.waitingGets.isEmpty, let size = queue.pointee.ready.averageByteCount else {
            return false
        }
        return queue.pointee.unackedCount > Limit.heldByteCount / max(size, 1)
    }

    /// What the shell shall read.
    package func takePageRequests() -> [PageRequest] {
        defer { pageRequests = [] }
        return pageRequests
    }

    /// What was asked for has been read.
    package func receive(_ read: PageRead) {
        let request = read.request
        guard let queue = queue(request.queue),
            let chunk = queue.pointee.withList(request.level, { $0.loadingChunk(request.chunkSerial) })
        else { return }
        messages.adopt(read)
        let stillWanted = pageIn(read, chunk, queue)
        // Also what could not be read is not needed any more.
        if let place = request.spilled { spilled.remove(stillWanted, of: place) }
        chunk.pointee.loadingCount -= request.wantedCount
        guard chunk.pointee.loadingCount <= 0 else { return }
        let before = queue.pointee.readyCount
        let lost = queue.pointee.withList(request.level) { $0.didLoad(chunk) }
        if lost > 0 {
            let isPersistent = queue.pointee.holder != 0 && !request.isSpilled
            queue.pointee.readyContents.subtractAbsent(lost, of: before, isPersistent: isPersistent)
        }
        if lost > 0, queue.pointee.ready.isEmpty { queue.pointee.settleLevel() }
        if lost > 0 {
            note(.error, "\(lost) messages of \(queue.pointee.resource) could not be read back and are skipped")
        }
        list(queue)
    }

    /// Entries have their messages again. Returns how many of the entries are still there, whether they could be read
    /// or not.
    private func pageIn(
        _ read: PageRead, _ chunk: ReadyList.ChunkPointer, _ queue: UnsafeMutablePointer<QueueState>
    ) -> Int {
        let request = read.request
        let entries = chunk.pointee.entries + request.firstIndex
        // A purge may have taken some meanwhile.
        let purgedCount = chunk.pointee.first - request.firstIndex
        var stillWanted = 0
        var pagedInCount = 0
        for number in 0..<request.ids.count where request.ids[number] != PageRequest.unwanted {
            let message = read.message(number)
            // It may have expired, too.
            if number < purgedCount || entries[number].isRemoved {
                if let message { release(message) }
                continue
            }
            stillWanted += 1
            guard let message else { continue }
            entries[number].pageIn(message)
            pagedInCount += 1
            if !request.isSpilled, isOfEarlierRun(request.ids[number]) {
                queue.pointee.correctEstimate(of: message, isRead: true)
            }
            if !read.care.isEmpty, !message.care.isEmpty {
                if message.care.contains(.hidesCopies) { entries[number].hideCopies() }
                noteExpiration(entries[number], queue)
            }
        }
        queue.pointee.noteDiskReads(pagedInCount)
        return stillWanted
    }
}
