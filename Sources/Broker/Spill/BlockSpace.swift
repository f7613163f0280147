/// Which blocks of a file are in use: ranges are taken as near to the beginning as a short look finds room, so that the
/// end of the file comes back when a backlog drains.
struct BlockSpace {
    private struct Range {
        var first: UInt32
        var count: UInt32
        var end: UInt32 { first + count }
    }

    /// Ranges nobody uses, in their order; none touches another, or the end.
    private var free: [Range] = []
    /// Behind the last block in use.
    private(set) var end: UInt32 = 0

    /// Free ranges that are looked at before the end of the file is taken.
    private static let searchLimit = 64

    var isEmpty: Bool { end == 0 }

    /// - Returns: the first of that many blocks in a row; nil when there are no numbers left (16 TiB of 4 KiB).
    mutating func allocate(_ count: UInt32) -> UInt32? {
        for index in 0..<min(free.count, Self.searchLimit) where free[index].count >= count {
            let first = free[index].first
            if free[index].count == count {
                free.remove(at: index)
            } else {
                free[index].first += count
                free[index].count -= count
            }
            return first
        }
        let (newEnd, overflows) = end.addingReportingOverflow(count)
        guard !overflows else { return nil }
        defer { end = newEnd }
        return end
    }

    mutating func deallocate(_ first: UInt32, _ count: UInt32) {
        var range = Range(first: first, count: count)
        var index = free.partitioningIndex { $0.first > first }
        if index > 0, free[index - 1].end == first {
            index -= 1
            range = Range(first: free[index].first, count: free[index].count + count)
            free.remove(at: index)
        }
        if index < free.count, free[index].first == range.end { range.count += free.remove(at: index).count }
        if range.end == end {
            end = range.first
        } else {
            free.insert(range, at: index)
        }
    }
}

extension Array {
    /// The first index whose element is in the second part; those of the first part come first.
    fileprivate func partitioningIndex(_ isInSecondPart: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isInSecondPart(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
