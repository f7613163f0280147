import AMQPWire
import Journal
import Routing

// Delivery marks: what is given to somebody who acks is known to the journal before, so that it comes back as
// redelivered whatever happens.
extension ShardState {
    /// Whether the consumer may get the message now; where not, sees to it that the queue is asked again.
    @inline(__always)
    func mayDeliver(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>, _ slot: UInt32) -> Bool {
        if queue.pointee.holder == 0 || queue.pointee.consumers.credits.unsafelyUnwrapped[Int(slot)].noAck {
            return true
        }
        return isMarked(entry, queue)
    }

    @inline(__always)
    private func isMarked(_ entry: QueueEntry, _ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        let id = entry.message.id
        // Also one that is redelivered: what came back from a channel that never acks has no mark.
        return id == 0 || queue.pointee.marks.allows(id) || renewMark(id, entry.place, queue)
    }

    @inline(never)
    private func renewMark(_ id: UInt64, _ place: UInt64, _ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        if let (lane, sequence) = queue.pointee.marks.renew(id, place: place) {
            let holder = queue.pointee.holder
            journal.append { $0.appendDeliveryMark(holder: holder, lane: lane, sequence: sequence) }
            queue.pointee.marks.expect(lane: lane, sequence: sequence, position: journal.position)
            journal.demand(.sync)
            if !queue.pointee.isMarkListed {
                queue.pointee.isMarkListed = true
                journal.waitingQueues.append(queue.pointee.address)
            }
        }
        return queue.pointee.marks.isStable(id)
    }

    /// The journal has come further.
    func advanceQueues() {
        guard !journal.waitingQueues.isEmpty else { return }
        let waiting = journal.waitingQueues
        journal.waitingQueues.removeAll(keepingCapacity: true)
        for address in waiting {
            guard let queue = queue(address) else { continue }
            queue.pointee.isMarkListed = queue.pointee.marks.advance(synced: journal.synced)
            if queue.pointee.isMarkListed { journal.waitingQueues.append(address) }
            list(queue)
        }
    }

    /// Whether basic.get may take the first message now.
    func mayGet(_ queue: UnsafeMutablePointer<QueueState>, noAck: Bool) -> Bool {
        guard let first = queue.pointee.ready.first else { return true }
        if first.isPagedOut { return false }
        return noAck || queue.pointee.holder == 0 || isMarked(first, queue)
    }

    /// Answers those who asked with basic.get before the first message could be given.
    func serveGets(_ queue: UnsafeMutablePointer<QueueState>) {
        while let get = queue.pointee.waitingGets.first, mayGet(queue, noAck: get.noAck) {
            queue.pointee.waitingGets.removeFirst()
            answer(get.channel, take(from: queue, noAck: get.noAck))
        }
    }

    /// Takes the first message for basic.get.
    func take(from queue: UnsafeMutablePointer<QueueState>, noAck: Bool) -> QueueReply {
        guard let entry = queue.pointee.popFirst() else {
            queue.pointee.counters.getEmpty &+= 1
            queue.pointee.typeCounters.pointee.getEmpty &+= 1
            return .empty
        }
        if entry.isRedelivered { countRedelivery(queue) }
        if !noAck {
            queue.pointee.unackedCount += 1
            queue.pointee.unackedContents.add(entry.message, isStoring: queue.pointee.holder != 0)
            queue.pointee.counters.get &+= 1
            queue.pointee.typeCounters.pointee.get &+= 1
        } else {
            queue.pointee.counters.getNoAck &+= 1
            queue.pointee.typeCounters.pointee.getNoAck &+= 1
            if queue.pointee.extras != nil, queue.pointee.arguments.deduplicates {
                queue.pointee.removeDuplicate(entry.message)
            }
        }
        // What comes next may have to be read, or may have expired.
        if let next = queue.pointee.ready.first, next.isPagedOut { list(queue) }
        return .got(
            GotMessage(
                entry: entry, queue: queue.pointee.address, noAck: noAck, remaining: queue.pointee.readyCount))
    }

    /// What a queue says later than it was asked.
    func answer(_ channel: ChannelAddress, _ reply: QueueReply) {
        if Int(channel.connection.shard) == index {
            receive(reply, for: channel)
        } else {
            mailbox(Int(channel.connection.shard)).append(.reply(reply, to: channel))
        }
    }
}
