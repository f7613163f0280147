/// Lists of holders, for messages that have several: in one piece of memory, in blocks of 2 to the n words.
///
/// A block: how many holders the record has, how many of them have not settled, the holders, a bit for each that is set
/// while it has not settled. Holders above 16 are sorted.
struct HolderLists {
    private(set) var words: UnsafeMutablePointer<UInt32>
    private var capacity = 4096
    private var used = 0
    /// First free block of each size, which holds the next one; UInt32.max for none.
    private var free = [UInt32](repeating: .max, count: 33)

    init() { words = .allocate(capacity: capacity) }

    func deallocate() { words.deallocate() }

    static let sortedAbove = 16

    @inline(__always)
    private static func size(_ holderCount: Int) -> Int {
        let wordCount = 2 + holderCount + (holderCount + 31) / 32
        return Int.bitWidth - (wordCount - 1).leadingZeroBitCount
    }

    /// A block for so many holders, not filled yet; nil when there are more than a word can point to.
    mutating func allocate(_ holderCount: Int) -> UInt32? {
        let size = Self.size(holderCount)
        guard size < 32 else { return nil }
        let block: Int
        if free[size] != .max {
            block = Int(free[size])
            free[size] = words[block]
        } else {
            guard used + 1 << size < Int(UInt32.max) else { return nil }
            block = used
            reserve(used + 1 << size)
            used += 1 << size
        }
        words[block] = UInt32(truncatingIfNeeded: holderCount)
        words[block + 1] = 0
        let bits = words + block + 2 + holderCount
        for index in 0..<(holderCount + 31) / 32 { bits[index] = 0 }
        return UInt32(block)
    }

    private mutating func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        let grown = max(wanted, capacity * 2)
        let fresh = UnsafeMutablePointer<UInt32>.allocate(capacity: grown)
        fresh.moveInitialize(from: words, count: used)
        words.deallocate()
        words = fresh
        capacity = grown
    }

    mutating func deallocate(_ block: UInt32) {
        let size = Self.size(recordCount(block))
        words[Int(block)] = free[size]
        free[size] = block
    }

    @inline(__always)
    func recordCount(_ block: UInt32) -> Int { Int(words[Int(block)]) }
    @inline(__always)
    func liveCount(_ block: UInt32) -> Int { Int(words[Int(block) + 1]) }
    @inline(__always)
    func holders(_ block: UInt32) -> UnsafeMutablePointer<UInt32> { words + Int(block) + 2 }

    func isLive(_ block: UInt32, _ index: Int) -> Bool {
        words[Int(block) + 2 + recordCount(block) + index / 32] & 1 << UInt32(index % 32) != 0
    }

    func setLive(_ block: UInt32, _ index: Int) {
        words[Int(block) + 2 + recordCount(block) + index / 32] |= 1 << UInt32(index % 32)
        words[Int(block) + 1] += 1
    }

    func clearLive(_ block: UInt32, _ index: Int) {
        words[Int(block) + 2 + recordCount(block) + index / 32] &= ~(1 << UInt32(index % 32))
        words[Int(block) + 1] -= 1
    }

    /// Sorts the list so that `find` is quick, however long it is.
    func prepare(_ block: UInt32) {
        let count = recordCount(block)
        if count > Self.sortedAbove {
            var list = UnsafeMutableBufferPointer(start: holders(block), count: count)
            list.sort()
        }
    }

    func find(_ block: UInt32, _ holder: UInt32) -> Int? {
        let count = recordCount(block)
        let list = holders(block)
        if count <= Self.sortedAbove {
            for index in 0..<count where list[index] == holder { return index }
            return nil
        }
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < holder { low = middle + 1 } else { high = middle }
        }
        return low < count && list[low] == holder ? low : nil
    }
}
