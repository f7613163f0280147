import AMQPWire

// Methods with content that come from the broker: basic.deliver, basic.get-ok, basic.return.
extension ConnectionStateMachine {
    mutating func receiveChannelFrame(
        type: UInt8, number: UInt16, _ payload: UnsafeRawBufferPointer
    ) throws(LeveretError) {
        // In place: a copy of the state would copy what it collects.
        guard let index = channels.index(forKey: number) else {
            throw .protocolViolation("a frame on channel \(number), which is not open")
        }
        if channels.values[index].isClosing {
            if type == Frame.method { try receiveChannelMethod(try decode(payload), number) }
            return
        }
        switch (type, channels.values[index].assembly.stage) {
        case (Frame.method, .idle):
            if let (kind, message) = try Self.contentMethod(payload) {
                channels.values[index].assembly.begin(kind, message)
            } else {
                try receiveChannelMethod(try decode(payload), number)
            }
            return
        case (Frame.header, .header):
            try channels.values[index].assembly.takeHeader(payload, sizeMax: options.messageSizeMax)
        case (Frame.body, .body):
            try channels.values[index].assembly.takeBody(payload)
        case (Frame.method, _):
            // A channel may be closed in the middle of a message.
            guard case .channelClose = try decode(payload) else {
                throw .protocolViolation("a method in the middle of a message")
            }
            return try receiveChannelMethod(try decode(payload), number)
        default: throw .protocolViolation("a content frame where none belongs")
        }
        if channels.values[index].assembly.isComplete {
            let (kind, message) = channels.values[index].assembly.take()
            try receiveContent(kind, message, number)
        }
    }

    /// What a method that content follows announces; nil for any other method.
    private static func contentMethod(
        _ payload: UnsafeRawBufferPointer
    ) throws(LeveretError) -> (ContentAssembly.Kind, ReceivedMessage)? {
        var reader = WireReader(payload)
        do throws(WireError) {
            guard try reader.readUInt16() == BasicDeliver.classID else { return nil }
            var message = ReceivedMessage()
            let kind: ContentAssembly.Kind
            switch try reader.readUInt16() {
            case BasicDeliver.methodID:
                kind = .delivery(consumerTag: try reader.readShortString())
                message.deliveryTag = try reader.readUInt64()
                message.isRedelivered = try reader.readUInt8() & 1 != 0
            case BasicGetOk.methodID:
                kind = .got
                message.deliveryTag = try reader.readUInt64()
                message.isRedelivered = try reader.readUInt8() & 1 != 0
            case BasicReturn.methodID:
                let code = try reader.readUInt16()
                kind = .returned(replyCode: code, replyText: try reader.readText())
            default: return nil
            }
            message.exchange = try reader.readText()
            message.routingKey = try reader.readText()
            if case .got = kind { message.remainingMessageCount = try reader.readUInt32() }
            try reader.expectEnd()
            return (kind, message)
        } catch {
            throw .malformed(error, in: "a method with content")
        }
    }

    private mutating func receiveContent(
        _ kind: ContentAssembly.Kind, _ message: ReceivedMessage, _ number: UInt16
    ) throws(LeveretError) {
        switch kind {
        case .delivery(let tag):
            guard let consumer = channels[number]?.consumers[tag] else {
                throw .protocolViolation("a delivery for consumer '\(tag)', which does not exist")
            }
            if consumer.isCancelling, !consumer.isAutoAck {
                requeue(message.deliveryTag, number)
            } else {
                actions.append(.delivered(consumer.id, message))
            }
        case .got:
            guard let request = channels[number]?.inFlight, case .basicGet(let get) = request.method else {
                throw .protocolViolation("basic.get-ok, which nothing asked for")
            }
            if request.isAbandoned, !get.noAck { requeue(message.deliveryTag, number) }
            actions.append(.succeeded(request.id, .message(message)))
            startNext(number)
        case .returned(let replyCode, let replyText):
            let returned = ReturnedMessage(
                replyCode: replyCode, replyText: replyText, exchange: message.exchange,
                routingKey: message.routingKey, body: message.body, propertyBytes: message.propertyBytes)
            let waiter = channels[number]?.confirms?.takeReturned(returned) ?? 0
            if waiter != 0 {
                actions.append(.failed(waiter, .returned(returned)))
            } else if let id = channels[number]?.id {
                actions.append(.returned(id, returned))
            }
        }
    }

    private mutating func requeue(_ deliveryTag: UInt64, _ number: UInt16) {
        send(.basicNack(BasicNack(deliveryTag: deliveryTag, multiple: false, requeue: true)), channel: number)
    }
}

extension WireReader {
    /// A shortstr as text; bytes that are no UTF-8 become U+FFFD.
    fileprivate mutating func readText() throws(WireError) -> String {
        String(decoding: try readShortStringView(), as: UTF8.self)
    }
}
