import Broker
import Journal
import Synchronization

/// What one shard has for the journal, from the end of its turn until the journal's thread takes it.
final class LaneInbox: Sendable {
    struct Contents: Sendable {
        var records: [LaneBuffer] = []
        var byteCount = 0
        /// The lane's position and its latest message behind these records.
        var position: UInt64 = 0
        var sequence: UInt64 = 0
        var urgency = LaneUrgency.none
    }

    private struct State {
        var contents = Contents()
        /// Emptied buffers for the shard to fill again.
        var spare: [LaneBuffer] = []
    }

    /// Below this, records are copied behind those that wait: a turn of a few acks shall not cost a buffer.
    private static let copiedByteCount = 4096
    private static let spareLimit = 4
    private static let spareByteLimit = 4 << 20

    private let state = Mutex(State())

    /// The end of a turn. Returns the bytes that wait now, and an empty buffer to go on with.
    func append(
        _ records: LaneBuffer, position: UInt64, sequence: UInt64, urgency: LaneUrgency
    ) -> (byteCount: Int, spare: LaneBuffer) {
        state.withLock { state in
            state.contents.position = position
            state.contents.sequence = sequence
            if urgency > state.contents.urgency { state.contents.urgency = urgency }
            state.contents.byteCount += records.count
            var records = records
            if records.isEmpty { return (state.contents.byteCount, records) }
            let last = state.contents.records.indices.last
            if let last, records.count <= Self.copiedByteCount {
                state.contents.records[last].append(records)
                records.removeAll()
                return (state.contents.byteCount, records)
            }
            state.contents.records.append(records)
            return (state.contents.byteCount, state.spare.popLast() ?? LaneBuffer())
        }
    }

    var isEmpty: Bool { state.withLock { $0.contents.records.isEmpty } }

    /// Everything that waits; the caller gives the buffers back with `recycle`.
    func take() -> Contents {
        state.withLock { state in
            defer {
                state.contents.records = []
                state.contents.byteCount = 0
                state.contents.urgency = .none
            }
            return state.contents
        }
    }

    func recycle(_ buffers: [LaneBuffer]) {
        state.withLock { state in
            for var buffer in buffers {
                if state.spare.count < Self.spareLimit, buffer.capacity <= Self.spareByteLimit {
                    buffer.removeAll()
                    state.spare.append(buffer)
                } else {
                    buffer.deallocate()
                }
            }
        }
    }
}
