import Journal

/// Up to which sequence of each lane a durable queue may have delivered, as the journal knows it.
///
/// After an unclean stop, everything up to a mark comes back as `redelivered`: some too many, never too few, for a
/// message is given to a consumer that acks only once the journal has a mark beyond it on stable storage. Marks are
/// reserved ahead in steps that adapt to how much of a lane is this queue's, and renewed when half of one is used.
struct DeliveryMarks {
    private struct Mark {
        /// On stable storage.
        var stable: UInt64 = 0
        /// In the journal's lane.
        var reserved: UInt64 = 0
        /// Beyond this the mark is renewed.
        var renewAt: UInt64 = 0
        var step: UInt64 = 4096
        /// The place in the queue where it was last renewed.
        var place: UInt64 = 0
    }

    private struct Pending: BitwiseCopyable {
        let lane: Int
        let sequence: UInt64
        let position: UInt64
    }

    private static let stepLimits: ClosedRange<UInt64> = 1024...(1 << 32)
    /// A renewal shall serve at least this many deliveries of the queue, and not many more than the second number.
    private static let wantedDeliveries: ClosedRange<UInt64> = 512...32_768

    private var marks: UnsafeMutablePointer<Mark>?
    private var laneCount = 0
    private var pending = RingBuffer<Pending>()

    /// Whether the message may be delivered, and no renewal is due.
    @inline(__always)
    func allows(_ id: UInt64) -> Bool {
        let lane = MessageID.lane(id)
        return lane < laneCount && MessageID.sequence(id) <= marks.unsafelyUnwrapped[lane].renewAt
    }

    /// Whether the message may be delivered though a renewal is due.
    func isStable(_ id: UInt64) -> Bool {
        let lane = MessageID.lane(id)
        return lane < laneCount && MessageID.sequence(id) <= marks.unsafelyUnwrapped[lane].stable
    }

    /// A new mark that covers the message and what comes after it; nil when one that does is on its way.
    mutating func renew(_ id: UInt64, place: UInt64) -> (lane: Int, sequence: UInt64)? {
        let lane = MessageID.lane(id)
        if lane >= laneCount { grow(to: lane + 1) }
        let mark = marks.unsafelyUnwrapped + lane
        let sequence = MessageID.sequence(id)
        guard
            mark.pointee.reserved == 0
                || sequence > mark.pointee.reserved - min(mark.pointee.reserved, mark.pointee.step / 2)
        else { return nil }
        let deliveries = place - min(place, mark.pointee.place)
        if mark.pointee.reserved > 0 {
            if deliveries < Self.wantedDeliveries.lowerBound {
                mark.pointee.step = min(Self.stepLimits.upperBound, mark.pointee.step * 4)
            } else if deliveries > Self.wantedDeliveries.upperBound {
                mark.pointee.step = max(Self.stepLimits.lowerBound, mark.pointee.step / 2)
            }
        }
        mark.pointee.place = place
        mark.pointee.reserved = sequence + mark.pointee.step
        return (lane, mark.pointee.reserved)
    }

    /// The renewal is in the journal's lane, up to this position.
    mutating func expect(lane: Int, sequence: UInt64, position: UInt64) {
        pending.append(Pending(lane: lane, sequence: sequence, position: position))
    }

    /// The lane is on stable storage up to here. Returns whether something is still on its way.
    mutating func advance(synced: UInt64) -> Bool {
        while !pending.isEmpty, pending[0].position <= synced, let reached = pending.popFirst() {
            let mark = marks.unsafelyUnwrapped + reached.lane
            mark.pointee.stable = max(mark.pointee.stable, reached.sequence)
            mark.pointee.renewAt = mark.pointee.stable - min(mark.pointee.stable, mark.pointee.step / 2)
        }
        return !pending.isEmpty
    }

    /// Whether anything was ever delivered to somebody who acks.
    var isEmpty: Bool { laneCount == 0 }

    private mutating func grow(to count: Int) {
        let grown = UnsafeMutablePointer<Mark>.allocate(capacity: count)
        grown.initialize(repeating: Mark(), count: count)
        if let marks {
            grown.update(from: marks, count: laneCount)
            marks.deallocate()
        }
        marks = grown
        laneCount = count
    }

    mutating func deallocate() {
        marks?.deallocate()
        pending.deallocate()
        self = DeliveryMarks()
    }
}
