/// A message that came back and waits until it is tried again (`x-delayed-retry-*`).
struct DelayedEntry: HeapElement {
    /// When that is, or when the message expires; since 1970.
    let milliseconds: UInt64
    let entry: QueueEntry

    func precedes(_ other: DelayedEntry) -> Bool {
        milliseconds != other.milliseconds ? milliseconds < other.milliseconds : entry.precedes(other.entry)
    }
}

extension DelayedRetry {
    /// For how long a message waits that came back; 0 when it does not. RabbitMQ: linear in the failed deliveries; what
    /// is given back without ever having failed waits for the minimum each time.
    func delayMilliseconds(isFailed: Bool, deliveryCount: Int) -> UInt64 {
        switch kind {
        case .disabled: return 0
        case .failed: if !isFailed { return 0 }
        case .returned: if isFailed { return 0 }
        case .all: break
        }
        let (delay, overflows) = minimumMilliseconds.multipliedReportingOverflow(by: UInt64(max(deliveryCount, 1)))
        return overflows ? maximumMilliseconds : min(delay, maximumMilliseconds)
    }
}

// Messages that are neither ready nor unacked. As in RabbitMQ they count towards the maximum length only.
extension QueueState {
    var delayedCount: Int { extras?.pointee.delayed.count ?? 0 }

    mutating func delay(_ entry: QueueEntry, until milliseconds: UInt64) {
        let extras = makeExtras()
        extras.pointee.delayed.insert(DelayedEntry(milliseconds: milliseconds, entry: entry))
        extras.pointee.delayedBodyByteCount += entry.message.bodyByteCount
    }

    mutating func takeFirstDelayed() -> QueueEntry? {
        guard let extras, let entry = extras.pointee.delayed.popFirst()?.entry else { return nil }
        extras.pointee.delayedBodyByteCount -= entry.message.bodyByteCount
        return entry
    }

    /// Every entry that waits until it is tried again, in no order.
    func forEachDelayed(_ body: (QueueEntry) -> Void) {
        for delayed in extras?.pointee.delayed.elements ?? [] { body(delayed.entry) }
    }

    /// Nothing waits any more.
    mutating func makeDelayedReady() {
        while let entry = takeFirstDelayed() { putBack(entry) }
    }
}
