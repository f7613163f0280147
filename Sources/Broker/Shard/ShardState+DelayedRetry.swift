import Routing

// x-delayed-retry-*: a message that came back is not delivered again at once.
//
// It waits among the deadlines of its queue, and returns to its place. It does not outlive its expiration; after a
// start of the node it is simply ready.
extension ShardState {
    /// - Returns: whether the message waits.
    @inline(never)
    func delay(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>, _ outcome: Outcome) -> Bool {
        guard let retry = queue.pointee.arguments.delayedRetry else { return false }
        let delay = retry.delayMilliseconds(isFailed: outcome == .failed, deliveryCount: entry.deliveryCount)
        guard delay > 0 else { return false }
        var due = now.wallMilliseconds &+ delay
        if let end = end(of: entry.message, queue) { due = min(due, end) }
        queue.pointee.delay(entry, until: due)
        note(queue, queue.pointee.makeExtras(), due: due)
        list(queue)
        return true
    }

    /// Makes ready what has waited long enough.
    func endDelays(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, _ left: inout Int
    ) {
        let time = now.wallMilliseconds
        while left > 0, let next = extras.pointee.delayed.first, next.milliseconds <= time,
            let entry = queue.pointee.takeFirstDelayed()
        {
            left -= 1
            if let end = end(of: entry.message, queue), end <= time {
                discard(entry, queue, reason: .expired)
            } else {
                queue.pointee.putBack(entry)
                noteExpiration(entry, queue)
            }
        }
    }

    /// When the message expires in the queue.
    private func end(of message: Message, _ queue: UnsafeMutablePointer<QueueState>) -> UInt64? {
        let own = message.care.contains(.expiration) ? message.expirationMilliseconds : nil
        guard let timeToLive = own ?? queue.pointee.arguments.messageTTLMilliseconds else { return nil }
        return message.publishedMilliseconds
            &+ min(timeToLive, queue.pointee.arguments.messageTTLMilliseconds ?? timeToLive)
    }
}
