import AMQPWire
import Routing

/// Something of a queue by which lists are sorted, read without making a snapshot of the queue.
package enum QueueColumn: Sendable {
    case figure(@Sendable (QueueFigures) -> Double)
    case counter(@Sendable (MessageCounters) -> UInt64)
    case rate(@Sendable (MessageRates) -> Double)
    case lengthRate(@Sendable (LengthRates) -> Double)
    /// In milliseconds since 1970; 0 while it is in use.
    case idleSince
    /// Infinite where there is none, as what is no number comes after all numbers.
    case headTimestamp
    /// By the names of the types, which their order here is.
    case type
    /// Paused ones come first.
    case state
}

extension ShardState {
    /// The column's values for queues from a place on, at most so many, each at its queue's slot. Returns the place to
    /// go on from; nil at the end.
    package func addValues(of column: QueueColumn, from start: Int, limit: Int, to values: inout [Double]) -> Int? {
        if values.count < queues.slotCount {
            values += repeatElement(0, count: queues.slotCount - values.count)
        }
        return values.withUnsafeMutableBufferPointer { values in
            queues.forEachOccupied(from: start, limit: limit) { queue in
                values[Int(queue.pointee.address.slot)] = value(of: column, queue)
            }
        }
    }

    /// The names of the policies, or operator policies, that hold for queues from a place on, at most so many, each at
    /// its queue's slot. Returns the place to go on from; nil at the end.
    package func addPolicyNames(
        areOperators: Bool, from start: Int, limit: Int, to names: inout [ShortString?]
    ) -> Int? {
        if names.count < queues.slotCount {
            names += repeatElement(nil, count: queues.slotCount - names.count)
        }
        let (found, next) = queues.occupied(from: start, limit: limit)
        // The lock is held for microseconds each time.
        for first in stride(from: 0, to: found.count, by: Self.recordsPerStep) {
            let some = found[first..<min(first + Self.recordsPerStep, found.count)]
            let policies = try? controlPlane.withTopology { topology in
                some.map { topology.virtualHosts[$0.pointee.virtualHostIndex].queues[$0.pointee.name]?.policies }
            }
            for (queue, policies) in zip(some, policies ?? []) {
                names[Int(queue.pointee.address.slot)] = areOperators ? policies?.operatorPolicy : policies?.policy
            }
        }
        return next
    }

    private static let recordsPerStep = 256

    private func value(of column: QueueColumn, _ queue: UnsafeMutablePointer<QueueState>) -> Double {
        switch column {
        case .figure(let figure): figure(figures(of: queue))
        case .counter(let counter): Double(counter(queue.pointee.messageCounters))
        case .rate(let rate): rates(of: queue).map { rate($0.messages) } ?? 0
        case .lengthRate(let rate): rates(of: queue).map { rate($0.lengths) } ?? 0
        case .idleSince: idleSinceMilliseconds(of: queue).map { Double($0) } ?? 0
        case .headTimestamp: headTimestampSeconds(of: queue).map { Double($0) } ?? .infinity
        case .type: queue.pointee.arguments.queueType == .classic ? 0 : 1
        case .state: queue.pointee.isPaused ? 0 : 1
        }
    }
}
