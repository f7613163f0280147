import AMQPWire
import Routing

// Class tx: what is published and settled on a channel waits for tx.commit (RabbitMQ: rabbit_channel).
//
// Not atomic over several queues, as in RabbitMQ. tx.commit-ok is said when everything durable is on stable storage:
// the channel's `ConfirmTracker` counts what it waits for. While it waits the channel reads no frame.
extension ShardState {
    func receiveTransactionMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) {
        switch method {
        case .txSelect:
            if channel.pointee.publishMode == .confirm { throw .cannotSwitch(from: "confirm", to: "tx") }
            if channel.pointee.transaction == nil { channel.pointee.transaction = Transaction() }
            channel.pointee.publishMode = .transaction
            channel.pointee.routes.forget()
            write(TxSelectOk(), channel)
        case .txCommit: try commit(channel)
        case .txRollback:
            guard channel.pointee.transaction != nil else { throw .notTransactional }
            forgetTransaction(channel)
            channel.pointee.transaction = Transaction()
            write(TxRollbackOk(), channel)
        default: throw Self.unexpected(method)
        }
    }

    /// A message that is routed and waits for the commit. Takes over the caller's reference.
    @inline(never)
    func hold(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        if isMemoryTight { pausedPublishers.insert(channel.pointee.connection.pointee.address) }
        channel.pointee.transaction?.publish(
            message, isMandatory: channel.pointee.assembly.isMandatory,
            to: channel.pointee.routes.current.pointee.queues)
        if channel.pointee.transaction?.byteCount ?? 0 > Limit.transactionByteCount { throw .transactionTooLarge }
    }

    /// As `settle`, in a transaction: what is settled is not unacked any more, but its queue learns of it later.
    @inline(never)
    func holdSettlement(
        _ channel: UnsafeMutablePointer<ChannelState>, tag: UInt64, multiple: Bool, outcome: Outcome
    ) throws(ProtocolError) {
        var count: UInt32 = 0
        if multiple {
            if tag != 0, !channel.pointee.unacked.contains(tag), !channel.pointee.returnedTags.contains(tag) {
                throw .unknownDeliveryTag(tag)
            }
            let last = tag == 0 ? channel.pointee.latestDeliveryTag : tag
            while let delivery = channel.pointee.unacked.takeFirst(upTo: last) {
                channel.pointee.transaction?.settle(delivery, outcome)
                count += 1
            }
        } else {
            guard let delivery = channel.pointee.unacked.take(tag) else {
                if channel.pointee.returnedTags.remove(tag) != nil { return }
                throw .unknownDeliveryTag(tag)
            }
            channel.pointee.transaction?.settle(delivery, outcome)
            count = 1
        }
        // It counts towards the channel-wide limit until the commit.
        channel.pointee.leasedCount += count
    }

    private func commit(_ channel: UnsafeMutablePointer<ChannelState>) throws(ProtocolError) {
        guard let transaction = channel.pointee.transaction else { throw .notTransactional }
        channel.pointee.transaction = Transaction()
        deliver(transaction, channel)
        let position = journal.position
        for settlement in transaction.settlements {
            settle(settlement.delivery, settlement.outcome)
            if settlement.outcome == .acked {
                countAcks(1, channel)
                if channel.pointee.isWatched { watchAck(of: settlement.delivery.queue, channel) }
            }
        }
        if journal.isPresent, journal.position != position {
            channel.pointee.confirm.publish(
                waitingFor: JournalMark(position: journal.position, isFlush: false))
            waitForJournal(channel, .sync)
        }
        unlease(transaction, channel)
        channelCreditFreed(channel)
        channel.pointee.pending = .commit
        if !channel.pointee.confirm.isWaiting { finishCommit(channel) }
    }

    private func deliver(_ transaction: Transaction, _ channel: UnsafeMutablePointer<ChannelState>) {
        let host = channel.pointee.connection.pointee.virtualHostIndex
        noteExchange(channel)
        let route = channel.pointee.routes.current
        route.pointee.exchange = nil
        var next = 0
        for publish in transaction.publishes {
            route.pointee.queues.removeAll()
            let wasRouted = next < publish.targetEnd
            for target in transaction.targets[next..<publish.targetEnd] {
                // A queue that was deleted meanwhile; another may have its place.
                if virtualHosts[host].routing.contains(target) { route.pointee.queues.appendNew(target) }
            }
            next = publish.targetEnd
            findHolders(channel)
            findRejecting(channel)
            // RabbitMQ returns what had no queue when it was published.
            if publish.isReturned, wasRouted { publishUnroutable(publish.message, channel, isMandatory: true) }
            let exchange = publish.message.exchange
            route.pointee.countedExchange = virtualHosts[host].routing.exchange(named: exchange).map {
                virtualHosts[host].counters.count(of: $0)
            }
            hand(publish.message, channel, isMandatory: publish.isReturned && !wasRouted)
            noteExchange(channel)
        }
    }

    private func unlease(_ transaction: Transaction, _ channel: UnsafeMutablePointer<ChannelState>) {
        let count = UInt32(clamping: transaction.settlements.count)
        channel.pointee.leasedCount -= min(count, channel.pointee.leasedCount)
    }

    /// Everything that the commit waited for has come.
    func finishCommit(_ channel: UnsafeMutablePointer<ChannelState>) {
        let isComplete = channel.pointee.confirm.finish()
        resume(channel)
        if isComplete {
            write(TxCommitOk(), channel)
        } else {
            fail(channel, ProtocolError.partialCommit.blaming(TxCommit.classID, TxCommit.methodID))
        }
    }

    /// What was published is dropped; what was settled is unacked again.
    func forgetTransaction(_ channel: UnsafeMutablePointer<ChannelState>) {
        guard let transaction = channel.pointee.transaction else { return }
        channel.pointee.transaction = nil
        for publish in transaction.publishes { release(publish.message) }
        unlease(transaction, channel)
        channel.pointee.unacked.restore(transaction.settlements.map(\.delivery))
    }
}
