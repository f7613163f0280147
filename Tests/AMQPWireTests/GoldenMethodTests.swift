import AMQPWire
import Testing

/// Frames put down by hand from the specification's grammar (sections 4.2.3 to 4.2.5), byte for byte.
@Suite struct GoldenMethodTests {
    struct Golden: Sendable {
        var method: Method
        var channel: UInt16
        var frame: [UInt8]
    }

    static let all: [Golden] = [
        Golden(
            method: .connectionTune(ConnectionTune(channelMax: 2047, frameMax: 131_072, heartbeat: 60)), channel: 0,
            frame: [1, 0, 0, 0, 0, 0, 12] + [0, 10, 0, 30] + [0x07, 0xFF] + [0, 2, 0, 0] + [0, 60] + [0xCE]),
        Golden(
            method: .connectionOpen(ConnectionOpen(virtualHost: "/")), channel: 0,
            frame: [1, 0, 0, 0, 0, 0, 8] + [0, 10, 0, 40] + [1, 0x2F] + [0] + [0] + [0xCE]),
        Golden(
            method: .channelOpenOk(ChannelOpenOk()), channel: 0x0102,
            frame: [1, 1, 2, 0, 0, 0, 8] + [0, 20, 0, 11] + [0, 0, 0, 0] + [0xCE]),
        Golden(
            method: .queueDeclare(
                QueueDeclare(queue: "q", durable: true, autoDelete: true, arguments: ["x": .int32(-1)])),
            channel: 3,
            frame: [1, 0, 3, 0, 0, 0, 20] + [0, 50, 0, 10] + [0, 0] + [1] + ascii("q") + [0b0000_1010]
                + [0, 0, 0, 7] + [1] + ascii("x") + ascii("I") + [0xFF, 0xFF, 0xFF, 0xFF] + [0xCE]),
        Golden(
            method: .basicPublish(BasicPublish(exchange: "ex", routingKey: "key", mandatory: true)), channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 14] + [0, 60, 0, 40] + [0, 0] + [2] + ascii("ex") + [3] + ascii("key") + [1]
                + [0xCE]),
        Golden(
            method: .basicDeliver(
                BasicDeliver(consumerTag: "c", deliveryTag: 258, redelivered: true, exchange: "", routingKey: "q")),
            channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 18] + [0, 60, 0, 60] + [1] + ascii("c") + [0, 0, 0, 0, 0, 0, 1, 2] + [1]
                + [0] + [1] + ascii("q") + [0xCE]),
        Golden(
            method: .basicQos(BasicQos(prefetchSize: 0, prefetchCount: 100, global: true)), channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 11] + [0, 60, 0, 10] + [0, 0, 0, 0] + [0, 100] + [1] + [0xCE]),
        Golden(
            method: .basicNack(BasicNack(deliveryTag: 1, multiple: false, requeue: true)), channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 13] + [0, 60, 0, 120] + [0, 0, 0, 0, 0, 0, 0, 1] + [0b0000_0010] + [0xCE]),
        Golden(
            method: .basicConsume(BasicConsume(queue: "q", consumerTag: "", noAck: true, noWait: true)), channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 14] + [0, 60, 0, 20] + [0, 0] + [1] + ascii("q") + [0] + [0b0000_1010]
                + [0, 0, 0, 0] + [0xCE]),
        Golden(
            method: .accessRequest(AccessRequest(realm: "/d", passive: true, write: true)), channel: 1,
            frame: [1, 0, 1, 0, 0, 0, 8] + [0, 30, 0, 10] + [2] + ascii("/d") + [0b0000_1010] + [0xCE]),
        Golden(
            method: .txCommitOk(TxCommitOk()), channel: 0xFFFF,
            frame: [1, 0xFF, 0xFF, 0, 0, 0, 4] + [0, 90, 0, 21] + [0xCE]),
    ]

    @Test(arguments: all.indices)
    func methodIsWrittenAsTheSpecificationSays(index: Int) {
        let golden = Self.all[index]
        #expect(written { golden.method.writeFrame(channel: golden.channel, to: &$0) } == golden.frame)
    }

    @Test(arguments: all.indices)
    func methodIsReadAsTheSpecificationSays(index: Int) throws {
        let golden = Self.all[index]
        let payload = [UInt8](golden.frame.dropFirst(Frame.headByteCount).dropLast())
        #expect(try decodeMethod(payload) == golden.method)
    }
}
