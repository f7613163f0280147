// Chunks that leave memory when it is scarce, and come back before their turn.
extension ReadyList {
    typealias ChunkPointer = UnsafeMutablePointer<Chunk>

    /// What stays in memory at the head of a queue when memory is scarce.
    static let keptByteCount = 64 << 10
    /// How much of what comes next is brought back ahead of its turn.
    static let aheadByteCount = 4 << 20
    static let aheadChunkCount = 64

    /// Appends an entry that is not in memory: at recovery, in the order of places.
    mutating func appendPagedOut(_ entry: QueueEntry, byteCount: Int) {
        if tail == nil || tail?.pointee.end == tail?.pointee.capacity {
            if let tail, tail != head { evict(tail) }
            addChunk(.pagedOut)
        }
        guard let chunk = tail else { return }
        (chunk.pointee.entries + chunk.pointee.end).initialize(to: entry)
        chunk.pointee.end += 1
        chunk.pointee.byteCount += byteCount
        if chunk.pointee.byteCount >= Self.chunkByteLimit { chunk.pointee.capacity = chunk.pointee.end }
        chunkedCount += 1
    }

    /// What is appended from now on is in memory, and so in another chunk.
    mutating func endPagedOut() {
        if let tail, tail.pointee.state != .resident { tail.pointee.capacity = tail.pointee.end }
    }

    /// The next chunk that may leave memory: neither at the head, nor the one that is being filled, nor of those that
    /// stay.
    mutating func chunkToPageOut(except share: ResidentShare = .none) -> ChunkPointer? {
        guard residentByteCount > Self.keptByteCount else { return nil }
        if share != pageOutShare {
            pageOutShare = share
            pageOutCursor = nil
        }
        var next = pageOutCursor?.pointee.next
        if pageOutCursor == nil {
            var kept = 0
            next = head
            while let chunk = next, kept < Self.keptByteCount {
                kept += chunk.pointee.byteCount
                next = chunk.pointee.next
            }
        }
        while let chunk = next, chunk != tail {
            if chunk.pointee.state == .resident, !share.contains(chunk.pointee.serial) { return chunk }
            pageOutCursor = chunk
            next = chunk.pointee.next
        }
        return nil
    }

    /// The next chunk behind those that have left memory: it is not wanted before they are.
    mutating func chunkToFollow(except share: ResidentShare = .none) -> ChunkPointer? {
        guard pageOutCursor != nil, absentChunkCount > 0 else { return nil }
        return chunkToPageOut(except: share)
    }

    /// The chunk's entries are paged out now.
    mutating func didPageOut(_ chunk: ChunkPointer) {
        chunk.pointee.state = .pagedOut
        chunk.pointee.capacity = chunk.pointee.end
        residentByteCount -= chunk.pointee.byteCount
        absentChunkCount += 1
        pageOutCursor = chunk
        evict(chunk)
    }

    /// Bytes of a message at the head, on average; nil while nothing is there.
    var averageByteCount: Int? {
        guard let head, head.pointee.end > 0 else { return nil }
        return head.pointee.byteCount / head.pointee.end
    }

    /// The first chunk that is paged out and shall come back now, marked as loading: unless so much that comes before
    /// it is in memory, or on its way.
    mutating func chunkToLoad(aheadByteCount: Int = Self.aheadByteCount) -> ChunkPointer? {
        guard absentChunkCount > 0 else { return nil }
        var bytes = 0
        var chunks = 0
        var next = head
        while let chunk = next, bytes < aheadByteCount, chunks < Self.aheadChunkCount {
            if chunk.pointee.state == .pagedOut {
                chunk.pointee.state = .loading
                bringBack(chunk)
                chunk.pointee.loadingCount = 0
                for index in chunk.pointee.first..<chunk.pointee.end where !chunk.pointee.entries[index].isRemoved {
                    chunk.pointee.loadingCount += 1
                }
                return chunk
            }
            bytes += chunk.pointee.byteCount
            chunks += 1
            next = chunk.pointee.next
        }
        return nil
    }

    /// The chunk of that serial if it is still there and waits.
    func loadingChunk(_ serial: UInt64) -> ChunkPointer? {
        var next = head
        while let chunk = next {
            if chunk.pointee.serial == serial { return chunk.pointee.state == .loading ? chunk : nil }
            if chunk.pointee.serial > serial { return nil }
            next = chunk.pointee.next
        }
        return nil
    }

    /// Everything has come back. Entries that could not be read are dropped; returns how many.
    mutating func didLoad(_ chunk: ChunkPointer) -> Int {
        let entries = chunk.pointee.entries
        var kept = chunk.pointee.first
        var removed = 0
        for index in chunk.pointee.first..<chunk.pointee.end where !entries[index].isPagedOut {
            if entries[index].isRemoved {
                removed += 1
                continue
            }
            entries[kept] = entries[index]
            kept += 1
        }
        removedCount -= removed
        let lost = chunk.pointee.end - kept - removed
        chunk.pointee.end = kept
        chunk.pointee.capacity = kept
        chunk.pointee.state = .resident
        residentByteCount += chunk.pointee.byteCount
        absentChunkCount -= 1
        chunkedCount -= lost
        // It may leave again, though it stands before what left last.
        if let cursor = pageOutCursor, cursor.pointee.serial >= chunk.pointee.serial { pageOutCursor = nil }
        if kept == chunk.pointee.first {
            removeEmpty(chunk)
            // What is first now may have been taken out while it stood in the middle.
            if removedCount > 0 { skipRemoved() }
        }
        return lost
    }

    /// A chunk of which nothing could be read.
    private mutating func removeEmpty(_ chunk: ChunkPointer) {
        if chunk == head { return dropHead() }
        var previous = head
        while let candidate = previous, candidate.pointee.next != chunk { previous = candidate.pointee.next }
        guard let previous else { return }
        residentByteCount -= chunk.pointee.byteCount
        if chunk == pageOutCursor { pageOutCursor = nil }
        previous.pointee.next = chunk.pointee.next
        if chunk == tail { tail = previous }
        free(chunk)
    }
}
