import Routing

/// The journal's numbers of all durable queues by their addresses: what a shard looks up for each persistent message.
///
/// 0 stands for a queue whose messages are not journaled. The top bit marks `x-durability: flush`: written, not synced.
/// The bit below it marks a quorum queue, which stores every message, transient ones too.
struct HolderTable {
    static let flushBit: UInt32 = 1 << 31
    static let quorumBit: UInt32 = 1 << 30
    static let numberMask: UInt32 = quorumBit - 1

    private struct Row {
        var base: UnsafeMutablePointer<UInt32>?
        var capacity = 0
    }

    /// By shard, then by slot.
    private var rows: [Row]

    init(shardCount: Int) {
        rows = Array(repeating: Row(), count: shardCount)
    }

    /// A number from before a slot was used again does no harm: no message is held by both queues.
    @inline(__always)
    subscript(address: QueueAddress) -> UInt32 {
        let slot = Int(address.slot)
        return rows.withUnsafeBufferPointer {
            let row = $0[address.shard]
            return slot < row.capacity ? row.base.unsafelyUnwrapped[slot] : 0
        }
    }

    mutating func set(_ address: QueueAddress, _ value: UInt32) {
        let slot = Int(address.slot)
        if slot >= rows[address.shard].capacity {
            guard value != 0 else { return }
            grow(&rows[address.shard], to: slot + 1)
        }
        rows[address.shard].base.unsafelyUnwrapped[slot] = value
    }

    private func grow(_ row: inout Row, to count: Int) {
        let capacity = max(count, row.capacity * 2, 16)
        let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        grown.initialize(repeating: 0, count: capacity)
        if let base = row.base {
            grown.update(from: base, count: row.capacity)
            base.deallocate()
        }
        row = Row(base: grown, capacity: capacity)
    }

    mutating func deallocate() {
        for row in rows { row.base?.deallocate() }
        rows = []
    }
}
