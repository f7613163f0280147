import AMQPWire
import Logging
import Synchronization

// What the state machine wants done. With the lock held.
extension ConnectionCore {
    func carryOut() {
        for action in machine.takeActions() { carryOut(action) }
        if !machine.outbound.isEmpty || hasEnded { askForTurn() }
    }

    private func carryOut(_ action: Action) {
        switch action {
        case .succeeded(let request, let reply):
            guard let waiter = waiters.removeValue(forKey: request) else { return }
            if case .method(.connectionOpenOk) = reply { isEstablished = true }
            if case .opened(let id, let number) = reply { channels[id] = ChannelLink(id: id, number: number) }
            waiter.resume(returning: reply)
        case .failed(let request, let error):
            waiters.removeValue(forKey: request)?.resume(throwing: error)
        case .delivered(let consumer, let message):
            guard let buffer = consumers[consumer] else { return }
            let byteCount = message.byteCount
            deliveredByteCount.add(byteCount, ordering: .sequentiallyConsistent)
            if !buffer.append(message) {
                deliveredByteCount.subtract(byteCount, ordering: .sequentiallyConsistent)
            }
        case .consumerEnded(let consumer, let error):
            consumers.removeValue(forKey: consumer)?.finish(error)
        case .returned(let channel, let message):
            channels[channel]?.takeReturned(message)
        case .channelEnded(let id, let error):
            channels.removeValue(forKey: id)?.end(error)
            resumePublishers()
        case .flowResumed: resumePublishers()
        case .blocked(let reason):
            blockedText = reason
            if let reason {
                logger.warning("the broker takes no messages for now", metadata: ["reason": "\(reason)"])
            } else {
                logger.info("the broker takes messages again")
            }
        case .ended(let error): ended(error)
        }
    }

    private func ended(_ error: LeveretError) {
        hasEnded = true
        // Whoever waits gets the error; the log is for those who only consume, or do nothing at the moment.
        let level: Logger.Level = isEstablished && error.code != .closed ? .warning : .debug
        logger.log(level: level, "connection ended", metadata: ["error": "\(error)"])
        resumePublishers()
        // Each of them has been answered by name before; this is for what the state machine never heard of.
        for waiter in waiters.values { waiter.resume(throwing: error) }
        waiters = [:]
    }

    /// They try again, and find out why they had to wait.
    private func resumePublishers() {
        let publishers = roomWaiters.values
        roomWaiters = [:]
        for publisher in publishers { publisher.resume() }
    }
}
