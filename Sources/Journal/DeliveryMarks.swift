/// Which messages each holder may have delivered before: what makes them `redelivered` after a start.
struct DeliveryMarks {
    struct Holder {
        /// The highest sequence that may have been delivered, by lane.
        var marks: [Int: UInt64] = [:]
        /// Messages that were delivered whatever the marks say.
        var delivered: Set<UInt64> = []
        /// The last that came was such a list, to which the next one is added.
        var isListOpen = false
        /// Failed deliveries by message, where the holder counts them.
        var counts: [UInt64: UInt32] = [:]
    }

    private(set) var holders: [UInt32: Holder] = [:]

    mutating func mark(_ holder: UInt32, lane: Int, sequence: UInt64) {
        holders[holder, default: Holder()].isListOpen = false
        holders[holder, default: Holder()].marks[lane, default: 0].raise(to: sequence)
    }

    mutating func addDelivered(_ holder: UInt32, _ ids: some Sequence<UInt64>) {
        var known = holders.removeValue(forKey: holder) ?? Holder()
        if !known.isListOpen { known = Holder(counts: known.counts) }
        known.isListOpen = true
        known.delivered.formUnion(ids)
        holders[holder] = known
    }

    mutating func count(_ holder: UInt32, _ id: UInt64, _ count: UInt32) {
        holders[holder, default: Holder()].counts[id] = count
    }

    func deliveryCount(_ holder: UInt32, _ id: UInt64) -> Int { Int(holders[holder]?.counts[id] ?? 0) }

    /// Without the messages that the closure, given a message and a holder, does not know any more.
    func pruned(_ isHeld: (UInt64, UInt32) -> Bool) -> DeliveryMarks {
        var pruned = self
        for (holder, known) in holders {
            if !known.delivered.isEmpty {
                pruned.holders[holder]?.delivered = known.delivered.filter { isHeld($0, holder) }
            }
            if !known.counts.isEmpty {
                pruned.holders[holder]?.counts = known.counts.filter { isHeld($0.key, holder) }
            }
        }
        return pruned
    }

    mutating func removeHolder(_ holder: UInt32) { holders[holder] = nil }

    mutating func set(_ holder: UInt32, _ value: Holder) { holders[holder] = value }

    func mayHaveDelivered(_ holder: UInt32, _ id: UInt64) -> Bool {
        guard let known = holders[holder] else { return false }
        if let mark = known.marks[MessageID.lane(id)], MessageID.sequence(id) <= mark { return true }
        return !known.delivered.isEmpty && known.delivered.contains(id)
    }
}

extension UInt64 {
    mutating func raise(to other: UInt64) { if other > self { self = other } }
}
