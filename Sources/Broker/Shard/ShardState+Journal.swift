import AMQPWire
import Journal
import Routing

// Into the journal: this shard's lane.
extension ShardState {
    /// Whether a message of this queue is journaled, and under which number: 0 for not.
    @inline(__always)
    func holder(of queue: QueueAddress) -> UInt32 { holders[queue] & HolderTable.numberMask }

    /// Whether the journal is to keep a message that takes the channel's route.
    @inline(__always)
    func journals(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        let route = channel.pointee.routes.current
        return (message.isPersistent || route.pointee.holdersWantEverything) && !route.pointee.holders.isEmpty
    }

    /// The record of a persistent message for the durable queues that its channel's route has found. Returns what its
    /// confirm waits for.
    @inline(__always)
    func journalPublish(
        _ message: Message, for holders: [UInt32], _ channel: UnsafeMutablePointer<ChannelState>
    ) -> JournalMark {
        journal.latestSequence &+= 1
        let id = MessageID.make(lane: index, sequence: journal.latestSequence)
        message.id = id
        holders.withUnsafeBufferPointer { holders in
            journal.append { $0.appendMessage(id: id, holders: holders, content: message.bytes) }
        }
        pauseIfJournalIsSlow(channel.pointee.connection)
        return JournalMark(position: journal.position, isFlush: !channel.pointee.routes.current.pointee.holdersWantSync)
    }

    /// Notes in the channel's route which of its queues the journal is concerned with.
    func findHolders(_ channel: UnsafeMutablePointer<ChannelState>) {
        let route = channel.pointee.routes.current
        if !route.pointee.holders.isEmpty { route.pointee.holders.removeAll(keepingCapacity: true) }
        route.pointee.holdersWantSync = false
        route.pointee.holdersWantEverything = false
        guard journal.isPresent else { return }
        for target in 0..<route.pointee.queues.count {
            let holder = holders[route.pointee.queues[target]]
            guard holder != 0 else { continue }
            route.pointee.holders.append(holder & HolderTable.numberMask)
            if holder & HolderTable.flushBit == 0 { route.pointee.holdersWantSync = true }
            if holder & HolderTable.quorumBit != 0 { route.pointee.holdersWantEverything = true }
        }
    }

    /// Whether a quorum queue is among them.
    func wantEverything(_ routes: RouteBuffer) -> Bool {
        (0..<routes.count).contains { holders[routes[$0]] & HolderTable.quorumBit != 0 }
    }

    /// A queue is done with a message: acked, delivered without ack, dropped.
    @inline(__always)
    func journalSettlement(_ message: Message, of queue: QueueAddress) {
        let id = message.id
        guard id != 0 else { return }
        let holder = holder(of: queue)
        if holder != 0 { journal.append { $0.appendSettlement(id: id, holder: holder) } }
    }

    /// The disk does not keep up: what waits for it is bounded by not reading.
    @inline(__always)
    private func pauseIfJournalIsSlow(_ connection: UnsafeMutablePointer<ConnectionState>) {
        if journal.position &- journal.written > Limit.laneByteCount { pauseForJournal(connection) }
    }

    @inline(never)
    private func pauseForJournal(_ connection: UnsafeMutablePointer<ConnectionState>) {
        // Where nobody waits for what is published, nobody has told how much of it is written.
        guard unwrittenByteCount() > Limit.laneByteCount else { return }
        pausedPublishers.insert(connection.pointee.address)
        journal.demand(.write)
    }

    /// Bytes of the lane that wait to be written, as of now.
    func unwrittenByteCount() -> UInt64 {
        if let progress = journal.progress { journal.written = progress.written(index) }
        return journal.position &- journal.written
    }

    /// What the shell hands to the journal's thread at the end of a turn; nil when there is nothing to say.
    package func takeLane() -> (records: LaneBuffer, position: UInt64, sequence: UInt64, urgency: LaneUrgency)? {
        guard !journal.lane.isEmpty || journal.urgency != .none else { return nil }
        defer {
            journal.lane = LaneBuffer()
            journal.urgency = .none
        }
        return (journal.lane, journal.position, journal.latestSequence, journal.urgency)
    }

    /// An empty buffer to go on with.
    package func reuseLane(_ buffer: LaneBuffer) {
        if journal.lane.base == nil { journal.lane = buffer } else { var spare = buffer; spare.deallocate() }
    }

}

// For those who change the state from outside.
extension ShardState {
    /// Whether what was in the state's lane up to this position is on stable storage.
    package func isStateStable(upTo position: UInt64) -> Bool {
        guard let progress = journal.progress else { return true }
        return progress.synced(progress.stateLane) >= position
    }

    /// Has the journal's thread write and sync what there is, and say so.
    package func demandSync() { journal.demand(.sync) }
}

/// What a shard wants of the journal's thread.
package enum LaneUrgency: Int, Comparable, Sendable {
    /// Whenever it suits, within the time that is promised to what nobody waits for.
    case none
    /// Somebody waits until it is written.
    case write
    /// Somebody waits until it is on stable storage.
    case sync

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

// Out of it: who waited.
extension ShardState {
    /// The channel's latest publish waits for the journal.
    func waitForJournal(_ channel: UnsafeMutablePointer<ChannelState>, _ urgency: LaneUrgency) {
        journal.demand(urgency)
        guard !channel.pointee.isJournalListed else { return }
        channel.pointee.isJournalListed = true
        journal.waitingChannels.append(channel.pointee.address)
    }

    /// Answers a method that has changed something durable, once the change is on stable storage.
    func writeStable(
        _ method: some WritableMethod, _ channel: UnsafeMutablePointer<ChannelState>, lane: Int? = nil,
        position: UInt64? = nil
    ) {
        guard let progress = journal.progress else { return write(method, channel) }
        let lane = lane ?? progress.stateLane
        let position = position ?? controlPlane.statePosition
        if progress.synced(lane) >= position { return write(method, channel) }
        var frame = OutboundBuffer()
        method.writeFrame(channel: channel.pointee.number, to: &frame)
        channel.pointee.pending = .stable(lane: lane, position: position, answer: Array(frame.bytes))
        frame.deallocate()
        waitForJournal(channel, .sync)
    }

    /// Answers a change of the topology, if it is durable once it is on stable storage.
    func write(_ method: some WritableMethod, _ channel: UnsafeMutablePointer<ChannelState>, isDurable: Bool) {
        if isDurable { writeStable(method, channel) } else { write(method, channel) }
    }

    /// The journal has come further: called by the shell whenever its thread says so.
    package func journalAdvanced() {
        guard let progress = journal.progress else { return }
        journal.written = progress.written(index)
        journal.synced = progress.synced(index)
        advanceChannels()
        advanceQueues()
        creditTransit(index, 0)
    }

    /// Confirms and answers that waited for the journal, or for other shards.
    func advanceChannels() {
        guard !journal.waitingChannels.isEmpty else { return }
        let waiting = journal.waitingChannels
        journal.waitingChannels.removeAll(keepingCapacity: true)
        for address in waiting {
            guard let channel = channel(address) else { continue }
            var isWaiting = channel.pointee.confirm.reach(
                written: journal.written, synced: journal.synced, accepted: transitEpochs.accepted)
            listForConfirm(channel)
            if case .stable(let lane, let position, let answer) = channel.pointee.pending {
                if journal.progress.map({ $0.synced(lane) >= position }) ?? true {
                    answer.withUnsafeBytes { channel.pointee.connection.pointee.outbound.write(bytes: $0) }
                    list(channel.pointee.connection)
                    resume(channel)
                } else {
                    isWaiting = true
                    // It may be another shard's lane, which came to the journal's thread after the last demand.
                    journal.demand(.sync)
                }
            }
            if case .commit = channel.pointee.pending, !isWaiting { finishCommit(channel) }
            channel.pointee.isJournalListed = isWaiting
            if isWaiting { journal.waitingChannels.append(address) }
        }
    }
}
