import Journal
import Routing

/// What a shard has to do with the journal: its lane, and who waits for it.
struct ShardJournal {
    /// nil: there is no journal.
    let progress: JournalProgress?
    var lane = LaneBuffer()
    /// Bytes appended to the lane so far, those already handed over included.
    private(set) var position: UInt64 = 0
    /// The sequence of the lane's latest message.
    var latestSequence: UInt64 = 0
    /// What the journal's thread shall do about the lane.
    var urgency = LaneUrgency.none

    /// Channels whose confirms or answers wait.
    var waitingChannels: [ChannelAddress] = []
    /// Queues that wait for a delivery mark.
    var waitingQueues: [QueueAddress] = []
    /// How far the journal was when it was last looked at.
    var written: UInt64 = 0
    var synced: UInt64 = 0

    init(progress: JournalProgress?) { self.progress = progress }

    var isPresent: Bool { progress != nil }

    /// Appends to the lane; the position behind it is counted.
    @inline(__always)
    mutating func append(_ body: (inout LaneBuffer) -> Void) {
        let before = lane.count
        body(&lane)
        position &+= UInt64(bitPattern: Int64(lane.count - before))
    }

    @inline(__always)
    mutating func demand(_ wanted: LaneUrgency) {
        if urgency < wanted { urgency = wanted }
    }

    mutating func deallocate() { lane.deallocate() }
}

/// What a confirm waits for: a position of the shard's lane, and whether written is enough.
struct JournalMark: BitwiseCopyable, Equatable {
    private let bits: UInt64

    /// There is nothing to wait for.
    static let none = JournalMark(position: 0, isFlush: true)

    init(position: UInt64, isFlush: Bool) { bits = position << 1 | (isFlush ? 1 : 0) }

    @inline(__always)
    func isReached(written: UInt64, synced: UInt64) -> Bool { bits >> 1 <= (bits & 1 == 0 ? synced : written) }
}
