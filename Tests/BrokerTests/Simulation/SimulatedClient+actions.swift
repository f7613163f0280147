import AMQPWire
import SplitMix

// What a client does when it is its turn.
extension SimulatedClient {
    func act() {
        guard phase == .running, !isDoomed else { return }
        if isQuiescing {
            for number in channels.keys.sorted() {
                if let channel = channels[number] { settleEverything(channel) }
            }
            return
        }
        switch role {
        case .publisher: publishSomething()
        case .consumer, .noAckConsumer: consumeSomething()
        case .churner: churnSomething()
        case .administrator: break
        }
    }

    /// A channel that can be used, opened where there is none; nil where all are closing.
    func usableChannel(limit: UInt16) -> SimulatedChannel? {
        let number = UInt16(1 + random.below(Int(limit)))
        guard let channel = channels[number] else { return openChannel(number) }
        return channel.phase == .open && !channel.isDoomed ? channel : nil
    }

    /// Sometimes it ends: the channel or the connection, in order or not. Returns whether it did.
    private func endsSomething(_ channel: SimulatedChannel) -> Bool {
        switch random.below(300) {
        case 0...3: closeChannel(channel)
        case 4: close()
        case 5...6: die()
        case 7: doom(channel)
        case 8: doomConnection(channel)
        default: return false
        }
        return true
    }

    /// A mistake that closes the channel.
    private func doom(_ channel: SimulatedChannel) {
        channel.releaseHeld(ledger)
        channel.isDoomed = true
        if random.chance(50) {
            send(.basicAck(BasicAck(deliveryTag: channel.latestTag + 1_000_000)), channel: channel.number)
        } else {
            write { buffer in
                BasicPublish(exchange: "missing").writeFrame(channel: channel.number, to: &buffer)
                let none: [UInt8] = [0, 0]
                none.withUnsafeBytes {
                    buffer.writeHeaderFrame(channel: channel.number, bodyByteCount: 0, properties: $0)
                }
            }
        }
    }

    /// A mistake that closes the connection.
    private func doomConnection(_ channel: SimulatedChannel) {
        guard role != .churner else { return }
        for other in channels.values where other.phase != .closing { other.releaseHeld(ledger) }
        for other in channels.values {
            other.isDoomed = true
            // The mistake may be read before what waits on other channels behind an unanswered method.
            other.resolveDoubtful(ledger)
        }
        isDoomed = true
        send(.basicQos(BasicQos(prefetchSize: 1)), channel: channel.number)
    }
}

// Publishers.
extension SimulatedClient {
    private func publishSomething() {
        guard let channel = usableChannel(limit: 2) else { return }
        if endsSomething(channel) { return }
        if channel.publishCount == 0, !channel.isConfirming, random.chance(70) {
            ask(.confirmSelect(ConfirmSelect()), on: channel)
            channel.isConfirming = true
        }
        for _ in 0...random.below(12) {
            let exchange = random.pick(["", "s.direct", "s.fanout", "s.topic", "s.topic", "s.entry"])
            let key =
                exchange.isEmpty
                ? "q\(random.below(ledger.topology.deadQueue + 1))" : random.pick(SimulatedTopology.keys)
            let message = SimulatedLedger.Message(
                publisher: channel.incarnation, queues: ledger.topology.queues(exchange: exchange, key: key),
                isMandatory: random.chance(25), mayBeRoutedElsewhere: exchange == "s.topic" && key == "churn.z",
                byteCount: randomByteCount())
            publish(message, exchange: exchange, key: key, on: channel, isFollowed: true)
        }
    }

    private func randomByteCount() -> Int {
        switch random.below(20) {
        case 0: 0
        case 1: random.below(20_000)
        default: random.below(300)
        }
    }

    func publish(
        _ message: SimulatedLedger.Message, exchange: String, key: String, on channel: SimulatedChannel,
        isFollowed: Bool
    ) {
        let id = ledger.publish(message)
        channel.publishCount += 1
        channel.published.append(isFollowed ? id : nil)
        var properties = BasicProperties()
        properties.messageID = ShortString("\(id)")
        if random.chance(30) { properties.deliveryMode = 2 }
        if random.chance(20) { properties.headers = ["h": .int64(7)] }
        write { buffer in
            BasicPublish(
                exchange: ShortString(truncating: exchange), routingKey: ShortString(truncating: key),
                mandatory: message.isMandatory
            ).writeFrame(channel: channel.number, to: &buffer)
            var encoded = OutboundBuffer()
            properties.write(to: &encoded)
            buffer.writeHeaderFrame(
                channel: channel.number, bodyByteCount: message.byteCount, properties: encoded.bytes)
            encoded.deallocate()
            SimulatedBody.bytes(message: id, count: message.byteCount).withUnsafeBytes {
                buffer.writeBodyFrames(channel: channel.number, body: $0, frameMax: frameMax)
            }
        }
    }
}

// Consumers.
extension SimulatedClient {
    private func consumeSomething() {
        guard let channel = usableChannel(limit: 2) else { return }
        if channel.latestTag == 0, channel.consumers.isEmpty, channel.questionCount == 1 { limit(channel) }
        if endsSomething(channel) { return }
        switch random.below(20) {
        case 0...2: startConsumer(channel)
        case 3: cancelSomeConsumer(channel)
        case 4...5: get(channel)
        case 6 where random.chance(20): recover(channel)
        case 7:
            guard channel.channelLimit == 0 else { return }
            channel.prefetchCount = random.pick([0, 1, 3, 20])
            ask(.basicQos(BasicQos(prefetchCount: UInt16(channel.prefetchCount))), on: channel)
        default: settleSomething(channel)
        }
    }

    private func limit(_ channel: SimulatedChannel) {
        channel.prefetchCount = random.pick([0, 1, 2, 5, 20])
        ask(.basicQos(BasicQos(prefetchCount: UInt16(channel.prefetchCount))), on: channel)
        if random.chance(40) {
            channel.channelLimit = random.pick([1, 2, 5, 40])
            ask(.basicQos(BasicQos(prefetchCount: UInt16(channel.channelLimit), global: true)), on: channel)
        }
    }

    private func randomQueue() -> Int {
        let isNoAck = role == .noAckConsumer
        return random.pick(ledger.topology.queues.indices.filter { ledger.topology.queues[$0].isNoAck == isNoAck })
    }

    private func startConsumer(_ channel: SimulatedChannel) {
        guard channel.consumers.count < 3 else { return }
        let queue = randomQueue()
        let number = takeNumber()
        let consumer = SimulatedConsumer(
            number: number, tag: "t\(number)", queue: queue, noAck: role == .noAckConsumer,
            prefetchCount: channel.prefetchCount)
        channel.consumers[consumer.tag] = consumer
        channel.usedQueues.insert(queue)
        ask(
            .basicConsume(
                BasicConsume(
                    queue: ShortString(truncating: ledger.topology.queues[queue].name),
                    consumerTag: ShortString(truncating: consumer.tag), noAck: consumer.noAck)),
            on: channel, detail: .tag(consumer.tag))
    }

    func cancelSomeConsumer(_ channel: SimulatedChannel) {
        guard !channel.consumers.isEmpty else { return }
        let tag = random.pick(channel.consumers.keys.sorted())
        ask(
            .basicCancel(BasicCancel(consumerTag: ShortString(truncating: tag))), on: channel, detail: .tag(tag))
    }

    private func get(_ channel: SimulatedChannel) {
        let queue = randomQueue()
        let noAck = role == .noAckConsumer
        channel.usedQueues.insert(queue)
        let name = ShortString(truncating: ledger.topology.queues[queue].name)
        ask(.basicGet(BasicGet(queue: name, noAck: noAck)), on: channel, detail: .get(queue: queue, noAck: noAck))
    }

    private func recover(_ channel: SimulatedChannel) {
        guard !channel.isRecovering else { return }
        channel.releaseHeld(ledger)
        channel.isRecovering = true
        ask(.basicRecover(BasicRecover(requeue: true)), on: channel)
    }

    private func settleSomething(_ channel: SimulatedChannel) {
        guard !channel.unacked.isEmpty, !channel.isRecovering else { return }
        let index = random.below(channel.unacked.count)
        let isMultiple = random.chance(30)
        switch random.below(10) {
        case 0: settle(channel, index, isMultiple, .requeued)
        case 1...2: settle(channel, index, isMultiple, .rejected)
        default: settle(channel, index, isMultiple, .acked)
        }
    }

    func settleEverything(_ channel: SimulatedChannel) {
        guard channel.phase == .open, !channel.unacked.isEmpty, !channel.isRecovering, !channel.isDoomed else { return }
        settle(channel, channel.unacked.count - 1, true, .acked)
    }

    private func settle(
        _ channel: SimulatedChannel, _ index: Int, _ isMultiple: Bool, _ settlement: SimulatedLedger.Settlement
    ) {
        let tag = channel.unacked[index].tag
        let settled = isMultiple ? Array(channel.unacked[...index]) : [channel.unacked[index]]
        channel.unacked.removeSubrange(isMultiple ? 0...index : index...index)
        let requeue = settlement == .requeued
        switch settlement {
        case .acked:
            send(.basicAck(BasicAck(deliveryTag: tag, multiple: isMultiple)), channel: channel.number)
        case .requeued, .rejected:
            if !isMultiple, random.chance(50) {
                send(.basicReject(BasicReject(deliveryTag: tag, requeue: requeue)), channel: channel.number)
            } else {
                send(
                    .basicNack(BasicNack(deliveryTag: tag, multiple: isMultiple, requeue: requeue)),
                    channel: channel.number)
            }
        }
        for delivery in settled {
            guard let copy = delivery.copy, let socket else { continue }
            ledger.settled(copy, settlement, by: channel.incarnation)
            // Whether a requeue was read makes no difference: the copy is in its queue either way.
            if requeue { continue }
            channel.settlements.append(
                SimulatedChannel.Settlement(
                    copy: copy, offset: socket.toBroker.writtenCount, questionCount: channel.questionCount))
        }
    }
}
