import AMQPWire
import Journal
import Routing

// Queues with extras, and messages with an expiration: into such a queue, and what has to be done before anything is
// taken out of it.
extension ShardState {
    /// As `accept`, for a queue with extras, or a message that needs care.
    @inline(never)
    func acceptWithCare(_ message: Message, _ queue: UnsafeMutablePointer<QueueState>) {
        let extras = queue.pointee.makeExtras()
        if let gate = extras.pointee.gate { return reachGate(message, queue, gate) }
        if queue.pointee.isListed { serveBeforeOverflow(by: message, queue, extras) }
        if queue.pointee.rejects(message) { return reject(message, queue) }
        if queue.pointee.arguments.deduplicates,
            !queue.pointee.addDuplicate(message, place: queue.pointee.latestPlace + 1)
        {
            journalSettlement(message, of: queue.pointee.address)
            return release(message)
        }
        var entry = queue.pointee.accept(message)
        if message.care.contains(.hidesCopies) { entry.hideCopies() }
        if queue.pointee.readyCount == 0, let slot = queue.pointee.consumers.takeNext() {
            if mayDeliver(entry, queue, slot) { return deliver(entry, from: queue, to: slot) }
            extras.pointee.isPromised = true
        } else if queue.pointee.isMarkListed {
            extras.pointee.isPromised = true
        }
        queue.pointee.append(entry)
        noteExpiration(entry, queue)
        if queue.pointee.consumers.hasUnleased || !queue.pointee.waitingGets.isEmpty || queue.pointee.isOverLimit {
            list(queue)
        }
        if !queue.pointee.isPagingListed {
            let level = queue.pointee.level(message.priority)
            let byteCount = queue.pointee.withList(level) { $0.residentByteCount }
            if byteCount > Limit.deepByteCount { listForPaging(queue) }
        }
    }

    /// Consumers that an ack in this very turn has given credit come before the message that would be too much: what
    /// they take leaves room for it, as it does where acks and publishes come apart.
    private func serveBeforeOverflow(
        by message: Message, _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>
    ) {
        while queue.pointee.wouldOverflow(bodyByteCount: message.bodyByteCount),
            let first = queue.pointee.ready.first, !first.isPagedOut, !isDue(first, queue),
            let slot = queue.pointee.consumers.takeNext()
        {
            guard mayDeliver(first, queue, slot) else {
                extras.pointee.isPromised = true
                return
            }
            guard let entry = queue.pointee.popFirst() else { return }
            deliver(entry, from: queue, to: slot)
        }
    }

    /// Whether the message is about to expire.
    private func isDue(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        let lives = [queue.pointee.arguments.messageTTLMilliseconds, entry.message.expirationMilliseconds]
        guard let life = lives.compactMap({ $0 }).min() else { return false }
        return entry.message.publishedMilliseconds &+ life <= now.wallMilliseconds
    }

    /// Drops what has expired and what is too much, and sees to it that the queue is looked at in time.
    @inline(never)
    func careFor(_ queue: UnsafeMutablePointer<QueueState>) {
        guard let extras = queue.pointee.extras else { return }
        if let gate = extras.pointee.gate { return passGate(queue, extras, gate) }
        var left = Limit.dropsPerTurn
        if !extras.pointee.delayed.isEmpty { endDelays(queue, extras, &left) }
        if extras.pointee.isPromised, keepPromise(queue, extras) { return }
        dropExpired(queue, extras, &left)
        dropOverLimit(queue, &left)
        if left == 0 { list(queue) }
        arm(queue, extras)
    }

    /// Messages that met a consumer at once, but had to wait for the journal, are not late, and not too many: RabbitMQ
    /// delivers them even with a time to live, or to a queue with a maximum length, of 0.
    ///
    /// - Returns: whether a consumer still waits.
    private func keepPromise(
        _ queue: UnsafeMutablePointer<QueueState>, _ extras: UnsafeMutablePointer<QueueExtras>
    ) -> Bool {
        var left = Limit.deliveriesPerTurn
        while let first = queue.pointee.ready.first, !first.isPagedOut, let slot = queue.pointee.consumers.takeNext() {
            // The journal tells the queue when it has come so far.
            guard mayDeliver(first, queue, slot) else { return true }
            guard let entry = queue.pointee.popFirst() else { break }
            deliver(entry, from: queue, to: slot)
            left -= 1
            if left == 0 {
                list(queue)
                return true
            }
        }
        extras.pointee.isPromised = false
        return false
    }

    /// A message leaves its queue without having been consumed.
    func discard(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>, reason: DeathReason) {
        if queue.pointee.arguments.deduplicates { queue.pointee.removeDuplicate(entry.message) }
        if queue.pointee.arguments.deadLetterExchange == nil { noteDeath(queue, reason, isDropped: true) }
        let isReplaced =
            queue.pointee.arguments.deadLetterExchange != nil && deadLetter(entry.message, queue, reason: reason)
        if !isReplaced { journalSettlement(entry.message, of: queue.pointee.address) }
        release(entry.message)
    }

    /// Takes on new effective arguments: a policy has come, changed or gone.
    func apply(_ arguments: QueueArguments, to queue: UnsafeMutablePointer<QueueState>) {
        let hadTimeout = queue.pointee.arguments.consumerTimeoutMilliseconds
        let newFallbacks = arguments.fallbacks.subtracting(queue.pointee.arguments.fallbacks)
        if !newFallbacks.isEmpty { warn(of: newFallbacks, queue.pointee.resource) }
        queue.pointee.arguments = arguments
        if arguments.consumerTimeoutMilliseconds != hadTimeout { tellTimeout(queue) }
        guard arguments.wantsExtras || queue.pointee.extras != nil else { return }
        let extras = queue.pointee.makeExtras()
        extras.pointee.armedMilliseconds = nil
        // As in RabbitMQ, the unused time begins again.
        touch(queue)
        list(queue)
    }
}

// Limits of length.
extension ShardState {
    /// RabbitMQ drops from the head, which with priorities is the highest one, and dead-letters with reason `maxlen`.
    private func dropOverLimit(_ queue: UnsafeMutablePointer<QueueState>, _ left: inout Int) {
        guard queue.pointee.arguments.overflow == .dropHead else { return }
        while left > 0, queue.pointee.isOverLimit, let first = queue.pointee.ready.first {
            if first.isPagedOut, needsContent(queue) {
                load(queue)
                return
            }
            guard let entry = queue.pointee.popFirst() else { return }
            if entry.isPagedOut {
                dropPagedOut(entry, queue, isJournaled: true)
            } else {
                discard(entry, queue, reason: .maxlen)
            }
            left -= 1
        }
    }

    /// Whether a message has to be in memory to be dropped.
    func needsContent(_ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        queue.pointee.arguments.deadLetterExchange != nil || queue.pointee.arguments.maxLengthBytes != nil
            || queue.pointee.arguments.deduplicates
    }
}
