import AMQPWire

// Synchronous methods of channels: one at a time on each channel, the others wait in order.
extension ConnectionStateMachine {
    /// Opens a channel; `request` is answered with `.opened`.
    mutating func openChannel(request: RequestID) {
        guard phase == .running else {
            actions.append(.failed(request, endError ?? .closed))
            return
        }
        let number: UInt16
        if numbersUsed < channelMax, freeNumbers.isEmpty {
            numbersUsed += 1
            number = numbersUsed
        } else if let free = freeNumbers.popLast() {
            number = free
        } else {
            actions.append(.failed(request, .channelLimitReached(channelMax)))
            return
        }
        lastChannelID += 1
        channels[number] = ChannelState(id: lastChannelID)
        start(Request(id: request, method: .channelOpen(ChannelOpen())), number)
    }

    /// Whether the number is still this channel's.
    func isOpen(_ number: UInt16, _ id: ChannelID) -> Bool {
        guard let channel = channels[number] else { return false }
        return channel.id == id && !channel.isClosing
    }

    /// Sends a synchronous method when its turn comes.
    mutating func request(_ request: Request, number: UInt16, channel id: ChannelID) throws(LeveretError) {
        guard isOpen(number, id) else { throw endError ?? .closed }
        try checkSize(request.method)
        if channels[number]?.inFlight == nil {
            start(request, number)
        } else {
            channels[number]?.waiting.append(request)
        }
    }

    /// A method must fit one frame.
    private func checkSize(_ method: Method) throws(LeveretError) {
        var scratch = OutboundBuffer()
        defer { scratch.deallocate() }
        method.writeFrame(channel: 0, to: &scratch)
        guard scratch.count <= Int(frameMax) else {
            throw .invalidArgument("\(method.name) has \(scratch.count) bytes, and a frame \(frameMax) at most")
        }
    }

    private mutating func start(_ request: Request, _ number: UInt16) {
        channels[number]?.inFlight = request
        if case .channelClose = request.method { channels[number]?.isClosing = true }
        if request.prelude == nil { prepare(request, number) }
        send(request.prelude ?? request.method, channel: number)
    }

    /// Deliveries may follow consume-ok at once: the consumer is known before its method goes out.
    private mutating func prepare(_ request: Request, _ number: UInt16) {
        if case .basicConsume(let consume) = request.method, let consumer = request.consumer {
            channels[number]?.consumers[consume.consumerTag] = consumer
        }
    }

    /// Nobody waits for the answer any more.
    mutating func abandon(_ id: RequestID) {
        for number in channels.keys {
            if channels[number]?.inFlight?.id == id {
                channels[number]?.inFlight?.isAbandoned = true
                return
            }
            if let index = channels[number]?.waiting.firstIndex(where: { $0.id == id }) {
                // What nobody waits for need not be sent, but for an end: it was meant.
                switch channels[number]?.waiting[index].method {
                case .channelClose, .basicCancel: break
                default: channels[number]?.waiting.remove(at: index)
                }
                return
            }
        }
    }

    /// channel.close by this program, after what is under way.
    mutating func closeChannel(request: RequestID, number: UInt16, channel id: ChannelID) {
        guard isOpen(number, id) else {
            actions.append(.succeeded(request, .closed))
            return
        }
        let close = Method.channelClose(
            ChannelClose(replyCode: ReplyCode.replySuccess.rawValue, replyText: "OK"))
        if let inFlight = channels[number]?.inFlight {
            actions.append(.failed(inFlight.id, .closed))
        }
        for waiting in channels[number]?.waiting ?? [] { actions.append(.failed(waiting.id, .closed)) }
        channels[number]?.waiting = []
        start(Request(id: request, method: close), number)
    }

    /// A method on a channel that carries no content.
    mutating func receiveChannelMethod(_ method: Method, _ number: UInt16) throws(LeveretError) {
        if case .channelClose(let close) = method {
            send(.channelCloseOk(ChannelCloseOk()), channel: number)
            endChannel(number, .channelClosed(close))
            return
        }
        if channels[number]?.isClosing == true {
            if case .channelCloseOk = method { endChannel(number, .closed) }
            return
        }
        switch method {
        case .channelFlow(let flow):
            channels[number]?.isFlowStopped = !flow.active
            send(.channelFlowOk(ChannelFlowOk(active: flow.active)), channel: number)
            if flow.active { actions.append(.flowResumed) }
        case .basicCancel(let cancel):
            if !cancel.noWait {
                send(.basicCancelOk(BasicCancelOk(consumerTag: cancel.consumerTag)), channel: number)
            }
            guard let consumer = channels[number]?.consumers.removeValue(forKey: cancel.consumerTag) else { return }
            actions.append(.consumerEnded(consumer.id, .consumerCancelled(tag: cancel.consumerTag.description)))
        case .basicAck(let ack):
            channels[number]?.confirms?.confirm(
                ack.deliveryTag, multiple: ack.multiple, isAck: true, into: &actions)
        case .basicNack(let nack):
            channels[number]?.confirms?.confirm(
                nack.deliveryTag, multiple: nack.multiple, isAck: false, into: &actions)
        default: try receiveReply(method, number)
        }
    }

    private mutating func receiveReply(_ reply: Method, _ number: UInt16) throws(LeveretError) {
        guard let request = channels[number]?.inFlight else {
            throw .protocolViolation("\(reply.name), which nothing asked for")
        }
        if let prelude = request.prelude {
            guard prelude.isAnswered(by: reply) else {
                throw .protocolViolation("\(reply.name) as the answer to \(prelude.name)")
            }
            channels[number]?.inFlight?.prelude = nil
            prepare(request, number)
            send(request.method, channel: number)
            return
        }
        guard request.method.isAnswered(by: reply) else {
            throw .protocolViolation("\(reply.name) as the answer to \(request.method.name)")
        }
        finish(request, reply, number)
        startNext(number)
    }

    private mutating func finish(_ request: Request, _ reply: Method, _ number: UInt16) {
        switch (request.method, reply) {
        case (.channelOpen, _):
            let id = channels[number]?.id ?? 0
            actions.append(.succeeded(request.id, .opened(id, number: number)))
            if request.isAbandoned {
                channels[number]?.waiting.append(
                    Request(id: 0, method: .channelClose(ChannelClose(replyCode: 200, replyText: "OK"))))
            }
            return
        case (.confirmSelect, _):
            if channels[number]?.confirms == nil { channels[number]?.confirms = ConfirmWindow() }
        case (.basicConsume(let consume), _) where request.isAbandoned:
            cancelConsumer(consume.consumerTag, request: 0, number)
        case (.basicCancel(let cancel), _):
            if let consumer = channels[number]?.consumers.removeValue(forKey: cancel.consumerTag) {
                actions.append(.consumerEnded(consumer.id, nil))
            }
        default: break
        }
        actions.append(.succeeded(request.id, .method(reply)))
    }

    mutating func startNext(_ number: UInt16) {
        guard channels[number] != nil else { return }
        channels[number]?.inFlight = nil
        guard let isEmpty = channels[number]?.waiting.isEmpty, !isEmpty,
            let next = channels[number]?.waiting.removeFirst()
        else { return }
        start(next, number)
    }

    func hasConsumer(_ tag: ShortString, number: UInt16) -> Bool {
        guard let channel = channels[number] else { return false }
        func isSame(_ request: Request?) -> Bool {
            guard case .basicConsume(let consume)? = request?.method else { return false }
            return consume.consumerTag == tag
        }
        return channel.consumers[tag] != nil || isSame(channel.inFlight) || channel.waiting.contains(where: isSame)
    }

    func isFlowStopped(_ number: UInt16, _ id: ChannelID) -> Bool {
        guard let channel = channels[number], channel.id == id else { return false }
        return channel.isFlowStopped
    }

    /// Ends a consumer; `request` is answered in any case, also when there is no such consumer any more.
    mutating func cancel(
        _ tag: ShortString, request: RequestID, number: UInt16, channel id: ChannelID
    ) -> ChannelState.Consumer? {
        guard isOpen(number, id) else {
            actions.append(.succeeded(request, .closed))
            return nil
        }
        let consumer = channels[number]?.consumers[tag]
        cancelConsumer(tag, request: request, number)
        return consumer
    }

    /// basic.cancel. What comes for the consumer until the answer goes back to the queue.
    mutating func cancelConsumer(_ tag: ShortString, request id: RequestID, _ number: UInt16) {
        guard channels[number]?.consumers[tag] != nil else {
            actions.append(.succeeded(id, .closed))
            return
        }
        channels[number]?.consumers[tag]?.isCancelling = true
        let request = Request(id: id, method: .basicCancel(BasicCancel(consumerTag: tag)))
        if channels[number]?.inFlight == nil {
            start(request, number)
        } else {
            channels[number]?.waiting.append(request)
        }
    }
}
