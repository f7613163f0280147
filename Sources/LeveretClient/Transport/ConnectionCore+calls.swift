import AMQPWire
import NIOCore
import Synchronization

// The tasks' side: each of these may be called from anywhere.
extension ConnectionCore {
    /// Asks the state machine something and waits for the answer.
    ///
    /// - Throws: `LeveretError`, or `CancellationError` when the task is cancelled first.
    private func call(
        _ body: (inout ConnectionStateMachine, RequestID) throws(LeveretError) -> Void
    ) async throws -> Reply {
        let id = nextRequestID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                lock.withLock { _ in
                    // A cancellation before this moment has found nobody waiting.
                    if Task.isCancelled { return waiter.resume(throwing: CancellationError()) }
                    waiters[id] = waiter
                    do throws(LeveretError) {
                        try body(&machine, id)
                    } catch {
                        waiters.removeValue(forKey: id)?.resume(throwing: error)
                    }
                    carryOut()
                    // Reading may be paused, and an answer is awaited now.
                    askForTurn()
                }
            }
        } onCancel: {
            abandon(id)
        }
    }

    private func nextRequestID() -> RequestID {
        lock.withLock { _ in
            lastRequestID += 1
            return lastRequestID
        }
    }

    private func abandon(_ id: RequestID) {
        lock.withLock { _ in
            guard let waiter = waiters.removeValue(forKey: id) else { return }
            machine.abandon(id)
            waiter.resume(throwing: CancellationError())
            carryOut()
        }
    }

    /// Connects, and logs in without another word of the calling task: a broker gives a client some seconds for its
    /// handshake, and the task may have to wait longer than that for a thread.
    func open(connect: () -> EventLoopFuture<any NIOCore.Channel>) async throws {
        do {
            _ = try await call { _, id in
                connect().whenComplete { result in self.connected(result, request: id) }
            }
        } catch {
            abort()
            throw error
        }
    }

    /// On the event loop of the socket, if there is one.
    private func connected(_ result: Result<any NIOCore.Channel, any Error>, request: RequestID) {
        switch result {
        case .success(let socket):
            attach(socket)
            let isAwaited = lock.withLock { _ in
                guard waiters[request] != nil else { return false }
                machine.open(request: request, now: Self.now)
                carryOut()
                askForTurn()
                return true
            }
            // Cancelled meanwhile.
            if !isAwaited { abort() }
        case .failure(let error):
            let failure = LeveretError.connectFailed(host: options.host, port: options.port, reason: "\(error)")
            lock.withLock { _ in waiters.removeValue(forKey: request) }?.resume(throwing: failure)
        }
    }

    func openChannel() async throws -> ChannelLink {
        let reply = try await call { machine, id in machine.openChannel(request: id) }
        guard case .opened(let id, _) = reply, let link = lock.withLock({ _ in channels[id] }) else {
            throw LeveretError.closed
        }
        return link
    }

    /// A synchronous method of a channel.
    func request(_ method: Method, on link: ChannelLink) async throws -> Reply {
        try await call { machine, id throws(LeveretError) in
            if let end = link.endError { throw end }
            try machine.request(Request(id: id, method: method), number: link.number, channel: link.id)
        }
    }

    func consume(
        _ consume: BasicConsume, qos: BasicQos?, on link: ChannelLink
    ) async throws -> (ConsumerID, StreamBuffer<ReceivedMessage>) {
        let buffer = StreamBuffer<ReceivedMessage>()
        let consumer = nextConsumerNumber()
        lock.withLock { _ in consumers[consumer] = buffer }
        do {
            _ = try await call { machine, id throws(LeveretError) in
                if let end = link.endError { throw end }
                guard !machine.hasConsumer(consume.consumerTag, number: link.number) else {
                    throw .invalidArgument("consumer tag '\(consume.consumerTag)' is in use on this channel")
                }
                var request = Request(id: id, method: .basicConsume(consume))
                request.prelude = qos.map { .basicQos($0) }
                request.consumer = .init(id: consumer, isAutoAck: consume.noAck)
                try machine.request(request, number: link.number, channel: link.id)
            }
        } catch {
            lock.withLock { _ in forget(consumer, requeuingOn: nil) }
            throw error
        }
        return (consumer, buffer)
    }

    /// basic.cancel. With acks, what was delivered and not taken goes back to the queue.
    func cancel(tag: ShortString, on link: ChannelLink) async throws {
        _ = try await call { machine, id in
            let consumer = machine.cancel(tag, request: id, number: link.number, channel: link.id)
            if let consumer, !consumer.isAutoAck, let buffer = consumers[consumer.id] {
                requeue(buffer, on: link, &machine)
            }
        }
    }

    func nextConsumerNumber() -> ConsumerID {
        lock.withLock { _ in
            lastConsumerID += 1
            return lastConsumerID
        }
    }

    /// The sequence of deliveries was dropped: nobody will take any more.
    func drop(
        _ consumer: ConsumerID, _ buffer: StreamBuffer<ReceivedMessage>, tag: ShortString, isAutoAck: Bool,
        on link: ChannelLink
    ) {
        lock.withLock { _ in
            // Ended already: what was not taken is only memory.
            guard consumers[consumer] != nil else { return discard(buffer.drain()) }
            _ = machine.cancel(tag, request: 0, number: link.number, channel: link.id)
            forget(consumer, requeuingOn: isAutoAck ? nil : link)
            carryOut()
        }
    }

    private func forget(_ consumer: ConsumerID, requeuingOn link: ChannelLink?) {
        guard let buffer = consumers.removeValue(forKey: consumer) else { return }
        if let link {
            requeue(buffer, on: link, &machine)
        } else {
            discard(buffer.drain())
        }
        buffer.finish(nil)
    }

    private func requeue(
        _ buffer: StreamBuffer<ReceivedMessage>, on link: ChannelLink, _ machine: inout ConnectionStateMachine
    ) {
        let untaken = buffer.drain()
        discard(untaken)
        for message in untaken {
            let nack = BasicNack(deliveryTag: message.deliveryTag, multiple: false, requeue: true)
            try? machine.settle(.basicNack(nack), number: link.number, channel: link.id)
        }
    }

    private func discard(_ messages: [ReceivedMessage]) {
        guard !messages.isEmpty else { return }
        let byteCount = messages.reduce(0) { $0 + $1.byteCount }
        deliveredByteCount.subtract(byteCount, ordering: .sequentiallyConsistent)
        // Reading may go on now.
        askForTurn()
    }

    /// basic.ack, basic.nack, basic.reject.
    func settle(_ method: Method, on link: ChannelLink) throws(LeveretError) {
        try lock.withLock { _ throws(LeveretError) in
            if let end = link.endError { throw end }
            defer { carryOut() }
            try machine.settle(method, number: link.number, channel: link.id)
        }
    }
}

// Publishing.
extension ConnectionCore {
    /// Writes a message; waits only when too much is written already.
    func publish(_ message: OutgoingMessage, on link: ChannelLink) async throws {
        while true {
            let isWritten = try lock.withLock { _ throws(LeveretError) in
                if let end = link.endError { throw end }
                guard machine.outbound.count < Self.outboundByteLimit else { return false }
                defer { carryOut() }
                return try machine.publish(message, waiter: 0, number: link.number, channel: link.id)
            }
            if isWritten { return }
            try await waitForRoom(on: link)
        }
    }

    /// Writes a message and waits until the broker has confirmed it.
    func publishConfirmed(_ message: OutgoingMessage, on link: ChannelLink) async throws {
        while true {
            let reply = try await call { machine, id throws(LeveretError) in
                if let end = link.endError { throw end }
                let hasRoom = machine.outbound.count < Self.outboundByteLimit
                var isWritten = false
                if hasRoom {
                    isWritten = try machine.publish(message, waiter: id, number: link.number, channel: link.id)
                }
                if !isWritten { machine.actions.append(.succeeded(id, .tryLater)) }
            }
            if case .confirmed = reply { return }
            try await waitForRoom(on: link)
        }
    }

    func waitForConfirms(on link: ChannelLink) async throws {
        _ = try await call { machine, id throws(LeveretError) in
            if let end = link.endError { throw end }
            try machine.awaitConfirms(request: id, number: link.number, channel: link.id)
        }
    }

    private func waitForRoom(on link: ChannelLink) async throws {
        let id = nextRequestID()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
                lock.withLock { _ in
                    if Task.isCancelled { return waiter.resume(throwing: CancellationError()) }
                    let isStopped = machine.isFlowStopped(link.number, link.id)
                    guard machine.outbound.count >= Self.outboundByteLimit || isStopped, !hasEnded else {
                        return waiter.resume()
                    }
                    roomWaiters[id] = waiter
                }
            }
        } onCancel: {
            lock.withLock { _ in
                roomWaiters.removeValue(forKey: id)?.resume(throwing: CancellationError())
            }
        }
    }
}

// Ends.
extension ConnectionCore {
    func closeChannel(_ link: ChannelLink) async throws {
        _ = try await call { machine, id in
            machine.closeChannel(request: id, number: link.number, channel: link.id)
        }
    }

    /// The channel was dropped: nobody waits for its end.
    func dropChannel(_ link: ChannelLink) {
        lock.withLock { _ in
            machine.closeChannel(request: 0, number: link.number, channel: link.id)
            carryOut()
        }
    }

    /// connection.close, and its answer.
    func close() async throws {
        do {
            _ = try await call { machine, id in machine.close(request: id) }
        } catch is CancellationError {
            abort()
            throw CancellationError()
        }
    }

    /// Without waiting: the broker is told where that is possible, then the socket is closed.
    func abort() {
        lock.withLock { _ in
            machine.abort()
            carryOut()
        }
    }

    var blockedReason: String? { lock.withLock { _ in blockedText } }
    var serverProperties: FieldTable { FieldTable(lock.withLock { _ in machine.serverProperties }) }
    var isOpen: Bool { lock.withLock { _ in machine.phase == .running } }
}
