import AMQPWire

/// A message to be published.
struct OutgoingMessage {
    var exchange: String
    var routingKey: String
    var isMandatory: Bool
    /// nil: none at all.
    var properties: BasicProperties?
    var body: [UInt8]
}

// Asynchronous methods to the broker: publishing and settling. Written straight into the connection's one buffer.
extension ConnectionStateMachine {
    /// Writes a message whole.
    ///
    /// - Parameter waiter: who waits for the confirm; 0 for nobody.
    /// - Returns: false when the broker has stopped the channel's flow: nothing was written, try again later.
    mutating func publish(
        _ message: OutgoingMessage, waiter: RequestID, number: UInt16, channel id: ChannelID
    ) throws(LeveretError) -> Bool {
        guard isOpen(number, id), let index = channels.index(forKey: number) else { throw endError ?? .closed }
        if channels.values[index].isFlowStopped { return false }
        if waiter != 0, channels.values[index].confirms == nil {
            throw .invalidArgument("enableConfirms() comes before publishConfirmed")
        }
        try write(message, number)
        if channels.values[index].confirms != nil {
            channels.values[index].confirms?.published(waiter: waiter)
            if waiter != 0, message.isMandatory {
                channels.values[index].confirms?.noteMandatory(
                    exchange: message.exchange, routingKey: message.routingKey, body: message.body)
            }
        }
        return true
    }

    private mutating func write(_ message: OutgoingMessage, _ number: UInt16) throws(LeveretError) {
        let exchange = message.exchange.utf8.count
        let routingKey = message.routingKey.utf8.count
        guard exchange <= ShortString.byteLimit, routingKey <= ShortString.byteLimit else {
            throw .invalidArgument("exchange and routing key may have 255 bytes each")
        }
        let start = outbound.count
        outbound.writeMethodFrame(
            channel: number, classID: BasicPublish.classID, methodID: BasicPublish.methodID
        ) { buffer in
            buffer.write(UInt16(0))
            buffer.write(shortText: message.exchange)
            buffer.write(shortText: message.routingKey)
            buffer.write(UInt8(message.isMandatory ? 1 : 0))
        }
        let headerStart = outbound.count
        writeHeader(message, number)
        let headerCount = outbound.count - headerStart
        guard headerCount <= Int(frameMax) else {
            outbound.truncate(to: start)
            throw .invalidArgument("the properties have \(headerCount) bytes, and a frame \(frameMax) at most")
        }
        message.body.withUnsafeBytes { outbound.writeBodyFrames(channel: number, body: $0, frameMax: frameMax) }
    }

    private mutating func writeHeader(_ message: OutgoingMessage, _ number: UInt16) {
        outbound.write(Frame.header)
        outbound.write(number)
        let length = outbound.beginLength()
        outbound.write(BasicPublish.classID)
        outbound.write(UInt16(0))
        outbound.write(UInt64(message.body.count))
        if let properties = message.properties {
            properties.write(to: &outbound)
        } else {
            outbound.write(UInt16(0))
        }
        outbound.endLength(length)
        outbound.write(Frame.end)
    }

    /// basic.ack, basic.nack or basic.reject. Nothing answers it.
    mutating func settle(_ method: Method, number: UInt16, channel id: ChannelID) throws(LeveretError) {
        guard isOpen(number, id) else { throw endError ?? .closed }
        send(method, channel: number)
    }

    /// Answers `request` when all that was published on the channel is confirmed.
    mutating func awaitConfirms(
        request: RequestID, number: UInt16, channel id: ChannelID
    ) throws(LeveretError) {
        guard isOpen(number, id) else { throw endError ?? .closed }
        guard channels[number]?.confirms != nil else {
            throw .invalidArgument("enableConfirms() comes before waitForConfirms()")
        }
        channels[number]?.confirms?.drain(waiter: request, into: &actions)
    }
}

extension OutboundBuffer {
    /// At most 255 bytes, which the caller has checked.
    fileprivate mutating func write(shortText text: String) {
        var text = text
        text.withUTF8 { bytes in
            write(UInt8(truncatingIfNeeded: bytes.count))
            write(bytes: UnsafeRawBufferPointer(bytes))
        }
    }
}
