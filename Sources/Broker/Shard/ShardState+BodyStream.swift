import AMQPWire

// Large body frames, as they come: see `BodyStream`.
extension ShardState {
    /// The beginning of a frame that is not complete yet. Returns false where it is not a large body that is expected:
    /// it waits for its rest.
    func beginBodyStream(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ bytes: UnsafeRawBufferPointer
    ) -> Bool {
        guard bytes.count >= Frame.headByteCount + BodyStream.firstByteCount, bytes[0] == Frame.body,
            connection.pointee.phase == .running
        else { return false }
        let number = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
        let size = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
        guard size > Limit.largeFrameByteCount, size <= payloadLimit(connection),
            let channel = connection.pointee.channel(number), channel.pointee.phase == .open,
            channel.pointee.pending == nil, channel.pointee.deferred.isEmpty,
            channel.pointee.assembly.stage == .body, size <= channel.pointee.assembly.missingByteCount
        else { return false }
        // The frame's end may be all that is missing.
        let payload = UnsafeRawBufferPointer(rebasing: bytes[Frame.headByteCount...].prefix(size))
        connection.pointee.bodyStream.begin(
            channelNumber: number, channelSerial: channel.pointee.serial, payload: payload, payloadByteCount: size)
        channel.pointee.assembly.receiveBody(payload)
        return true
    }

    /// Returns what comes behind the frame.
    func continueBodyStream(
        _ connection: UnsafeMutablePointer<ConnectionState>, _ bytes: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer {
        let channel = streamingChannel(connection)
        let taken = min(connection.pointee.bodyStream.missingByteCount, bytes.count)
        channel?.pointee.assembly.receiveBody(UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
        connection.pointee.bodyStream.take(taken)
        guard connection.pointee.bodyStream.missingByteCount == 0, taken < bytes.count else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        connection.pointee.bodyStream.end()
        guard bytes[taken] == Frame.end else {
            let error = connection.pointee.bodyStream.withFirstBytes {
                ProtocolError.invalidFrameEnd(bytes[taken], type: Frame.body, firstBytes: $0)
            }
            fail(connection, error, lostSync: true)
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        // As if the frame came now: with nothing left for its message but to be complete.
        if let channel {
            receiveFrame(channel, type: Frame.body, payload: UnsafeRawBufferPointer(start: nil, count: 0))
        }
        return UnsafeRawBufferPointer(rebasing: bytes[(taken + 1)...])
    }

    /// nil when connection or channel are being closed meanwhile: what comes is dropped.
    private func streamingChannel(
        _ connection: UnsafeMutablePointer<ConnectionState>
    ) -> UnsafeMutablePointer<ChannelState>? {
        guard connection.pointee.phase == .running,
            let channel = connection.pointee.channel(connection.pointee.bodyStream.channelNumber),
            channel.pointee.serial == connection.pointee.bodyStream.channelSerial, channel.pointee.phase == .open,
            channel.pointee.assembly.stage == .body
        else { return nil }
        return channel
    }
}
