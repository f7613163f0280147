import AMQPWire
import Testing

@testable import Broker

/// Large body frames are taken as they come; to a client they are frames like any other.
@Suite struct BodyStreamTests {
    private static let body = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

    private static var published: [UInt8] { frame(BasicPublish(routingKey: "q")) + contentFrames(body) }
    /// Where the body's frame begins.
    private static var frameStart: Int { published.count - body.count - Frame.overheadByteCount }

    private func withQueue(_ run: (Conversation, ConversationClient) -> Void) {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            run(broker, client)
        }
    }

    private func expectBody(_ client: ConversationClient, tag: UInt64 = 1, _ body: [UInt8] = Self.body) {
        client.send(BasicGet(queue: "q", noAck: true))
        client.expectContent(
            BasicGetOk(deliveryTag: tag, redelivered: false, exchange: "", routingKey: "q", messageCount: 0), body: body
        )
    }

    @Test func aReadMayEndAnywhereInALargeFrame() {
        let start = Self.frameStart
        let ends =
            Array(start - 2..<start + 30) + [start + 1000] + Array(Self.published.count - 5..<Self.published.count)
        for end in ends {
            withQueue { _, client in
                client.send(bytes: Array(Self.published[..<end]))
                client.expectNothing()
                client.send(bytes: Array(Self.published[end...]))
                expectBody(client)
            }
        }
    }

    @Test(arguments: [1, 3, 17, 4096, 16_384, 30_000]) func readsMayBeOfAnySize(byteCount: Int) {
        withQueue { _, client in
            // Something behind it in the same read, too.
            let bytes = Self.published + Self.published
            client.send(bytes: Array(bytes[..<Self.frameStart]))
            for start in stride(from: Self.frameStart, to: bytes.count, by: byteCount) {
                client.send(bytes: Array(bytes[start..<min(start + byteCount, bytes.count)]))
            }
            client.send(BasicGet(queue: "q", noAck: true))
            client.expectContent(
                BasicGetOk(deliveryTag: 1, redelivered: false, exchange: "", routingKey: "q", messageCount: 1),
                body: Self.body)
            expectBody(client, tag: 2)
        }
    }

    @Test func aBodyMayHaveSeveralLargeFrames() {
        withQueue { _, client in
            let bytes = frame(BasicPublish(routingKey: "q")) + contentFrames(Self.body, frameMax: 20_000)
            for start in stride(from: 0, to: bytes.count, by: 7001) {
                client.send(bytes: Array(bytes[start..<min(start + 7001, bytes.count)]))
            }
            expectBody(client)
        }
    }

    @Test(arguments: [1, 2, 1000]) func aWrongEndOfALargeFrameEndsTheConnection(lastByteCount: Int) {
        let first = Self.body.prefix(16).map { String($0) }.joined(separator: ",")
        misbehave(
            501, "FRAME_ERROR - type 3, first 16 octets = <<\(first)>>: {invalid_frame_end_marker,7}", losesSync: true
        ) {
            let bytes = Array(Self.published.dropLast()) + [7]
            $0.send(bytes: Array(bytes.dropLast(lastByteCount)))
            $0.send(bytes: Array(bytes.suffix(lastByteCount)))
        }
    }

    @Test func aFrameThatIsLongerThanItsBodyIsRefused() {
        misbehave(
            501, "FRAME_ERROR - content body frame exceeds remaining content size", of: BasicPublish.self
        ) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: Frame.header, channel: 1, payload: headerPayload(size: 20_000))
            let bytes = frameBytes(type: Frame.body, channel: 1, payload: Array(Self.body.prefix(20_001)))
            $0.send(bytes: Array(bytes[..<5000]))
            $0.send(bytes: Array(bytes[5000...]))
        }
    }

    @Test func whatComesOfItAfterConnectionCloseIsDropped() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(bytes: Array(Self.published[..<(Self.frameStart + 1000)]))
            broker.shards[0].shutDown(client.address)
            broker.settle()
            client.send(
                bytes: Array(Self.published[(Self.frameStart + 1000)...]) + frame(ConnectionCloseOk(), channel: 0))
            #expect(client.takeAll().count == 1)
            client.expectClosedSocket()
            broker.connect().request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }
}
