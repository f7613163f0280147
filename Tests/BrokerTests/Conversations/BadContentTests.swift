import AMQPWire
import Broker
import Testing

@Suite struct BadContentTests {
    @Test func contentWithoutAMethod() {
        let text = "UNEXPECTED_FRAME - expected method frame, got non method frame instead"
        for channel in [1, 2] as [UInt16] {
            misbehave(505, text) { $0.sendFrame(type: 2, channel: channel, payload: headerPayload(size: 0)) }
            misbehave(505, text) { $0.sendFrame(type: 3, channel: channel, payload: [1]) }
        }
        misbehave(505, text) {
            $0.publish("complete", routingKey: "nobody")
            $0.sendFrame(type: 3, channel: 1, payload: [1])
        }
    }

    @Test func aMethodWhereTheHeaderShouldBe() {
        let text =
            "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead"
        misbehave(505, text, of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.send(BasicPublish(routingKey: "q"))
        }
        misbehave(505, text, of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 3, channel: 1, payload: [1])
        }
        misbehave(505, text, of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 0, weight: 1))
        }
    }

    @Test func aMethodWhereTheBodyShouldBe() {
        let text = "UNEXPECTED_FRAME - expected content body, got non content body frame instead"
        for isStarted in [false, true] {
            misbehave(505, text, of: BasicPublish.self) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 5))
                if isStarted { $0.sendFrame(type: 3, channel: 1, payload: [1, 2]) }
                $0.send(BasicGet(queue: "q"))
            }
            misbehave(505, text, of: BasicPublish.self) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 5))
                if isStarted { $0.sendFrame(type: 3, channel: 1, payload: [1, 2]) }
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 5))
            }
        }
    }

    @Test func aHeaderOfAnotherClass() {
        misbehave(
            505, "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
            of: BasicPublish.self
        ) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 0, classID: 50))
        }
    }

    @Test func aHeaderThatIsTooShort() {
        misbehave(501, "FRAME_ERROR - type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0>>: unknown_frame") {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: Array(headerPayload(size: 0).prefix(11)))
        }
    }

    @Test func aBodyLongerThanAnnounced() {
        let text = "FRAME_ERROR - content body frame exceeds remaining content size"
        misbehave(501, text, of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 5))
            $0.sendFrame(type: 3, channel: 1, payload: [1, 2, 3, 4, 5, 6])
        }
        misbehave(501, text, of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 5))
            $0.sendFrame(type: 3, channel: 1, payload: [1, 2, 3])
            $0.sendFrame(type: 3, channel: 1, payload: [4, 5, 6])
        }
    }

    @Test func aBodySizeThatNothingHas() {
        for size in [1 << 63, .max, 536_870_913] as [UInt64] {
            misbehave(
                501, "FRAME_ERROR - content body size \(size) exceeds maximum allowed size 536870912",
                of: BasicPublish.self
            ) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: size))
            }
        }
    }

    /// All fourteen properties, cut off at every byte.
    @Test func truncatedProperties() {
        var properties = BasicProperties()
        properties.contentType = "a"
        properties.contentEncoding = "b"
        properties.headers = ["h": .array([.int32(1), .table(["x": .string("y")])])]
        properties.deliveryMode = 2
        properties.priority = 3
        properties.correlationID = "c"
        properties.replyTo = "d"
        properties.expiration = "1"
        properties.messageID = "e"
        properties.timestamp = 4
        properties.type = "f"
        properties.userID = "guest"
        properties.applicationID = "g"
        properties.clusterID = "h"
        let encoded = written { properties.write(to: &$0) }
        for count in 0..<encoded.count {
            misbehave(
                501, "FRAME_ERROR - cannot decode: the arguments end too early", of: BasicPublish.self
            ) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(
                    type: 2, channel: 1, payload: headerPayload(size: 1, properties: Array(encoded[..<count])))
            }
        }
        misbehave(501, "FRAME_ERROR - cannot decode: bytes behind the last argument", of: BasicPublish.self) {
            $0.send(BasicPublish(routingKey: "q"))
            $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 1, properties: encoded + [0]))
        }
        for flags in [1, 2, 3] as [UInt8] {
            misbehave(501, "FRAME_ERROR - cannot decode: unknown property flags", of: BasicPublish.self) {
                $0.send(BasicPublish(routingKey: "q"))
                $0.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 1, properties: [0, flags]))
            }
        }
    }

    @Test func contentOfTwoChannelsMayBeInterleaved() {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            client.declare(QueueDeclare(queue: "q"))
            for channel in [1, 2] as [UInt16] { client.send(BasicPublish(routingKey: "q"), channel: channel) }
            for channel in [1, 2] as [UInt16] {
                client.sendFrame(type: 2, channel: channel, payload: headerPayload(size: 2))
            }
            client.sendFrame(type: 3, channel: 2, payload: Array("B".utf8))
            client.sendFrame(type: 3, channel: 1, payload: Array("A".utf8))
            client.openChannel(3)
            client.sendFrame(type: 8, channel: 0, payload: [])
            client.sendFrame(type: 3, channel: 2, payload: Array("b".utf8))
            client.sendFrame(type: 3, channel: 1, payload: Array("a".utf8))
            client.get(expecting: "Bb", tag: 1, messageCount: 1, noAck: true)
            client.get(expecting: "Aa", tag: 2, noAck: true)
        }
    }

    @Test func emptyBodyFramesAreAllowed() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.send(BasicPublish(routingKey: "q"))
            client.sendFrame(type: 2, channel: 1, payload: headerPayload(size: 2))
            for payload in [[], Array("a".utf8), [], Array("b".utf8)] as [[UInt8]] {
                client.sendFrame(type: 3, channel: 1, payload: payload)
            }
            client.get(expecting: "ab", tag: 1, noAck: true)
        }
    }

    /// A publish that is not complete when its channel or connection ends is forgotten, not kept.
    @Test func contentThatNeverEndsIsForgotten() {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            for channel in [1, 2] as [UInt16] {
                client.send(BasicPublish(routingKey: "q"), channel: channel)
                client.sendFrame(type: 2, channel: channel, payload: headerPayload(size: 1000))
                client.sendFrame(type: 3, channel: channel, payload: [1, 2, 3])
            }
            client.endSocket()
            #expect(broker.shards[0].inspection.messageCount == 0)
        }
    }
}
