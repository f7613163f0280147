import AMQPWire
import Routing

// Where bytes come in: frames are found, checked and handed on.
extension ShardState {
    /// Bytes that the socket gave. Frames that are complete are dealt with; the beginning of another is kept.
    package func receive(_ address: ConnectionAddress, _ bytes: UnsafeRawBufferPointer) {
        guard let connection = connection(address), connection.pointee.phase != .closed else { return }
        followTopology()
        connection.pointee.lastReceivedAt = now.monotonicMilliseconds
        connection.pointee.traffic.receivedByteCount &+= UInt64(bytes.count)
        connection.pointee.traffic.readCount &+= 1
        statistics.receivedByteCount &+= UInt64(bytes.count)
        var rest = bytes
        if connection.pointee.bodyStream.isActive {
            rest = continueBodyStream(connection, bytes)
        } else if !connection.pointee.input.isEmpty {
            rest = completePartialFrame(connection, bytes)
        }
        let consumed = readFrames(connection, rest)
        if consumed < rest.count, connection.pointee.phase != .closed {
            let beginning = UnsafeRawBufferPointer(rebasing: rest[consumed...])
            if !beginBodyStream(connection, beginning) { connection.pointee.input.append(beginning) }
        }
        updateReading(connection)
    }

    /// Whether what was read ends within a large body: it is worth reading more at once.
    package func isInBody(_ address: ConnectionAddress) -> Bool {
        connection(address)?.pointee.bodyStream.isActive ?? false
    }

    /// The kept beginning of a frame gets just the bytes it lacks, so that the rest is read where it lies.
    private func completePartialFrame(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        var rest = bytes
        while !rest.isEmpty, !connection.pointee.input.isEmpty, connection.pointee.phase != .closed {
            let kept = connection.pointee.input.count
            let wanted = max(frameByteCount(connection, connection.pointee.input.bytes) - kept, 1)
            let taken = min(wanted, rest.count)
            connection.pointee.input.append(UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
            let consumed = readFrames(connection, connection.pointee.input.bytes)
            if consumed > 0 { connection.pointee.input.removeAll() }
        }
        return connection.pointee.phase == .closed ? UnsafeRawBufferPointer(start: nil, count: 0) : rest
    }

    /// How many bytes the frame that begins here has, as far as its head tells; at least the head's.
    private func frameByteCount(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        if connection.pointee.phase == .protocolHeader { return 8 }
        guard bytes.count >= Frame.headByteCount, let base = bytes.baseAddress else { return Frame.headByteCount }
        let size = UInt32(bigEndian: (base + 3).loadUnaligned(as: UInt32.self))
        return min(Int(size), payloadLimit(connection) + 1) + Frame.overheadByteCount
    }

    func payloadLimit(_ connection: UnsafeMutablePointer<ConnectionState>) -> Int {
        // Before tune-ok RabbitMQ takes what it offers as the limit.
        switch connection.pointee.phase {
        case .starting, .tuning:
            settings.frameMax == 0
                ? Int(Frame.sizeMinimum) : Int(settings.frameMax) - Frame.overheadByteCount + Limit.frameSizeFudge
        default: connection.pointee.payloadLimit
        }
    }

    /// Deals with every complete frame; returns how many bytes those were.
    private func readFrames(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        guard var position = bytes.baseAddress else { return 0 }
        let start = position
        let end = start + bytes.count
        if connection.pointee.phase == .protocolHeader {
            guard bytes.count >= 8 else {
                return 0
            }
            receiveProtocolHeader(connection, UnsafeRawBufferPointer(start: start, count: 8))
            position += 8
        }
        var limit = payloadLimit(connection)
        while end - position >= Frame.headByteCount, connection.pointee.phase != .closed {
            if let channel = connection.pointee.repeatingChannel {
                let taken = receiveRepeatedPublishes(channel, position, end, limit: limit)
                if taken > 0 {
                    position += taken
                    continue
                }
            }
            if let channel = connection.pointee.ackingChannel, end - position >= AckFrame.byteCount,
                AckFrame(channel: channel.pointee.number).begins(at: position)
            {
                let taken = receiveAcks(channel, position, end)
                if taken > 0 {
                    position += taken
                    continue
                }
            }
            let type = position.load(as: UInt8.self)
            let number = UInt16(bigEndian: (position + 1).loadUnaligned(as: UInt16.self))
            let size = Int(UInt32(bigEndian: (position + 3).loadUnaligned(as: UInt32.self)))
            if size > limit {
                fail(connection, .frameTooLarge(size, limit: limit - Limit.frameSizeFudge, type: type), lostSync: true)
                return bytes.count
            }
            guard end - position >= size + Frame.overheadByteCount else { break }
            let payload = UnsafeRawBufferPointer(start: position + Frame.headByteCount, count: size)
            let marker = (position + Frame.headByteCount + size).load(as: UInt8.self)
            if marker != Frame.end {
                fail(connection, .invalidFrameEnd(marker, type: type, payload: payload), lostSync: true)
                return bytes.count
            }
            if connection.pointee.phase == .running, number != 0 {
                receiveFrame(connection, type: type, number: number, payload: payload)
            } else {
                receiveControlFrame(connection, type: type, number: number, payload: payload)
                limit = payloadLimit(connection)
            }
            position += size + Frame.overheadByteCount
        }
        return connection.pointee.phase == .closed ? bytes.count : position - start
    }

    /// Whether methods of the channel that begin now may be taken in a run: nothing stands before them, and none is
    /// held back. On the pointer: a property of the channel would copy it.
    @inline(__always)
    func takesRuns(_ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        channel.pointee.connection.pointee.phase == .running && channel.pointee.phase == .open
            && channel.pointee.pending == nil && channel.pointee.deferred.isEmpty
            && channel.pointee.assembly.stage == .idle && channel.pointee.publishMode != .transaction
    }

    /// A frame of a channel on a running connection.
    @inline(__always)
    private func receiveFrame(
        _ connection: UnsafeMutablePointer<ConnectionState>, type: UInt8, number: UInt16,
        payload: UnsafeRawBufferPointer
    ) {
        guard let channel = connection.pointee.channel(number) else {
            receiveFirstFrame(connection, type: type, number: number, payload: payload)
            return
        }
        // Also behind frames that are about to be read: the answer they waited for has come in this very turn.
        if channel.pointee.pending != nil || channel.pointee.deferred.count > 0 {
            deferFrame(channel, type: type, payload: payload)
        } else {
            receiveFrame(channel, type: type, payload: payload)
        }
    }

    /// A frame of an open channel, in its turn.
    @inline(__always)
    func receiveFrame(_ channel: UnsafeMutablePointer<ChannelState>, type: UInt8, payload: UnsafeRawBufferPointer) {
        do throws(ProtocolError) {
            switch (type, channel.pointee.assembly.stage) {
            case (Frame.method, .idle): try receiveMethod(channel, payload)
            case (Frame.header, .header): try receiveHeader(channel, payload)
            case (Frame.body, .body): try receiveBody(channel, payload)
            default: try receiveUnexpected(channel, type: type, payload: payload)
            }
        } catch {
            fail(channel, error)
        }
    }

    private func receiveUnexpected(
        _ channel: UnsafeMutablePointer<ChannelState>, type: UInt8, payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        switch type {
        case Frame.method, Frame.header, Frame.body:
            if channel.pointee.phase == .closing { return try receiveWhileClosing(channel, type: type, payload) }
            switch channel.pointee.assembly.stage {
            case .idle: throw .expectedMethod
            case .header: throw ProtocolError.expectedHeader.blaming(60, 40)
            case .body: throw ProtocolError.expectedBody.blaming(60, 40)
            }
        case Frame.heartbeat where payload.isEmpty: throw .unexpectedFrame(type: type, payload: payload)
        default: throw .unknownFrame(type: type, payload: payload)
        }
    }

    /// After channel.close everything on the channel is dropped, except close and close-ok: see `receiveMethod`.
    private func receiveWhileClosing(
        _ channel: UnsafeMutablePointer<ChannelState>, type: UInt8, _ payload: UnsafeRawBufferPointer
    ) throws(ProtocolError) {
        if type == Frame.method { try receiveMethod(channel, payload) }
    }

    /// A frame of a channel that is not open.
    private func receiveFirstFrame(
        _ connection: UnsafeMutablePointer<ConnectionState>, type: UInt8, number: UInt16,
        payload: UnsafeRawBufferPointer
    ) {
        do throws(ProtocolError) {
            switch type {
            case Frame.method: try openChannel(connection, number: number, payload: payload)
            case Frame.header, Frame.body: throw .expectedMethod
            case Frame.heartbeat where payload.isEmpty: throw .unexpectedFrame(type: type, payload: payload)
            default: throw .unknownFrame(type: type, payload: payload)
            }
        } catch {
            fail(connection, error)
        }
    }

    /// A frame of channel 0, or one that comes before or after the time of channels.
    private func receiveControlFrame(
        _ connection: UnsafeMutablePointer<ConnectionState>, type: UInt8, number: UInt16,
        payload: UnsafeRawBufferPointer
    ) {
        let phase = connection.pointee.phase
        if phase == .closing || phase == .awaitingCloseOk, number != 0 || type != Frame.method { return }
        do throws(ProtocolError) {
            guard number == 0 else { throw .unexpectedFrame(type: type, payload: payload) }
            switch type {
            case Frame.method: try receiveConnectionMethod(connection, payload)
            case Frame.heartbeat:
                guard payload.isEmpty else { throw .unknownFrame(type: type, payload: payload) }
            case Frame.header, Frame.body: throw .unexpectedFrame(type: type, payload: payload)
            default: throw .unknownFrame(type: type, payload: payload)
            }
        } catch {
            fail(connection, error)
        }
    }
}

// Frames that wait behind an unanswered method of their channel.
extension ShardState {
    private func deferFrame(
        _ channel: UnsafeMutablePointer<ChannelState>, type: UInt8, payload: UnsafeRawBufferPointer
    ) {
        channel.pointee.deferred.write(type)
        channel.pointee.deferred.write(UInt32(payload.count))
        channel.pointee.deferred.write(bytes: payload)
        channel.pointee.connection.pointee.deferredByteCount += payload.count + 5
    }

    /// The channel's operation has been answered: its frames go on at the end of the turn.
    func resume(_ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.pending = nil
        if !channel.pointee.deferred.isEmpty { resumableChannels.append(channel.pointee.address) }
    }

    func resumeChannels() {
        while let address = resumableChannels.popLast() {
            guard let channel = channel(address) else { continue }
            readDeferred(channel, address)
        }
        if closingConnections.isEmpty { return }
        let closing = closingConnections
        closingConnections.removeAll()
        for address in closing {
            guard let connection = connection(address), connection.pointee.phase == .closing else { continue }
            closeByClient(connection)
        }
    }

    private func readDeferred(_ channel: UnsafeMutablePointer<ChannelState>, _ address: ChannelAddress) {
        let connection = channel.pointee.connection
        var frames = channel.pointee.deferred
        channel.pointee.deferred = OutboundBuffer()
        connection.pointee.deferredByteCount -= frames.count
        var reader = WireReader(frames.bytes)
        while reader.remainingCount > 0, let type = try? reader.readUInt8(), let size = try? reader.readUInt32(),
            let payload = try? reader.readBytes(Int(size))
        {
            // The channel may end, or wait again, by what was waiting.
            let phase = connection.pointee.phase
            guard self.channel(address) == channel, phase == .running || phase == .closing else { break }
            if channel.pointee.pending != nil {
                deferFrame(channel, type: type, payload: payload)
            } else {
                receiveFrame(channel, type: type, payload: payload)
            }
        }
        frames.deallocate()
        updateReading(connection)
    }

    /// Whether the socket is read: not while one connection would make the broker hold too much that no queue holds,
    /// and not while it is blocked. The reasons are independent of each other; reading goes on when none is left.
    func updateReading(_ connection: UnsafeMutablePointer<ConnectionState>) {
        let isPaused =
            connection.pointee.deferredByteCount > Limit.deferredByteCount
            || connection.pointee.outbound.count > Limit.unsentByteCount
            // What ends the connection is answered.
            || connection.pointee.phase == .running
                && (connection.pointee.isBlocked || pausedPublishers.contains(connection.pointee.address))
        guard connection.pointee.isReadingPaused != isPaused else { return }
        connection.pointee.isReadingPaused = isPaused
        // Its heartbeats could not be heard: the client has two intervals from now.
        if !isPaused { connection.pointee.lastReceivedAt = now.monotonicMilliseconds }
        list(connection)
    }
}
