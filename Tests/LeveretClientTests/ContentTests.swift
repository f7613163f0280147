import AMQPWire
import SplitMix
import Testing

@testable import LeveretClient

@Suite struct ContentTests {
    @Test func contentOfTwoChannelsMayInterleave() throws {
        var talk = Conversation()
        try talk.addConsumer()
        talk.machine.openChannel(request: 10)
        talk.receive(.channelOpenOk(ChannelOpenOk()), on: 2)
        var request = Request(id: 11, method: .basicConsume(BasicConsume(queue: "q", consumerTag: "d")))
        request.consumer = .init(id: 8, isAutoAck: true)
        try talk.machine.request(request, number: 2, channel: 2)
        talk.receive(.basicConsumeOk(BasicConsumeOk(consumerTag: "d")), on: 2)
        _ = talk.actions()

        let large = [UInt8](repeating: 1, count: 20_000)
        let first = frames(Conversation.delivery(body: large))
        let second = frames(Conversation.delivery(consumer: "d", body: [2], on: 2))
        #expect(first.count == 5)
        for frame in first.prefix(3) { talk.receive(frame) }
        for frame in second { talk.receive(frame) }
        for frame in first.dropFirst(3) { talk.receive(frame) }
        #expect(talk.actions().deliveredBodies == [[2], large])
    }

    private func frames(_ bytes: [UInt8]) -> [[UInt8]] {
        var frames: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let size = rest.dropFirst(3).prefix(4).reduce(0) { $0 << 8 | Int($1) } + 8
            frames.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return frames
    }

    @Test func everyCutOfTheBytesGivesTheSameDeliveries() throws {
        let bytes =
            Conversation.delivery(tag: 1, body: []) + Conversation.delivery(tag: 2, body: Array(0..<100))
            + Conversation.delivery(tag: 3, body: [UInt8](repeating: 7, count: 9000))
        for step in [1, 2, 3, 7, 8, 9, 64, 1000, 8191, 8192, 8193] {
            var talk = Conversation()
            try talk.addConsumer()
            for start in stride(from: 0, to: bytes.count, by: step) {
                talk.receive(Array(bytes[start..<min(start + step, bytes.count)]))
            }
            #expect(talk.actions().deliveredBodies.map { $0.count } == [0, 100, 9000])
        }
    }

    @Test func deliveryCarriesWhatTheBrokerSays() throws {
        var talk = Conversation()
        try talk.addConsumer()
        let properties = Conversation.bytes { buffer in
            var properties = BasicProperties()
            properties.correlationID = "42"
            properties.headers = ["n": .int32(5), "t": .string("ü"), "b": .longString([0xFF])]
            properties.write(to: &buffer)
        }
        talk.receive(
            Conversation.content(
                .basicDeliver(
                    BasicDeliver(
                        consumerTag: "c", deliveryTag: 9, redelivered: true, exchange: "x", routingKey: "k")),
                body: Array("hello".utf8), properties: properties))
        guard case .delivered(7, let message) = talk.actions().first else {
            Issue.record("no delivery")
            return
        }
        #expect(message.deliveryTag == 9)
        #expect(message.isRedelivered)
        #expect(message.exchange == "x")
        #expect(message.routingKey == "k")
        let read = MessageProperties(wire: message.propertyBytes)
        #expect(read.correlationID == "42")
        #expect(read.headers == ["n": .int32(5), "t": "ü", "b": .bytes([0xFF])])
    }

    @Test func getIsAnsweredWithAMessageOrNone() throws {
        var talk = Conversation()
        try talk.machine.request(Request(id: 10, method: .basicGet(BasicGet(queue: "q"))), number: 1, channel: 1)
        talk.receive(
            Conversation.content(.basicGetOk(BasicGetOk(deliveryTag: 1, messageCount: 4)), body: [1, 2]))
        guard case .succeeded(10, .message(let message)) = talk.actions().first else {
            Issue.record("no message")
            return
        }
        #expect(message.remainingMessageCount == 4)
        #expect(message.body == [1, 2])
        try talk.machine.request(Request(id: 11, method: .basicGet(BasicGet(queue: "q"))), number: 1, channel: 1)
        talk.receive(.basicGetEmpty(BasicGetEmpty()), on: 1)
        #expect(talk.actions() == [.succeeded(11, .method(.basicGetEmpty(BasicGetEmpty())))])
    }

    @Test func serversCancelEndsTheConsumer() throws {
        var talk = Conversation()
        try talk.addConsumer()
        talk.receive(.basicCancel(BasicCancel(consumerTag: "c", noWait: true)), on: 1)
        #expect(talk.actions() == [.consumerEnded(7, .consumerCancelled(tag: "c"))])
        #expect(talk.sent() == [])
    }

    @Test func deliveryDuringCancelGoesBackUnlessItIsAcknowledgedAlready() throws {
        for isAutoAck in [false, true] {
            var talk = Conversation()
            try talk.addConsumer(isAutoAck: isAutoAck)
            _ = talk.machine.cancel("c", request: 10, number: 1, channel: 1)
            talk.receive(Conversation.delivery(body: [1]))
            #expect(talk.sent() == (isAutoAck ? ["basic.cancel"] : ["basic.cancel", "basic.nack"]))
            #expect(talk.actions().deliveredBodies.count == (isAutoAck ? 1 : 0))
            talk.receive(.basicCancelOk(BasicCancelOk(consumerTag: "c")), on: 1)
            #expect(
                talk.actions() == [
                    .consumerEnded(7, nil), .succeeded(10, .method(.basicCancelOk(BasicCancelOk(consumerTag: "c")))),
                ])
        }
    }

    @Test func channelMayBeClosedInTheMiddleOfAMessage() throws {
        var talk = Conversation()
        try talk.addConsumer()
        talk.receive(frames(Conversation.delivery(body: [1]))[0])
        talk.receive(.channelClose(ChannelClose(replyCode: 541, replyText: "INTERNAL_ERROR")), on: 1)
        let actions = talk.actions()
        #expect(actions.endCode == nil)
        #expect(actions.contains { if case .channelEnded(1, _) = $0 { true } else { false } })
    }

    static let violations: [(String, [UInt8])] = [
        ("no end marker", [1, 0, 1, 0, 0, 0, 4, 0, 20, 0, 11, 0]),
        ("unknown frame type", [5, 0, 1, 0, 0, 0, 0, 0xCE]),
        ("frame too large", [1, 0, 1, 0, 0xFF, 0xFF, 0xFF]),
        ("size of 4 GiB", [3, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF]),
        ("unknown method", [1, 0, 1, 0, 0, 0, 4, 0, 99, 0, 1, 0xCE]),
        ("truncated method", [1, 0, 1, 0, 0, 0, 5, 0, 60, 0, 60, 9, 0xCE]),
        ("empty method", [1, 0, 1, 0, 0, 0, 0, 0xCE]),
        ("frame on a channel that is not open", [1, 0, 9, 0, 0, 0, 4, 0, 20, 0, 41, 0xCE]),
        ("content on channel 0", [2, 0, 0, 0, 0, 0, 0, 0xCE]),
        ("header without method", [2, 0, 1, 0, 0, 0, 0, 0xCE]),
        ("body without header", [3, 0, 1, 0, 0, 0, 1, 1, 0xCE]),
        ("delivery to an unknown consumer", Conversation.delivery(consumer: "z", body: [1])),
        (
            "properties cut off",
            Conversation.content(.basicDeliver(BasicDeliver(consumerTag: "c")), body: [], properties: [0x80, 0])
        ),
        (
            "unknown property",
            Conversation.content(.basicDeliver(BasicDeliver(consumerTag: "c")), body: [], properties: [0, 1])
        ),
        ("get-ok that nobody asked for", Conversation.content(.basicGetOk(BasicGetOk()), body: [1])),
    ]

    @Test(arguments: violations)
    func violationEndsTheConnection(name: String, bytes: [UInt8]) throws {
        var talk = Conversation()
        try talk.addConsumer()
        talk.receive(bytes)
        #expect(talk.actions().endCode == .protocolViolation, "\(name)")
        #expect(talk.sent() == ["connection.close"])
        // What comes behind is nobody's.
        talk.receive(Conversation.delivery(body: [1]))
        #expect(talk.actions().isEmpty)
    }

    @Test func bodyLongerThanItsHeaderSaysEndsTheConnection() throws {
        var talk = Conversation()
        try talk.addConsumer()
        for frame in frames(Conversation.delivery(body: [1, 2])).prefix(2) { talk.receive(frame) }
        talk.receive([3, 0, 1, 0, 0, 0, 3, 1, 2, 3, 0xCE])
        #expect(talk.actions().endCode == .protocolViolation)
    }

    @Test(arguments: [UInt64.max, 1 << 40, 1025])
    func announcedSizeIsBounded(size: UInt64) throws {
        var talk = Conversation(ConnectionOptions(messageSizeMax: 1024))
        try talk.addConsumer()
        talk.receive(frames(Conversation.delivery(body: []))[0])
        talk.receive(
            Conversation.bytes { buffer in
                buffer.write(Frame.header)
                buffer.write(UInt16(1))
                let start = buffer.beginLength()
                buffer.write(UInt16(60))
                buffer.write(UInt16(0))
                buffer.write(size)
                buffer.write(UInt16(0))
                buffer.endLength(start)
                buffer.write(Frame.end)
            })
        #expect(talk.actions().endCode == .protocolViolation)
    }

    /// Random damage to valid bytes: whatever it does, the machine neither traps nor goes on after its end.
    @Test func damagedBytesNeverTrap() throws {
        var random = SplitMix64(seed: 42)
        let valid =
            Conversation.delivery(body: Array(0..<50)) + Conversation.content(.basicReturn(BasicReturn()), body: [1])
            + Conversation.bytes {
                Method.basicAck(BasicAck(deliveryTag: 1, multiple: true)).writeFrame(channel: 1, to: &$0)
            }
        var endCount = 0
        for _ in 0..<3000 {
            var talk = Conversation()
            try talk.addConsumer()
            var bytes = valid
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            talk.receive(bytes)
            if talk.actions().endCode != nil {
                endCount += 1
                #expect(talk.machine.phase == .closed)
            }
        }
        #expect(endCount > 100)
    }
}
