import Routing

// Queues that reject what is published to them (`x-overflow`), and how the publisher learns of it.
//
// A publish is rejected if any of its queues rejects it; the others have it. The publish number travels with the
// message to queues of other shards where the route has one that may reject; the rejection is back before the batch is
// accepted, for which the confirm waits anyway.
extension ShardState {
    /// Notes in the channel's route whether its publisher may have to be told of a rejection.
    func findRejecting(_ channel: UnsafeMutablePointer<ChannelState>) {
        let route = channel.pointee.routes.current
        route.pointee.mayReject = false
        guard !rejectingQueues.isEmpty, channel.pointee.publishMode != .plain else { return }
        for target in 0..<route.pointee.queues.count where rejectingQueues.contains(route.pointee.queues[target]) {
            route.pointee.mayReject = true
        }
    }

    func offer(
        _ message: Message, _ queue: QueueAddress, from channel: UnsafeMutablePointer<ChannelState>,
        _ batch: OutgoingBatch
    ) {
        batch.append(
            OfferRecord(
                queue: queue, message: message, channel: channel.pointee.address,
                number: channel.pointee.confirm.latest + 1))
    }

    /// The queue's side.
    func accept(_ offer: OfferRecord, from shard: Int) {
        isLatestRejected = false
        accept(offer.message, offer.queue)
        guard isLatestRejected else { return }
        mailbox(shard).append(RejectionRecord(channel: offer.channel, number: offer.number))
    }

    /// The channel's side.
    func accept(_ rejection: RejectionRecord) {
        channel(rejection.channel)?.pointee.confirm.reject(rejection.number)
    }

    /// The queue does not take the message; with `reject-publish-dlx` its dead-letter exchange gets it.
    func reject(_ message: Message, _ queue: UnsafeMutablePointer<QueueState>) {
        isLatestRejected = true
        guard queue.pointee.arguments.overflow == .rejectPublishDLX else {
            journalSettlement(message, of: queue.pointee.address)
            return release(message)
        }
        let rejected = RejectedMessage(message: message, queue: queue.pointee.address)
        // A chain of full queues is a chain of calls: the rest of a long one is for the end of the turn.
        if rejectionDepth < Limit.rejectionDepth {
            deadLetter(rejected)
        } else {
            rejectedMessages.append(rejected)
        }
    }

    private func deadLetter(_ rejected: RejectedMessage) {
        rejectionDepth += 1
        if let queue = queue(rejected.queue), !deadLetter(rejected.message, queue, reason: .maxlen) {
            journalSettlement(rejected.message, of: rejected.queue)
        }
        release(rejected.message)
        rejectionDepth -= 1
    }

    /// What that makes other queues reject, too far down, is for the next turn.
    @inline(never)
    func deadLetterRejected() {
        for _ in 0..<rejectedMessages.count {
            if let rejected = rejectedMessages.popFirst() { deadLetter(rejected) }
        }
    }
}

/// A message that a queue with `reject-publish-dlx` did not take. It holds the queue's reference.
struct RejectedMessage: BitwiseCopyable {
    let message: Message
    let queue: QueueAddress
}
