import AMQPWire
import Routing

// basic.publish with the method and the header of the one before: see `PublishPattern`.
extension ShardState {
    /// Takes a whole message if it begins here and is like the channel's latest one.
    ///
    /// - Parameters:
    ///   - position: where a frame begins.
    ///   - limit: of a frame's payload.
    /// - Returns: the bytes of its frames; 0 where frames have to be looked at one by one.
    @inline(never)
    func receiveRepeatedPublish(
        _ channel: UnsafeMutablePointer<ChannelState>, _ position: UnsafeRawPointer, _ end: UnsafeRawPointer, limit: Int
    ) -> Int {
        let head = channel.pointee.publishPattern.frameByteCount
        guard head > 0, end - position > head + Frame.overheadByteCount, isReadyForRepeatedPublish(channel),
            channel.pointee.publishPattern.matches(position)
        else { return 0 }
        let sizeOffset = channel.pointee.publishPattern.sizeOffset
        let size = UInt64(bigEndian: (position + sizeOffset).loadUnaligned(as: UInt64.self))
        guard size > 0, size <= UInt64(limit), size <= UInt64(settings.maxMessageSize) else { return 0 }
        let byteCount = Int(size)
        let body = position + head
        // The same channel as in the frames before: compared as they came.
        guard end - body >= byteCount + Frame.overheadByteCount, body.load(as: UInt8.self) == Frame.body,
            (body + 1).loadUnaligned(as: UInt16.self) == (position + 1).loadUnaligned(as: UInt16.self),
            UInt32(bigEndian: (body + 3).loadUnaligned(as: UInt32.self)) == UInt32(byteCount),
            (body + Frame.headByteCount + byteCount).load(as: UInt8.self) == Frame.end
        else { return 0 }
        channel.pointee.publishPattern.noteUse()
        let message = storeRepeated(
            channel, body: UnsafeRawBufferPointer(start: body + Frame.headByteCount, count: byteCount))
        hand(message, channel, isMandatory: channel.pointee.assembly.isMandatory)
        return head + byteCount + Frame.overheadByteCount
    }

    /// Whether a message may go where the channel's latest one went, without a further look.
    @inline(__always)
    private func isReadyForRepeatedPublish(_ channel: UnsafeMutablePointer<ChannelState>) -> Bool {
        let connection = channel.pointee.connection
        guard connection.pointee.phase == .running, channel.pointee.phase == .open, channel.pointee.pending == nil,
            channel.pointee.deferred.isEmpty, channel.pointee.assembly.stage == .idle,
            channel.pointee.publishMode != .transaction, alarms.isEmpty,
            let exchange = channel.pointee.cachedExchange
        else { return false }
        return virtualHosts[connection.pointee.virtualHostIndex].routing.version(of: exchange)
            == channel.pointee.cachedVersion
    }

    @inline(__always)
    private func storeRepeated(
        _ channel: UnsafeMutablePointer<ChannelState>, body: UnsafeRawBufferPointer
    ) -> Message {
        let prefix = channel.pointee.publishPattern.messageByteCount
        let message = Message(memory: messages.allocate(prefix + body.count))
        message.memory.copyMemory(from: channel.pointee.publishPattern.messageBytes, byteCount: prefix)
        message.begin(
            bodyByteCount: body.count,
            MessageStory(
                publishedMilliseconds: now.wallMilliseconds, priority: channel.pointee.publishPattern.priority))
        (message.memory + prefix).copyMemory(from: body.baseAddress.unsafelyUnwrapped, byteCount: body.count)
        return message
    }

    /// The header of a message has come that needed no look into it.
    @inline(never)
    func keepPattern(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.publishPattern.keep(
            message, channel: channel.pointee.number, methodBits: channel.pointee.assembly.isMandatory ? 1 : 0)
        channel.pointee.connection.pointee.repeatingChannel = channel
    }
}
