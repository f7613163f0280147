/// Where a route puts the queues it reaches: owned and reused by the caller, without duplicates.
///
/// It is a plain value around a pointer: its owner calls `deallocate`. The order follows from the order in which the
/// topology changed, never from the hash seed, so that all shards and all runs agree on it.
@usableFromInline
package struct RouteBuffer {
    @usableFromInline var base: UnsafeMutablePointer<QueueAddress>?
    @usableFromInline var storedCount = 0
    private var capacity = 0

    /// Which table's marks say what is in here, and from which point on: see `RoutingTable.route`.
    @usableFromInline var markedTable: UInt64 = 0
    @usableFromInline var markedEpoch: UInt64 = 0

    package init() {}

    @inlinable package var count: Int { storedCount }
    @inlinable package var isEmpty: Bool { storedCount == 0 }

    @inlinable
    package subscript(index: Int) -> QueueAddress {
        precondition(index >= 0 && index < storedCount)
        return base.unsafelyUnwrapped[index]
    }

    @inlinable
    package mutating func removeAll() {
        storedCount = 0
        markedTable = 0
    }

    /// Adds a queue that no exchange led to. Routes that follow do not repeat it.
    package mutating func append(_ address: QueueAddress) {
        for index in 0..<storedCount where self[index] == address { return }
        markedTable = 0
        appendUnchecked(address)
    }

    /// Adds a queue that is not in here yet.
    package mutating func appendNew(_ address: QueueAddress) {
        markedTable = 0
        appendUnchecked(address)
    }

    @inline(__always)
    mutating func appendUnchecked(_ address: QueueAddress) {
        if storedCount == capacity { grow() }
        base.unsafelyUnwrapped[storedCount] = address
        storedCount += 1
    }

    @inline(never)
    private mutating func grow() {
        let grown = UnsafeMutablePointer<QueueAddress>.allocate(capacity: max(capacity * 2, 16))
        if let base {
            grown.update(from: base, count: storedCount)
            base.deallocate()
        }
        base = grown
        capacity = max(capacity * 2, 16)
    }

    package mutating func deallocate() {
        base?.deallocate()
        self = RouteBuffer()
    }
}
