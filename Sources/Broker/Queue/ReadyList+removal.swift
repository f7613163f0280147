// Entries that leave before their turn.
extension ReadyList {
    /// Takes the entry of a place out of its chunk. Returns nil when it is in none, or stays.
    mutating func remove(place: UInt64, leavingPagedOut: Bool) -> QueueEntry? {
        guard let (chunk, index) = locate(place) else { return nil }
        let entry = chunk.pointee.entries[index]
        if entry.isPagedOut, leavingPagedOut { return nil }
        chunk.pointee.entries[index].remove()
        chunkedCount -= 1
        removedCount += 1
        skipRemoved()
        return entry
    }

    /// Keeps the promise that the first entry of all is none that was removed.
    @inline(never)
    mutating func skipRemoved() {
        while removedCount > 0, let chunk = head, chunk.pointee.first < chunk.pointee.end,
            chunk.pointee.entries[chunk.pointee.first].isRemoved
        {
            chunk.pointee.first += 1
            removedCount -= 1
            if chunk.pointee.first == chunk.pointee.end { dropHead() }
        }
    }

    /// Places rise from chunk to chunk and within one.
    private func locate(_ place: UInt64) -> (ChunkPointer, Int)? {
        var next = head
        while let chunk = next {
            next = chunk.pointee.next
            guard chunk.pointee.first < chunk.pointee.end else { continue }
            if chunk.pointee.entries[chunk.pointee.end - 1].place < place { continue }
            var low = chunk.pointee.first
            var high = chunk.pointee.end
            while low < high {
                let middle = (low + high) / 2
                if chunk.pointee.entries[middle].place < place { low = middle + 1 } else { high = middle }
            }
            let entry = chunk.pointee.entries[low]
            return entry.place == place && !entry.isRemoved ? (chunk, low) : nil
        }
        return nil
    }
}
