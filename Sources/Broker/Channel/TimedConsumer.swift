/// When a consumer got what it has not settled: kept only where its queue has a consumer timeout.
struct TimedConsumer {
    struct DeliveryTime: BitwiseCopyable {
        let tag: UInt64
        /// Monotonic.
        let milliseconds: UInt64
    }

    var timeoutMilliseconds: UInt64
    private var deliveries = RingBuffer<DeliveryTime>()
    /// Above so many, those are dropped that are settled, behind one that is not.
    private var limit = Self.smallestLimit
    private static let smallestLimit = 64

    init(timeoutMilliseconds: UInt64) { self.timeoutMilliseconds = timeoutMilliseconds }

    mutating func note(tag: UInt64, now: UInt64, unacked: UnackedRing) {
        dropSettled(unacked)
        if deliveries.count >= limit {
            deliveries.removeAll { !unacked.contains($0.tag) }
            limit = max(Self.smallestLimit, 2 * deliveries.count)
        }
        deliveries.append(DeliveryTime(tag: tag, milliseconds: now))
    }

    /// Whether something has been with the consumer for too long.
    mutating func isOver(now: UInt64, unacked: UnackedRing) -> Bool {
        dropSettled(unacked)
        guard !deliveries.isEmpty else { return false }
        return now &- deliveries[0].milliseconds >= timeoutMilliseconds
    }

    var count: Int { deliveries.count }

    private mutating func dropSettled(_ unacked: UnackedRing) {
        while !deliveries.isEmpty, !unacked.contains(deliveries[0].tag) { _ = deliveries.popFirst() }
    }

    mutating func deallocate() { deliveries.deallocate() }
}
