/// Publisher confirms of one channel: numbers every publish and says which may be confirmed.
///
/// A publish is confirmed once the journal's position has reached its record's. Positions rise along a channel, so
/// what is confirmed is always everything up to some number: one `basic.ack` with `multiple`.
/// Source: RabbitMQ's confirm.select; numbers start at 1.
struct ConfirmTracker {
    private(set) var isSelected = false
    /// The number of the latest publish.
    private(set) var latest: UInt64 = 0
    /// Everything up to this number may be confirmed.
    private var settled: UInt64 = 0
    /// Everything up to this number has been confirmed to the client.
    private var sent: UInt64 = 0
    /// Positions that publishes after `settled` wait for.
    private var waiting = RingBuffer<UInt64>()

    mutating func select() { isSelected = true }

    /// Notes a publish; `position` is what it waits for, `reached` how far the journal is.
    @inline(__always)
    mutating func publish(position: UInt64, reached: UInt64) {
        latest &+= 1
        if position <= reached, waiting.isEmpty {
            settled = latest
        } else {
            waiting.append(position)
        }
    }

    /// The journal has reached this position.
    mutating func reach(_ position: UInt64) {
        while !waiting.isEmpty, waiting[0] <= position {
            _ = waiting.popFirst()
            settled &+= 1
        }
    }

    /// Publishes that the client has no answer for yet.
    var unconfirmedCount: UInt64 { latest - sent }

    /// What to send now: a delivery tag and whether it means everything up to it. nil when there is nothing.
    mutating func takeConfirm() -> (tag: UInt64, multiple: Bool)? {
        guard sent < settled else { return nil }
        let multiple = settled - sent > 1
        sent = settled
        return (settled, multiple)
    }

    mutating func deallocate() { waiting.deallocate() }
}
