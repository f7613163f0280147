/// Settlements that came before their messages, since they were written by another lane.
struct EarlySettlements {
    struct Pair {
        /// UInt64.max in an empty place.
        var id: UInt64
        var holder: UInt32
    }

    private var pairs: UnsafeMutablePointer<Pair>
    private var capacity = 64
    private(set) var count = 0

    init() {
        pairs = .allocate(capacity: capacity)
        pairs.initialize(repeating: Pair(id: .max, holder: 0), count: capacity)
    }

    func deallocate() { pairs.deallocate() }

    @inline(__always)
    private func start(_ id: UInt64) -> Int {
        Int(truncatingIfNeeded: (id &* 0x9e37_79b9_7f4a_7c15) >> 32) & (capacity &- 1)
    }

    mutating func insert(_ id: UInt64, _ holder: UInt32) {
        if id == .max { return }
        if count &* 2 >= capacity { grow() }
        var place = start(id)
        while pairs[place].id != .max {
            if pairs[place].id == id, pairs[place].holder == holder { return }
            place = (place &+ 1) & (capacity &- 1)
        }
        pairs[place] = Pair(id: id, holder: holder)
        count += 1
    }

    private mutating func grow() {
        let old = UnsafeMutableBufferPointer(start: pairs, count: capacity)
        capacity *= 2
        pairs = .allocate(capacity: capacity)
        pairs.initialize(repeating: Pair(id: .max, holder: 0), count: capacity)
        count = 0
        for pair in old { insert(pair.id, pair.holder) }
        old.deallocate()
    }

    /// Whether there was one, which is forgotten.
    mutating func take(_ id: UInt64, _ holder: UInt32) -> Bool {
        if id == .max { return false }
        var place = start(id)
        while pairs[place].id != id || pairs[place].holder != holder {
            if pairs[place].id == .max { return false }
            place = (place &+ 1) & (capacity &- 1)
        }
        // Those behind move up, so that no search ends too early.
        var next = place
        while true {
            next = (next &+ 1) & (capacity &- 1)
            if pairs[next].id == .max { break }
            let wanted = start(pairs[next].id)
            if (next &- wanted) & (capacity &- 1) >= (next &- place) & (capacity &- 1) {
                pairs[place] = pairs[next]
                place = next
            }
        }
        pairs[place].id = .max
        count -= 1
        return true
    }

    mutating func removeAll() {
        pairs.update(repeating: Pair(id: .max, holder: 0), count: capacity)
        count = 0
    }

    func forEach(_ body: (Pair) -> Void) {
        for place in 0..<capacity where pairs[place].id != .max { body(pairs[place]) }
    }
}
