import AMQPWire
import Journal
import Routing

// Time: messages that expire, wherever they stand in their queue, and queues that nobody uses.
//
// A message that was published before a queue's time to live expires when it comes to the head: those before it are
// older. One with an expiration of its own stands among the queue's deadlines and leaves when it is due. RabbitMQ lets
// both go at the head only, where an expired message may wait behind one that lives.
extension ShardState {
    /// The message waits in the queue; when it is to leave is seen to.
    func noteExpiration(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>) {
        let message = entry.message
        let timeToLive = queue.pointee.arguments.messageTTLMilliseconds
        guard message.care.contains(.expiration), let own = message.expirationMilliseconds else {
            if let timeToLive {
                note(queue, queue.pointee.makeExtras(), due: message.publishedMilliseconds &+ timeToLive)
            }
            return
        }
        let extras = queue.pointee.makeExtras()
        // The queue's own time to live is looked at where the message stands: a policy may take it away again.
        extras.pointee.expirations.insert(
            MessageDeadline(
                milliseconds: message.publishedMilliseconds &+ own, place: entry.place,
                level: UInt8(queue.pointee.level(message.priority))))
        if extras.pointee.expirations.count > extras.pointee.expirationLimit {
            queue.pointee.forgetStaleExpirations()
        }
        note(queue, extras, due: message.publishedMilliseconds &+ min(own, timeToLive ?? own))
    }

    func dropExpired(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, _ left: inout Int
    ) {
        // In the order of the queue: those of its time to live at the head, then what stands among them or behind.
        dropAtHead(queue, extras, &left)
        let time = now.wallMilliseconds
        var due: [MessageDeadline] = []
        while due.count < left, let next = extras.pointee.expirations.first, next.milliseconds <= time {
            _ = extras.pointee.expirations.popFirst()
            due.append(next)
        }
        guard !due.isEmpty else { return }
        left -= due.count
        var returned = queue.pointee.removeReturned(due)
        for deadline in due {
            if let entry = returned.removeValue(forKey: deadline.place) {
                discard(entry, queue, reason: .expired)
            } else {
                expire(deadline, queue)
            }
        }
        dropAtHead(queue, extras, &left)
    }

    /// What the queue's time to live ends.
    private func dropAtHead(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, _ left: inout Int
    ) {
        guard let timeToLive = queue.pointee.arguments.messageTTLMilliseconds else { return }
        let time = now.wallMilliseconds
        for level in (0..<extras.pointee.levelCount).reversed() {
            while left > 0, let first = queue.pointee.withList(level, { $0.first }), !first.isPagedOut,
                first.message.publishedMilliseconds &+ timeToLive <= time,
                let entry = queue.pointee.withList(level, { $0.popFirst() })
            {
                queue.pointee.didTake(entry)
                discard(entry, queue, reason: .expired)
                left -= 1
            }
        }
    }

    /// What came back from a consumer has been taken out already.
    private func expire(_ deadline: MessageDeadline, _ queue: UnsafeMutablePointer<QueueState>) {
        let level = Int(deadline.level)
        // What has left memory and is wanted elsewhere expires when it comes back.
        let leavesPagedOut = needsContent(queue)
        guard
            let entry = queue.pointee.withList(
                level, { $0.remove(place: deadline.place, leavingPagedOut: leavesPagedOut) })
        else { return }
        queue.pointee.didTake(entry)
        if entry.isPagedOut {
            dropPagedOut(entry, queue, isJournaled: true)
        } else {
            discard(entry, queue, reason: .expired)
        }
    }

    /// The queue is looked at when the next thing is due.
    func arm(_ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>) {
        if let next = extras.pointee.expirations.first { arm(queue, extras, next.milliseconds) }
        if let next = extras.pointee.delayed.first { arm(queue, extras, next.milliseconds) }
        if let timeToLive = queue.pointee.arguments.messageTTLMilliseconds {
            for level in 0..<extras.pointee.levelCount {
                guard let first = queue.pointee.withList(level, { $0.first }), !first.isPagedOut else { continue }
                arm(queue, extras, first.message.publishedMilliseconds &+ timeToLive)
            }
        }
        if let end = unusedEnd(queue, extras) { arm(queue, extras, max(end, now.wallMilliseconds + 1)) }
    }

    /// What is due already is looked at when this turn ends.
    func note(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, due time: UInt64
    ) {
        if time <= now.wallMilliseconds { list(queue) } else { arm(queue, extras, time) }
    }

    /// Not for what is due already: that waits for something else than time.
    func arm(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>, _ time: UInt64
    ) {
        guard time > now.wallMilliseconds else { return }
        if let armed = extras.pointee.armedMilliseconds, armed <= time { return }
        extras.pointee.armedMilliseconds = time
        deadlines.insert(QueueDeadline(milliseconds: time, queue: queue.pointee.address))
        if deadlines.count > deadlineLimit { forgetStaleDeadlines() }
    }

    /// Drops what belongs to queues that are gone, or that are to be looked at earlier: it may be due only in years.
    private func forgetStaleDeadlines() {
        var known: Set<QueueAddress> = []
        deadlines.removeAll { deadline in
            queue(deadline.queue)?.pointee.extras?.pointee.armedMilliseconds != deadline.milliseconds
                || !known.insert(deadline.queue).inserted
        }
        deadlineLimit = max(Limit.staleDeadlines, 2 * deadlines.count)
    }

    /// When the queue goes if nobody uses it until then: RabbitMQ's `x-expires`.
    private func unusedEnd(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>
    ) -> UInt64? {
        guard let expires = queue.pointee.arguments.expiresMilliseconds, queue.pointee.consumerCount == 0 else {
            return nil
        }
        return extras.pointee.lastUsedMilliseconds &+ expires
    }

    /// The queue was declared, asked for a message, or left by its last consumer.
    func touch(_ queue: UnsafeMutablePointer<QueueState>) {
        guard queue.pointee.arguments.expiresMilliseconds != nil else { return }
        let extras = queue.pointee.makeExtras()
        extras.pointee.lastUsedMilliseconds = now.wallMilliseconds
        if let end = unusedEnd(queue, extras) { arm(queue, extras, end) }
    }

    /// Looks at the queues of which the time has come.
    @inline(never)
    func meetDeadlines() {
        while let next = deadlines.first, next.milliseconds <= now.wallMilliseconds {
            _ = deadlines.popFirst()
            guard let queue = queue(next.queue), let extras = queue.pointee.extras,
                extras.pointee.armedMilliseconds == next.milliseconds
            else { continue }
            extras.pointee.armedMilliseconds = nil
            if let end = unusedEnd(queue, extras), end <= now.wallMilliseconds {
                note(.debug, "\(queue.pointee.resource) is deleted: nobody used it for its x-expires")
                _ = delete(queue)
            } else {
                list(queue)
            }
        }
    }

    /// When the shell shall come back at the latest, in milliseconds since 1970; nil: whenever it likes.
    package var nextDeadlineMilliseconds: UInt64? { deadlines.first?.milliseconds }
}
