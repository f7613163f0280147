import AMQPWire

// What a client checks in the frames that it gets.
extension SimulatedClient {
    func receive(_ frame: SimulatedFrame, on channel: SimulatedChannel) {
        switch frame.type {
        case Frame.method:
            if channel.content != nil { return fail("a method inside of a content") }
            receive(frame.method, on: channel)
        case Frame.header:
            guard channel.content != nil, channel.content?.byteCount == nil else { return fail("a header alone") }
            channel.content?.receiveHeader(frame.payload)
            receiveIfComplete(channel)
        case Frame.body:
            guard channel.content?.byteCount != nil else { return fail("a body alone") }
            if frame.payload.count + Frame.overheadByteCount > Int(frameMax) { fail("a frame above the frame-max") }
            channel.content?.body += frame.payload
            receiveIfComplete(channel)
        default: fail("a frame of type \(frame.type)")
        }
    }

    private func receive(_ method: Method, on channel: SimulatedChannel) {
        switch method {
        case .basicDeliver, .basicReturn: channel.content = SimulatedContent(method: method)
        case .basicAck(let ack): receiveConfirm(ack, channel)
        case .basicNack: fail("a negative confirm")
        case .basicCancel(let cancel): receiveCancel(cancel.consumerTag.description, channel)
        case .channelClose(let close): receiveClose(close, channel)
        default: receiveAnswer(method, channel)
        }
    }

    private func receiveAnswer(_ method: Method, _ channel: SimulatedChannel) {
        guard let expected = channel.expected.first else { return fail("an answer to nothing: \(method)") }
        guard expected.accepts(method) else { return fail("\(method) answers \(expected)") }
        channel.expected.removeFirst()
        channel.answerCount += 1
        channel.resolveAnswered(ledger)
        switch method {
        case .channelCloseOk:
            channel.resolveClosed(ledger)
            channels[channel.number] = nil
        case .basicGetOk:
            channel.expected.insert(expected, at: 0)
            channel.content = SimulatedContent(method: method)
        case .basicCancelOk(let ok):
            let tag = ok.consumerTag.description
            if channel.consumers[tag] != nil { channel.cancelledTags.insert(tag) }
            channel.consumers[tag] = nil
        case .basicRecoverOk:
            channel.isRecovering = false
            channel.unacked = []
        default: break
        }
    }

    /// Publishes are confirmed once each, in order.
    private func receiveConfirm(_ ack: BasicAck, _ channel: SimulatedChannel) {
        guard channel.isConfirming else { return fail("a confirm that was not asked for") }
        guard ack.deliveryTag > channel.confirmedCount, ack.deliveryTag <= channel.publishCount else {
            return fail("confirm of \(ack.deliveryTag) behind \(channel.confirmedCount) of \(channel.publishCount)")
        }
        if !ack.multiple, ack.deliveryTag != channel.confirmedCount + 1 {
            return fail("confirm of \(ack.deliveryTag) alone behind \(channel.confirmedCount)")
        }
        for number in channel.confirmedCount..<ack.deliveryTag {
            if let message = channel.published[Int(number)] { ledger.confirm(message) }
        }
        channel.confirmedCount = ack.deliveryTag
    }

    /// The broker cancels consumers of queues that are deleted: only those of the churn.
    private func receiveCancel(_ tag: String, _ channel: SimulatedChannel) {
        guard let consumer = channel.consumers[tag] else { return fail("cancel of \(tag), which does not consume") }
        if consumer.queue != nil { return fail("cancel of \(tag) on a queue that stays") }
        channel.consumers[tag] = nil
        channel.cancelledTags.insert(tag)
    }

    private func receiveClose(_ close: ChannelClose, _ channel: SimulatedChannel) {
        let mayHappen = channel.mayFail && [403, 404, 405, 406].contains(close.replyCode)
        if !mayHappen, !channel.isDoomed { return fail("channel.close \(close.replyCode) \(close.replyText)") }
        for settlement in channel.settlements {
            ledger.settlementIsCertain(settlement.copy, by: channel.incarnation)
        }
        if channel.phase == .closing {
            // Both sides close: the broker answers the client's close as well, and nothing but that.
            channel.expected = channel.expected.suffix(1)
            channel.settlements = []
            channel.published = []
            send(.channelCloseOk(ChannelCloseOk()), channel: channel.number)
            return
        }
        channels[channel.number] = nil
        send(.channelCloseOk(ChannelCloseOk()), channel: channel.number)
    }
}

// Contents.
extension SimulatedClient {
    private func receiveIfComplete(_ channel: SimulatedChannel) {
        guard let content = channel.content, content.isComplete else { return }
        channel.content = nil
        guard let id = content.properties.messageID.flatMap({ UInt64($0.description) }),
            id < UInt64(ledger.messages.count)
        else { return fail("a message that nobody published") }
        let message = ledger.messages[Int(id)]
        if content.body != SimulatedBody.bytes(message: id, count: message.byteCount) {
            fail("message \(id) has another body")
        }
        switch content.method {
        case .basicReturn(let returned):
            if returned.replyCode != 312 || returned.replyText != "NO_ROUTE" { fail("\(returned)") }
            ledger.returned(id)
        case .basicGetOk(let ok): receiveGot(ok, id, content, channel)
        case .basicDeliver(let deliver): receiveDelivery(deliver, id, content, channel)
        default: break
        }
    }

    private func receiveGot(_ ok: BasicGetOk, _ id: UInt64, _ content: SimulatedContent, _ channel: SimulatedChannel) {
        guard case .get(let queue, let noAck) = channel.expected.removeFirst().detail else {
            return fail("get-ok that was not asked for")
        }
        note(
            id, content, tag: ok.deliveryTag, redelivered: ok.redelivered, queue: queue, noAck: noAck, consumer: nil,
            channel)
    }

    private func receiveDelivery(
        _ deliver: BasicDeliver, _ id: UInt64, _ content: SimulatedContent, _ channel: SimulatedChannel
    ) {
        let tag = deliver.consumerTag.description
        guard let consumer = channel.consumers[tag] else {
            let state = channel.cancelledTags.contains(tag) ? "has been cancelled" : "does not consume"
            return fail("a delivery for \(tag), which \(state)")
        }
        if channel.expected.contains(where: { $0.classID == 60 && $0.methodID == 21 && $0.isFor(tag) }) {
            fail("a delivery for \(tag) before its consume-ok")
        }
        note(
            id, content, tag: deliver.deliveryTag, redelivered: deliver.redelivered, queue: consumer.queue,
            noAck: consumer.noAck, consumer: consumer, channel)
        if consumer.noAck || channel.phase == .closing || channel.isDoomed { return }
        let held = channel.unackedCount(of: consumer.number)
        if consumer.prefetchCount > 0, held > consumer.prefetchCount {
            fail("\(tag) holds \(held) at a prefetch of \(consumer.prefetchCount)")
        }
        let all = channel.unacked.count { $0.consumer != nil }
        if channel.channelLimit > 0, all > channel.channelLimit {
            fail("channel \(channel.number) holds \(all) at a limit of \(channel.channelLimit)")
        }
    }

    private func note(
        _ id: UInt64, _ content: SimulatedContent, tag: UInt64, redelivered: Bool, queue: Int?, noAck: Bool,
        consumer: SimulatedConsumer?, _ channel: SimulatedChannel
    ) {
        guard tag == channel.latestTag + 1 else { return fail("delivery tag \(tag) behind \(channel.latestTag)") }
        channel.latestTag = tag
        var copy: SimulatedLedger.Copy?
        if let queue {
            copy = SimulatedLedger.Copy(message: id, queue: queue, diedIn: diedIn(content, queue: queue, id))
            if noAck || !channel.ignoresDeliveries {
                ledger.delivered(
                    copy!, redelivered: redelivered, holder: noAck ? nil : channel.incarnation,
                    consumer: consumer?.number ?? -channel.incarnation)
            }
        }
        if noAck { return }
        if channel.ignoresDeliveries { copy = nil }
        channel.unacked.append(SimulatedDelivery(tag: tag, copy: copy, consumer: consumer?.number))
    }

    /// The queue that a message in the dead-letter queue died in, from its headers; nil elsewhere.
    private func diedIn(_ content: SimulatedContent, queue: Int, _ id: UInt64) -> Int? {
        guard queue == ledger.topology.deadQueue, let headers = content.properties.headers,
            let name = headers["x-first-death-queue"]?.text
        else { return nil }
        guard case .array(let deaths)? = headers["x-death"], deaths.count == 1, case .table(let death) = deaths[0],
            death["count"] == .int64(1), death["queue"]?.text == name, death["reason"]?.text == "rejected"
        else {
            fail("message \(id) tells another story of its death: \(headers)")
            return nil
        }
        return ledger.topology.queues.firstIndex { $0.name == name }
    }
}

extension ExpectedAnswer {
    fileprivate func isFor(_ tag: String) -> Bool {
        if case .tag(let own) = detail { return own == tag }
        return false
    }
}
