import AMQPWire
import Routing

// Messages that follow each other, alike but for time and body, and for the same queues: they are stored together, and
// each queue gets all of them before the next one does. What `hand` does for each is done for all.
extension ShardState {
    /// With the messages and their deliveries about what a processor's nearest cache has room for.
    private static let runByteLimit = 8192
    /// The frames of a message have at least 48 bytes, so there are never more.
    static let runMessageLimit = 256

    /// Takes messages while they begin here and are like the channel's pattern, whose route is current.
    ///
    /// - Precondition: one does.
    /// - Parameter limit: of a frame's payload.
    /// - Returns: the bytes of their frames.
    @inline(__always)
    func receiveRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int
    ) -> Int {
        let route = channel.pointee.routes.current
        let isJournaled = journals(channel.pointee.publishPattern.message, channel)
        if route.pointee.queues.count == 1, !isJournaled, let queue = plainQueue(route.pointee.queues[0]),
            let (credit, consuming) = awaiting(queue), credit.pointee.noAck
        {
            return passRun(channel, queue, credit, consuming, start, end, limit: limit)
        }
        return storeRun(channel, start, end, limit: limit, isJournaled: isJournaled)
    }

    /// The one consumer that gets new messages of the queue as soon as they come, if there is such a one, and its
    /// channel.
    @inline(__always)
    func awaiting(
        _ queue: UnsafeMutablePointer<QueueState>
    ) -> (UnsafeMutablePointer<ConsumerCredit>, UnsafeMutablePointer<ChannelState>)? {
        // Where messages wait, nobody has credit.
        guard queue.pointee.ready.isEmpty, queue.pointee.waitingGets.isEmpty,
            let credit = queue.pointee.consumers.lone, let channel = credit.pointee.channel, !channel.pointee.isWatched
        else { return nil }
        return (credit, channel)
    }

    private func storeRun(
        _ channel: UnsafeMutablePointer<ChannelState>, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int,
        isJournaled: Bool
    ) -> Int {
        let route = channel.pointee.routes.current
        let holders = route.pointee.holders
        let queueCount = route.pointee.queues.count
        let prefix = channel.pointee.publishPattern.messageByteCount
        var position = start
        var count = 0
        var byteCount = 0
        var mark = JournalMark.none
        while position - start < Self.runByteLimit, count < Self.runMessageLimit,
            let body = channel.pointee.publishPattern.body(at: position, end, limit: limit)
        {
            let message = storeRepeated(channel, body)
            message.references = UInt32(truncatingIfNeeded: queueCount)
            statistics.sizes.add(body.count)
            if isJournaled { mark = journalPublish(message, for: holders, channel) }
            publishRun[count] = message
            byteCount &+= prefix &+ body.count
            position = Self.end(of: body)
            count &+= 1
        }
        let run = UnsafeBufferPointer(start: publishRun, count: count)
        latestSentEpoch = 0
        var isForOthers = false
        for target in 0..<queueCount {
            let queue = route.pointee.queues[target]
            if queue.shard == index { accept(run, queue) } else { isForOthers = true }
        }
        releaseTaken(of: run)
        if isForOthers { send(run, byteCount: byteCount, to: route.pointee.queues, from: channel) }
        notePublished(count, channel, targets: queueCount, mark: mark, epoch: latestSentEpoch)
        return position - start
    }

    /// Counts what a run has brought, and notes what its publisher is to be told.
    func notePublished(
        _ count: Int, _ channel: UnsafeMutablePointer<ChannelState>, targets: Int, mark: JournalMark = .none,
        epoch: UInt64 = 0
    ) {
        let number = UInt64(truncatingIfNeeded: count)
        statistics.messages.publish &+= number
        channel.pointee.counters.publish &+= number
        statistics.routed &+= number &* UInt64(truncatingIfNeeded: targets)
        if isMemoryTight { pausedPublishers.insert(channel.pointee.connection.pointee.address) }
        guard channel.pointee.publishMode != .plain else { return }
        channel.pointee.confirm.publish(count, waitingFor: mark, epoch: epoch)
        statistics.publishConfirm &+= number
        awaitConfirm(channel, mark)
    }

    /// Sends the messages to those of the queues that other shards have, all to one shard in one record.
    @inline(never)
    private func send(
        _ run: UnsafeBufferPointer<Message>, byteCount: Int, to queues: RouteBuffer,
        from channel: UnsafeMutablePointer<ChannelState>
    ) {
        for shard in 0..<shardCount where shard != index {
            let count = (0..<queues.count).count { queues[$0].shard == shard }
            if count == 0 { continue }
            mailbox(shard).append(run, to: queues, of: shard, count: count)
            noteTransit(to: shard, byteCount: byteCount * count, from: channel)
        }
    }
}
