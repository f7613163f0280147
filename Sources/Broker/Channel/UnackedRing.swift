import Routing

/// A delivery that waits for its ack.
struct UnackedDelivery {
    /// The delivery tag; the top bit marks one that is settled already.
    var tag: UInt64
    var queue: QueueAddress
    var entry: QueueEntry
    var consumer: ConsumerReference

    static let settledBit: UInt64 = 1 << 63
    var isSettled: Bool { tag & Self.settledBit != 0 }
}

/// The unacknowledged deliveries of a channel in the order of their tags.
///
/// Tags rise by one, so an ack usually finds its delivery at (tag - first tag). One delivery that stays unacked while
/// others come and go would stretch the ring: when it is full and mostly settled it is compacted instead of grown,
/// and deliveries are then found by binary search.
struct UnackedRing {
    private var ring = RingBuffer<UnackedDelivery>()
    /// Deliveries that are not settled.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }
    var capacity: Int { ring.capacity }

    @inline(__always)
    mutating func append(_ delivery: UnackedDelivery) {
        if ring.count == ring.capacity, ring.count > 64, count < ring.count / 2 {
            ring.removeAll { $0.isSettled }
        }
        ring.append(delivery)
        count += 1
    }

    /// Takes the delivery with this tag out; nil if there is none.
    @inline(__always)
    mutating func take(_ tag: UInt64) -> UnackedDelivery? {
        guard let index = find(tag) else { return nil }
        let delivery = ring[index]
        count -= 1
        if index == 0 {
            _ = ring.popFirst()
            dropSettledHead()
        } else {
            ring[index].tag |= UnackedDelivery.settledBit
        }
        return delivery
    }

    func contains(_ tag: UInt64) -> Bool { find(tag) != nil }

    /// The oldest delivery that is not settled.
    var firstTag: UInt64? { first?.tag }

    /// Deliveries with higher tags than this one, in their order, at most so many.
    func deliveries(after tag: UInt64, limit: Int) -> [UnackedDelivery] {
        var low = 0
        var high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if ring[middle].tag & ~UnackedDelivery.settledBit <= tag { low = middle + 1 } else { high = middle }
        }
        var found: [UnackedDelivery] = []
        while low < ring.count, found.count < limit {
            if !ring[low].isSettled { found.append(ring[low]) }
            low += 1
        }
        return found
    }

    /// What a consumer holds.
    func tags(of consumer: ConsumerReference, _ queue: QueueAddress) -> [UInt64] {
        (0..<ring.count).compactMap { index in
            let delivery = ring[index]
            return delivery.consumer == consumer && delivery.queue == queue && !delivery.isSettled ? delivery.tag : nil
        }
    }

    /// Takes the oldest delivery if its tag is at most `tag`.
    @inline(__always)
    mutating func takeFirst(upTo tag: UInt64) -> UnackedDelivery? {
        guard count > 0, ring[0].tag <= tag, let first = ring.popFirst() else { return nil }
        count -= 1
        dropSettledHead()
        return first
    }

    /// The oldest delivery.
    @inline(__always)
    var first: UnackedDelivery? { count > 0 ? ring[0] : nil }

    /// The oldest deliveries with tags up to this one that came from the same queue to the same consumer as the first,
    /// or those of them that lie in a row. Valid until the ring changes.
    func firstRun(upTo tag: UInt64) -> UnsafeMutableBufferPointer<UnackedDelivery> {
        let row = ring.firstRow
        guard let first = row.first else { return row }
        var end = 0
        // The tag of one that is settled is above all others.
        while end < row.count, row[end].tag <= tag, row[end].consumer == first.consumer, row[end].queue == first.queue {
            end &+= 1
        }
        return UnsafeMutableBufferPointer(rebasing: row[..<end])
    }

    /// Takes so many of `firstRun`.
    mutating func removeFirst(_ count: Int) {
        ring.removeFirst(count)
        self.count -= count
        dropSettledHead()
    }

    /// How many of the oldest have tags that rise by one, as far as can be told at once: 0 where some behind them are
    /// settled, or others without acks were delivered in between.
    var leadingTagCount: Int {
        guard count > 0, count == ring.count, ring[count - 1].tag == ring[0].tag &+ UInt64(count - 1) else { return 0 }
        return count
    }

    /// Puts back what was taken out, each in its place.
    mutating func restore(_ deliveries: [UnackedDelivery]) {
        guard !deliveries.isEmpty else { return }
        var all = deliveries
        all.reserveCapacity(all.count + count)
        while let delivery = takeFirst(upTo: ~UnackedDelivery.settledBit) { all.append(delivery) }
        all.sort { $0.tag < $1.tag }
        ring.removeAll { _ in true }
        for delivery in all { append(delivery) }
    }

    /// Invariant: the first delivery in the ring is not settled.
    @inline(__always)
    private mutating func dropSettledHead() {
        while !ring.isEmpty, ring[0].isSettled { _ = ring.popFirst() }
    }

    @inline(__always)
    private func find(_ tag: UInt64) -> Int? {
        guard count > 0, tag & UnackedDelivery.settledBit == 0 else { return nil }
        let first = ring[0].tag
        guard tag >= first else { return nil }
        let guess = tag - first
        if guess < UInt64(ring.count), ring[Int(guess)].tag == tag { return Int(guess) }
        return search(tag)
    }

    @inline(never)
    private func search(_ tag: UInt64) -> Int? {
        var low = 0
        var high = ring.count
        while low < high {
            let middle = (low + high) / 2
            if ring[middle].tag & ~UnackedDelivery.settledBit < tag { low = middle + 1 } else { high = middle }
        }
        return low < ring.count && ring[low].tag == tag ? low : nil
    }

    mutating func deallocate() {
        ring.deallocate()
        count = 0
    }
}
