import AMQPWire
import Broker
import Testing

/// What a client that breaks the rules gets, and that it harms nobody else.
func misbehave(
    _ code: UInt16, _ text: String, of method: (any WireMethod.Type)? = nil, losesSync: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation, _ act: (ConversationClient) -> Void
) {
    converse(sourceLocation: sourceLocation) { broker in
        let bystander = broker.connect()
        bystander.declare(QueueDeclare(queue: "q", exclusive: false))
        let client = broker.connect()
        act(client)
        if losesSync {
            client.expectCloseOnly(code, text, of: method, sourceLocation: sourceLocation)
            broker.expectSilentClose(of: client, sourceLocation: sourceLocation)
        } else {
            client.expectClose(code, text, of: method, sourceLocation: sourceLocation)
        }
        bystander.publish("still here", routingKey: "q")
        bystander.get(expecting: "still here", tag: 1, noAck: true, sourceLocation: sourceLocation)
    }
}

@Suite struct BadFrameTests {
    @Test func wrongEndMarker() {
        misbehave(
            501, "FRAME_ERROR - type 1, all octets = <<0,20,0,20,1>>: {invalid_frame_end_marker,205}", losesSync: true
        ) {
            $0.sendFrame(type: 1, channel: 1, payload: [0, 20, 0, 20, 1], end: 205)
            $0.send(QueueDeclare(queue: "ignored"))
        }
        misbehave(
            501, "FRAME_ERROR - type 3, first 16 octets = <<\"abcdefghijklmnop\">>: {invalid_frame_end_marker,0}",
            losesSync: true
        ) { $0.sendFrame(type: 3, channel: 1, payload: Array("abcdefghijklmnopq".utf8), end: 0) }
    }

    @Test func unknownFrameType() {
        for channel in [0, 1, 2] as [UInt16] {
            misbehave(501, "FRAME_ERROR - type 9, all octets = <<1,2>>: unknown_frame") {
                $0.sendFrame(type: 9, channel: channel, payload: [1, 2])
            }
        }
        misbehave(501, "FRAME_ERROR - type 0, all octets = <<>>: unknown_frame") {
            $0.sendFrame(type: 0, channel: 0, payload: [])
        }
    }

    @Test func heartbeatOnAChannel() {
        for channel in [1, 2] as [UInt16] {
            misbehave(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>") {
                $0.sendFrame(type: 8, channel: channel, payload: [])
            }
        }
    }

    @Test func heartbeatWithAPayload() {
        for channel in [0, 1, 2] as [UInt16] {
            misbehave(501, "FRAME_ERROR - type 8, all octets = <<1>>: unknown_frame") {
                $0.sendFrame(type: 8, channel: channel, payload: [1])
            }
        }
    }

    @Test func methodFrameTooShortForAMethod() {
        for channel in [0, 1, 2] as [UInt16] {
            misbehave(501, "FRAME_ERROR - type 1, all octets = <<0,10,0>>: unknown_frame") {
                $0.sendFrame(type: 1, channel: channel, payload: [0, 10, 0])
            }
        }
    }

    @Test func contentOnChannelZero() {
        misbehave(505, "UNEXPECTED_FRAME - type 3, all octets = <<\"body\">>") {
            $0.sendFrame(type: 3, channel: 0, payload: Array("body".utf8))
        }
        misbehave(505, "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,0,0,0>>") {
            $0.sendFrame(type: 2, channel: 0, payload: headerPayload(size: 0))
        }
    }

    @Test func unknownMethods() {
        for channel in [0, 1, 2] as [UInt16] {
            converse { broker in
                let client = broker.connect()
                client.sendFrame(type: 1, channel: channel, payload: [0, 50, 0, 99, 1, 2, 3])
                client.expect(
                    ConnectionClose(
                        replyCode: 540, replyText: "NOT_IMPLEMENTED - unknown method 99 of class 50", classID: 50,
                        methodID: 99), channel: 0)
            }
        }
    }

    /// The arguments of queue.declare, cut off at every byte, and one byte too many.
    @Test func truncatedMethods() {
        let whole = Array(frame(QueueDeclare(queue: "abc", arguments: ["x": .bool(true)])).dropFirst(7).dropLast())
        for count in 4..<whole.count {
            let arguments = whole[4..<count].map { String($0) }.joined(separator: ",")
            misbehave(501, "FRAME_ERROR - cannot decode <<\(arguments)>>", of: QueueDeclare.self) {
                $0.sendFrame(type: 1, channel: 1, payload: Array(whole[..<count]))
            }
        }
        let long = whole[4...].map { String($0) }.joined(separator: ",") + ",7"
        misbehave(501, "FRAME_ERROR - cannot decode <<\(long)>>", of: QueueDeclare.self) {
            $0.sendFrame(type: 1, channel: 1, payload: whole + [7])
        }
    }

    @Test func truncatedPublish() {
        let whole = Array(frame(BasicPublish(exchange: "ab", routingKey: "cd")).dropFirst(7).dropLast())
        for count in 4..<whole.count {
            let arguments = whole[4..<count].map { String($0) }.joined(separator: ",")
            misbehave(501, "FRAME_ERROR - cannot decode <<\(arguments)>>", of: BasicPublish.self) {
                $0.sendFrame(type: 1, channel: 1, payload: Array(whole[..<count]))
            }
        }
    }

    @Test func tablesNestedTooDeep() {
        misbehave(501, "FRAME_ERROR - cannot decode: tables nested deeper than 64", of: QueueDeclare.self) {
            let payload = [0, 50, 0, 10, 0, 0, 1] + [UInt8(ascii: "q"), 0] + nestedTable(depth: 1000)
            $0.sendFrame(type: 1, channel: 1, payload: payload)
        }
        misbehave(501, "FRAME_ERROR - cannot decode: tables nested deeper than 64", of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(
                type: 2, channel: 1, payload: headerPayload(size: 0, properties: [0x20, 0] + nestedTable(depth: 1000)))
        }
    }

    @Test func unknownFieldTypes() {
        let letters = Set((0...255).map { UInt8($0) }).subtracting("StbBsuIilLfdDTFAVx".utf8)
        for letter in letters.sorted() {
            let table: [UInt8] = [0, 0, 0, 3, 1, UInt8(ascii: "k"), letter]
            misbehave(501, "FRAME_ERROR - cannot decode: unknown field type \(letter)", of: QueueDeclare.self) {
                $0.sendFrame(type: 1, channel: 1, payload: [0, 50, 0, 10, 0, 0, 1, UInt8(ascii: "q"), 0] + table)
            }
            misbehave(501, "FRAME_ERROR - cannot decode: unknown field type \(letter)", of: BasicPublish.self) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 0, properties: [0x20, 0] + table))
            }
        }
    }

    private func nestedTable(depth: Int) -> [UInt8] {
        var table: [UInt8] = [0, 0, 0, 0]
        for _ in 1..<depth {
            let inner = table
            table = written { buffer in
                buffer.write(longString: [0, UInt8(ascii: "F")] + inner)
            }
        }
        return table
    }
}

@Suite struct FrameSizeTests {
    private static let tuneOk = ConnectionTuneOk(channelMax: 10, frameMax: 4096, heartbeat: 0)

    /// RabbitMQ forgives clients that forget a frame's eight bytes of overhead.
    @Test func eightBytesMoreThanFrameMaxAreAccepted() {
        converse { broker in
            let client = broker.connect(tuneOk: Self.tuneOk)
            client.declare(QueueDeclare(queue: "q"))
            let body = [UInt8](repeating: 7, count: 4096)
            client.send(BasicPublish(routingKey: "q"))
            client.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 4096))
            client.sendFrame(type: 3, channel: 1, payload: body)
            client.send(BasicGet(queue: "q", noAck: true))
            client.expectContent(BasicGetOk(deliveryTag: 1, routingKey: "q"), body: body)
        }
    }

    @Test func nineBytesMoreThanFrameMaxAreRefused() {
        converse { broker in
            let client = broker.connect(tuneOk: Self.tuneOk)
            client.send(BasicPublish(routingKey: "q"))
            client.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 4097))
            // The head alone is enough.
            client.send(bytes: [3, 0, 1, 0, 0, 0x10, 0x01])
            client.expectCloseOnly(
                501, "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}")
            broker.expectSilentClose(of: client)
        }
    }

    @Test func aFrameOfFourGibibytesIsRefusedAtItsHead() {
        converse { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(bytes: [1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF])
            client.expectCloseOnly(
                501, "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,4294967295,131064}")
            broker.expectSilentClose(of: client)
        }
    }

    @Test func aFrameThatNeverEndsIsForgotten() {
        converse { broker in
            let client = broker.connect()
            client.send(bytes: [1, 0, 1, 0, 0, 0, 40, 0, 50, 0, 10])
            client.expectNothing()
            client.endSocket()
        }
    }

    @Test func bodiesAreSplitToTheConsumersFrameMax() {
        converse { broker in
            let publisher = broker.connect()
            publisher.declare(QueueDeclare(queue: "q"))
            let consumer = broker.connect(tuneOk: Self.tuneOk)
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for count in [4087, 4088, 4089, 8176, 8177, 100_000] {
                let body = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
                publisher.send(BasicPublish(routingKey: "q"))
                publisher.sendContent(body)
                guard case .method(.basicDeliver, 1, let content?)? = consumer.takeAll().first else {
                    Issue.record("no delivery of \(count) bytes")
                    continue
                }
                #expect(content.body == body)
            }
        }
    }
}
