import AMQPWire
import Routing

// Channels: opening, closing, and the way from a method to its handler.
extension ShardState {
    func openChannel(
        _ connection: UnsafeMutablePointer<ConnectionState>, number: UInt16, payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        let limit = connection.pointee.channelMax
        if limit != 0, connection.pointee.channelCount >= Int(limit) || number > limit {
            throw .channelsUsedUp(connection.pointee.channelCount, limit)
        }
        let method = try Self.decode(payload)
        switch method {
        case .channelOpen: break
        // The answer to a channel.close of ours that crossed the client's own, or a second one: nothing is owed.
        case .channelCloseOk: return
        default: throw ProtocolError.expectedOpen.blaming(method.classID, method.methodID)
        }
        if !connection.pointee.isDirect {
            let user = connection.pointee.user
            try controlPlane.withTopology { topology throws(ProtocolError) in try topology.openChannel(of: user) }
        }
        connection.pointee.latestChannelSerial &+= 1
        let channel = UnsafeMutablePointer<ChannelState>.allocate(capacity: 1)
        channel.initialize(
            to: ChannelState(
                number: number, serial: connection.pointee.latestChannelSerial, connection: connection))
        channel.pointee.isTraced = virtualHosts[connection.pointee.virtualHostIndex].isTraced
        if settings.countsPairs { channel.pointee.pairs = ChannelPairs() }
        channel.pointee.isWatched = channel.pointee.isTraced || settings.countsPairs
        while connection.pointee.channels.count <= Int(number) { connection.pointee.channels.append(nil) }
        connection.pointee.channels[Int(number)] = channel
        connection.pointee.channelCount += 1
        channel.pointee.activeMilliseconds = now.wallMilliseconds
        statistics.channelsOpened &+= 1
        announceOpened(channel)
        ChannelOpenOk().writeFrame(channel: number, to: &connection.pointee.outbound)
        list(connection)
    }

    static func decode(_ payload: UnsafeRawBufferPointer) throws(ProtocolError) -> Method {
        do {
            var reader = WireReader(payload)
            return try Method.decode(&reader)
        } catch {
            throw .malformedMethod(error, payload)
        }
    }

    /// A method frame on an open channel. The per-message methods are told by their numbers before anything is decoded.
    @inline(__always)
    func receiveMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        if payload.count >= 4, channel.pointee.phase == .open, let base = payload.baseAddress {
            switch UInt32(bigEndian: base.loadUnaligned(as: UInt32.self)) {
            case 60 << 16 | 40: return try receivePublish(channel, payload)
            case 60 << 16 | 80:
                if payload.count == 13 {
                    channel.pointee.connection.pointee.ackingChannel = channel
                    let tag = UInt64(bigEndian: (base + 4).loadUnaligned(as: UInt64.self))
                    let multiple = (base + 12).load(as: UInt8.self) & 1 != 0
                    return try settle(channel, tag: tag, multiple: multiple, outcome: .acked, methodID: 80)
                }
            default: break
            }
        }
        try receiveDecoded(channel, Self.decode(payload))
    }

    @inline(never)
    private func receiveDecoded(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) {
        if channel.pointee.phase == .closing {
            switch method {
            case .channelCloseOk: forget(channel)
            case .channelClose:
                ChannelCloseOk().writeFrame(
                    channel: channel.pointee.number, to: &channel.pointee.connection.pointee.outbound)
                list(channel.pointee.connection)
            default: break
            }
            return
        }
        do throws(ProtocolError) {
            switch method.classID {
            case ChannelOpen.classID, AccessRequest.classID: try receiveChannelMethod(channel, method)
            case ExchangeDeclare.classID: try receiveExchangeMethod(channel, method)
            case QueueDeclare.classID: try receiveQueueMethod(channel, method)
            case BasicPublish.classID: try receiveBasicMethod(channel, method)
            case ConfirmSelect.classID, TxSelect.classID: try receiveModeMethod(channel, method)
            default: throw Self.unexpected(method)
            }
        } catch {
            throw error.blaming(method.classID, method.methodID)
        }
    }

    /// Methods that only the server sends, answers to what was not asked, and methods that belong on channel 0.
    static func unexpected(_ method: Method) -> ProtocolError {
        ProtocolError(.commandInvalid, "unimplemented method").blaming(method.classID, method.methodID)
    }

    private func receiveChannelMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) {
        switch method {
        case .channelOpen: throw .secondOpen
        case .channelClose: closeByClient(channel)
        case .channelFlow(let flow):
            guard flow.active else { throw .flowOff }
            write(ChannelFlowOk(active: true), channel)
        case .accessRequest: write(AccessRequestOk(ticket: 1), channel)
        default: throw Self.unexpected(method)
        }
    }

    private func receiveModeMethod(
        _ channel: UnsafeMutablePointer<ChannelState>, _ method: Method
    ) throws(ProtocolError) {
        switch method {
        case .confirmSelect(let select):
            if channel.pointee.publishMode == .transaction { throw .cannotSwitch(from: "tx", to: "confirm") }
            channel.pointee.publishMode = .confirm
            // Whether its queues may reject is looked at from now on.
            channel.pointee.routes.forget()
            if !select.noWait { write(ConfirmSelectOk(), channel) }
        default: try receiveTransactionMethod(channel, method)
        }
    }
}

// Ends.
extension ShardState {
    /// A mistake on a channel: channel.close, or connection.close where the code is a hard error.
    func fail(_ channel: UnsafeMutablePointer<ChannelState>, _ error: ProtocolError) {
        let connection = channel.pointee.connection
        if error.code.closesConnection {
            fail(connection, error)
            return
        }
        note(
            .error,
            "channel error on connection \(connection.pointee.peer.name), vhost '\(connection.pointee.virtualHost)', "
                + "channel \(channel.pointee.number): \(error.replyText)")
        release(channel)
        channel.pointee.phase = .closing
        ChannelClose(
            replyCode: error.code.rawValue, replyText: error.replyText, classID: error.classID, methodID: error.methodID
        ).writeFrame(channel: channel.pointee.number, to: &connection.pointee.outbound)
        list(connection)
    }

    private func closeByClient(_ channel: UnsafeMutablePointer<ChannelState>) {
        let shards = release(channel)
        let barriers = sendBarriers(shards, from: channel.pointee.address)
        if barriers > 0 {
            channel.pointee.pending = .close(barriers: barriers)
        } else {
            finishClose(channel)
        }
    }

    func finishClose(_ channel: UnsafeMutablePointer<ChannelState>) {
        write(ChannelCloseOk(), channel)
        forget(channel)
    }

    /// Ends the channel without a word: its connection ends.
    func end(_ channel: UnsafeMutablePointer<ChannelState>) -> UInt64 {
        let shards = release(channel)
        forget(channel)
        return shards
    }

    /// Cancels its consumers and requeues what is unacked, in the order of delivery. Returns the other shards that
    /// this concerned, as bits.
    @discardableResult
    private func release(_ channel: UnsafeMutablePointer<ChannelState>) -> UInt64 {
        var shards: UInt64 = 0
        if let message = channel.pointee.assembly.abandon() { release(message) }
        if channel.pointee.transaction != nil { forgetTransaction(channel) }
        channel.pointee.limitedConsumers = []
        for consumerIndex in channel.pointee.consumers.indices {
            guard let consumer = channel.pointee.consumers[consumerIndex] else { continue }
            // Without a reference the queue's answer is still on its way: `undo` cancels it when it comes.
            if let reference = consumer.reference { shards |= cancel(reference, of: consumer.queue) }
            channel.pointee.removeConsumer(at: consumerIndex)
        }
        while let delivery = channel.pointee.unacked.takeFirst(upTo: UInt64.max >> 1) {
            shards |= 1 << UInt64(delivery.queue.shard)
            settle(delivery, .failed)
        }
        return shards
    }

    /// The number is free again.
    private func forget(_ channel: UnsafeMutablePointer<ChannelState>) {
        let connection = channel.pointee.connection
        guard connection.pointee.channel(channel.pointee.number) == channel else { return }
        connection.pointee.channels[Int(channel.pointee.number)] = nil
        if connection.pointee.repeatingChannel == channel { connection.pointee.repeatingChannel = nil }
        if connection.pointee.ackingChannel == channel { connection.pointee.ackingChannel = nil }
        connection.pointee.channelCount -= 1
        statistics.channelsClosed &+= 1
        announceClosed(channel)
        noteCounters(channel)
        connection.pointee.endedChannelCounters += channel.pointee.counters
        if !connection.pointee.isDirect {
            let user = connection.pointee.user
            try? controlPlane.withTopology { $0.closeChannel(of: user) }
        }
        connection.pointee.deferredByteCount -= channel.pointee.deferred.count
        channel.pointee.phase = .closing
        endedChannels.append(channel)
    }
}

/// What every generated method can do.
protocol WritableMethod {
    func writeFrame(channel: UInt16, to buffer: inout OutboundBuffer)
}

extension ShardState {
    /// Writes a method without content to the channel's connection.
    func write(_ method: some WritableMethod, _ channel: UnsafeMutablePointer<ChannelState>) {
        method.writeFrame(channel: channel.pointee.number, to: &channel.pointee.connection.pointee.outbound)
        list(channel.pointee.connection)
    }
}

extension AccessRequestOk: WritableMethod {}
extension BasicAck: WritableMethod {}
extension BasicCancel: WritableMethod {}
extension BasicCancelOk: WritableMethod {}
extension BasicConsumeOk: WritableMethod {}
extension BasicGetEmpty: WritableMethod {}
extension BasicNack: WritableMethod {}
extension BasicQosOk: WritableMethod {}
extension BasicRecoverOk: WritableMethod {}
extension ChannelCloseOk: WritableMethod {}
extension ChannelFlowOk: WritableMethod {}
extension ConfirmSelectOk: WritableMethod {}
extension ExchangeBindOk: WritableMethod {}
extension ExchangeDeclareOk: WritableMethod {}
extension ExchangeDeleteOk: WritableMethod {}
extension ExchangeUnbindOk: WritableMethod {}
extension QueueBindOk: WritableMethod {}
extension QueueDeclareOk: WritableMethod {}
extension QueueDeleteOk: WritableMethod {}
extension QueuePurgeOk: WritableMethod {}
extension QueueUnbindOk: WritableMethod {}
extension TxCommitOk: WritableMethod {}
extension TxRollbackOk: WritableMethod {}
extension TxSelectOk: WritableMethod {}
