import Synchronization

/// How far the journal is with each lane, for every shard to see. Written by the journal's thread alone.
///
/// A lane's position is the number of bytes that were ever appended to it. The last lane is the state's.
package final class JournalProgress: Sendable {
    private struct Lane: ~Copyable {
        let written = Atomic<UInt64>(0)
        let synced = Atomic<UInt64>(0)
        let writtenSequence = Atomic<UInt64>(0)
    }

    nonisolated(unsafe) private let lanes: UnsafeMutablePointer<Lane>
    private let laneCount: Int

    package init(shardCount: Int) {
        laneCount = shardCount + 1
        lanes = .allocate(capacity: laneCount)
        for lane in 0..<laneCount { (lanes + lane).initialize(to: Lane()) }
    }

    deinit {
        lanes.deinitialize(count: laneCount)
        lanes.deallocate()
    }

    package var stateLane: Int { laneCount - 1 }

    /// In the file: survives the end of the process, not of the machine.
    package func written(_ lane: Int) -> UInt64 { lanes[lane].written.load(ordering: .acquiring) }
    /// On stable storage.
    package func synced(_ lane: Int) -> UInt64 { lanes[lane].synced.load(ordering: .acquiring) }
    /// Messages of the lane up to this sequence are in the file and can be read back.
    package func writtenSequence(_ lane: Int) -> UInt64 { lanes[lane].writtenSequence.load(ordering: .acquiring) }

    package func setWritten(_ lane: Int, position: UInt64, sequence: UInt64) {
        lanes[lane].writtenSequence.store(sequence, ordering: .releasing)
        lanes[lane].written.store(position, ordering: .releasing)
    }

    package func setSynced(_ lane: Int, position: UInt64) { lanes[lane].synced.store(position, ordering: .releasing) }
}
