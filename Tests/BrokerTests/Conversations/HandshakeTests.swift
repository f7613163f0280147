import AMQPWire
import Broker
import Testing

@Suite struct ProtocolHeaderTests {
    struct Stranger: Sendable {
        let bytes: [UInt8]
        let note: String

        init(_ text: String, _ bytes: [UInt8] = [], note: String) {
            self.bytes = Array(text.utf8) + bytes
            self.note = note
        }
    }

    @Test(arguments: [
        Stranger("HELLO WORLD", note: "bytes that are no AMQP protocol header"),
        Stranger("", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01], note: "a TLS client hello"),
        Stranger("GET / HTTP/1.1\r\n", note: "an HTTP request"),
        Stranger("POST /api HTTP/1.1\r\n", note: "an HTTP request"),
        Stranger("AMQP", [0, 1, 0, 0], note: "AMQP protocol header 0.1.0.0"),
        Stranger("AMQP", [0, 0, 9, 0], note: "AMQP protocol header 0.0.9.0"),
        Stranger("AMQP", [1, 1, 8, 0], note: "AMQP protocol header 1.1.8.0"),
    ])
    func anotherProtocolIsToldOursAndNoted(_ stranger: Stranger) {
        converse { broker in
            let bystander = broker.connect()
            let client = broker.accept()
            client.send(bytes: stranger.bytes)
            client.expectProtocolHeader(ConversationClient.protocolHeader)
            client.expectClosedSocket()
            broker.expectNote(.error, containing: stranger.note)
            bystander.declare(QueueDeclare(queue: "q"))
        }
    }

    @Test func aHeaderInPiecesIsWaitedFor() {
        converse { broker in
            let client = broker.accept()
            for byte in ConversationClient.protocolHeader {
                client.expectNothing()
                client.send(bytes: [byte])
            }
            _ = client.expect(ConnectionStart.self, channel: 0)
        }
    }

    @Test func theHeaderOfVersion09IsAccepted() {
        converse { broker in
            let client = broker.accept()
            client.send(bytes: Array("AMQP".utf8) + [1, 1, 0, 9])
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConversationClient.startOk(), channel: 0)
            _ = client.expect(ConnectionTune.self, channel: 0)
        }
    }
}

@Suite struct LoginTests {
    private func logIn(
        _ startOk: ConnectionStartOk, isLoopback: Bool = true, _ check: (Conversation, ConversationClient) -> Void
    ) {
        converse { broker in
            let client = broker.accept(isLoopback: isLoopback)
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(startOk, channel: 0)
            check(broker, client)
        }
    }

    private func refusal(_ mechanism: String) -> String {
        "ACCESS_REFUSED - Login was refused using authentication mechanism \(mechanism). For details see the broker "
            + "logfile."
    }

    private func amqplain(_ table: FieldTable) -> [UInt8] { Array(written { $0.write(table) }.dropFirst(4)) }

    @Test(arguments: ["\0guest\0wrong", "\0nobody\0guest", "\0\0", "\0guest\0", "\0guest\0guest2", "\0guest\0gues"])
    func aWrongPasswordIsRefused(_ response: String) {
        logIn(ConversationClient.startOk(response: Array(response.utf8))) { broker, client in
            broker.expectRefusedLogin(of: client, refusal("PLAIN"))
            broker.expectNote(.error, containing: "PLAIN login refused: user '")
        }
        let silent = ConversationClient.startOk(response: Array(response.utf8), capabilities: FieldTable())
        logIn(silent) { broker, client in broker.expectSilentClose(of: client) }
    }

    @Test func aWrongPasswordIsRefusedByAMQPLAIN() {
        let response = amqplain(["LOGIN": .string("guest"), "PASSWORD": .string("wrong")])
        logIn(ConversationClient.startOk(mechanism: "AMQPLAIN", response: response)) { broker, client in
            broker.expectRefusedLogin(of: client, refusal("AMQPLAIN"))
        }
    }

    @Test func guestMayComeFromThisHostOnly() {
        logIn(ConversationClient.startOk(), isLoopback: false) { broker, client in
            broker.expectRefusedLogin(of: client, refusal("PLAIN"))
            broker.expectNote(.error, containing: "user 'guest' can only connect via localhost")
        }
    }

    @Test(arguments: ["", "guest", "\0guest", "guest\0guest", "\0guest\0guest\0", "\0guest\0guest\0more"])
    func malformedPLAINResponses(_ response: String) {
        logIn(ConversationClient.startOk(response: Array(response.utf8))) { broker, client in
            client.expectCloseOnly(502, "SYNTAX_ERROR - Invalid PLAIN response", of: ConnectionStartOk.self)
            broker.expectSilentClose(of: client)
        }
    }

    @Test func malformedAMQPLAINResponses() {
        let responses: [[UInt8]] = [
            [], [1], Array("\0guest\0guest".utf8), amqplain(["LOGIN": .string("guest")]),
            amqplain(["PASSWORD": .string("guest")]), amqplain(["LOGIN": .int32(1), "PASSWORD": .string("guest")]),
            written { $0.write(["LOGIN": .string("guest"), "PASSWORD": .string("guest")] as FieldTable) },
        ]
        for response in responses {
            logIn(ConversationClient.startOk(mechanism: "AMQPLAIN", response: response)) { broker, client in
                client.expectCloseOnly(502, "SYNTAX_ERROR - Invalid AMQPLAIN response", of: ConnectionStartOk.self)
                broker.expectSilentClose(of: client)
            }
        }
    }

    @Test func nothingIsReadFromWhoWasRefused() {
        logIn(ConversationClient.startOk(response: Array("\0guest\0wrong".utf8))) { broker, client in
            client.send(ConversationClient.startOk(), channel: 0)
            client.send(ConnectionTuneOk(), channel: 0)
            broker.expectRefusedLogin(of: client, refusal("PLAIN"))
        }
    }
}

@Suite struct TuningTests {
    struct Refusal: Sendable {
        let channelMax: UInt16
        let frameMax: UInt32
        let text: String
    }

    @Test(arguments: [
        Refusal(
            channelMax: 1, frameMax: 4095, text: "frame_max = 4095 is lower than the minimum allowed value (4096)"),
        Refusal(channelMax: 1, frameMax: 1, text: "frame_max = 1 is lower than the minimum allowed value (4096)"),
        Refusal(channelMax: 1, frameMax: 0, text: "frame_max = 0 is higher than the maximum allowed value (131072)"),
        Refusal(
            channelMax: 1, frameMax: 131_073,
            text: "frame_max = 131073 is higher than the maximum allowed value (131072)"),
        Refusal(
            channelMax: 0, frameMax: 4096,
            text: "channel_max = 0 (no limit) is higher than the maximum allowed value (2047)"),
        Refusal(
            channelMax: 2048, frameMax: 4096,
            text: "channel_max = 2048 is higher than the maximum allowed value (2047)"),
    ])
    func whatIsOutOfRangeIsRefused(_ refusal: Refusal) {
        converse { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: refusal.channelMax, frameMax: refusal.frameMax), channel: 0)
            client.expectClose(530, "NOT_ALLOWED - negotiated \(refusal.text)", of: ConnectionTune.self)
        }
    }

    @Test func channelsBeforeTheHandshakeIsOver() {
        converse { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 4096), channel: 0)
            client.send(ChannelOpen(), channel: 1)
            client.expectClose(505, "UNEXPECTED_FRAME - type 1, all octets = <<0,20,0,10,0>>")
        }
    }
}

@Suite struct TimeTests {
    @Test func theHandshakeHasTenSeconds() {
        converse { broker in
            let silent = broker.accept()
            let started = broker.accept()
            started.send(bytes: ConversationClient.protocolHeader)
            _ = started.expect(ConnectionStart.self, channel: 0)
            let tuned = broker.accept()
            tuned.logIn()
            let opened = broker.connect(channel: nil)
            broker.advance(milliseconds: 9_999)
            for client in [silent, started, tuned] { client.expectOpenSocket() }
            broker.advance(milliseconds: 1)
            for client in [silent, started, tuned] { client.expectClosedSocket() }
            opened.expectOpenSocket()
            broker.expectNote(.error, containing: "handshake timeout in state tuning")
        }
    }

    @Test func twoSilentIntervalsEndTheConnection() {
        converse { broker in
            let tuneOk = ConnectionTuneOk(channelMax: 10, frameMax: 4096, heartbeat: 10)
            let client = broker.connect(tuneOk: tuneOk)
            client.declare(QueueDeclare(queue: "q", exclusive: true))
            for _ in 1...3 {
                broker.advance(milliseconds: 20_000)
                client.expectHeartbeat()
                client.sendFrame(type: 8, channel: 0, payload: [])
            }
            // Any traffic counts.
            broker.advance(milliseconds: 20_000)
            client.expectHeartbeat()
            client.declare(QueueDeclare(queue: "q", exclusive: true))
            broker.advance(milliseconds: 20_000)
            client.expectHeartbeat()
            client.expectOpenSocket()
            broker.advance(milliseconds: 1)
            client.expectClosedSocket()
            broker.expectNote(.error, containing: "missed heartbeats from client, timeout: 10s")
            #expect(broker.shards[0].inspection.queueCount == 0)
        }
    }

    /// What it sent while it was not read could not be heard.
    @Test func aClientThatWasNotReadHasMissedNoHeartbeat() {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(
                shard: 1, tuneOk: ConnectionTuneOk(channelMax: 10, frameMax: 131_072, heartbeat: 10))
            broker.holdsMail = true
            client.send(BasicGet(queue: "q"))
            for _ in 1...11 { client.publish(String(repeating: "x", count: 100_000), routingKey: "q") }
            #expect(broker.shards[1].isReadingPaused(client.address))
            broker.advance(milliseconds: 60_000)
            client.expectHeartbeat()
            broker.holdsMail = false
            broker.settle()
            client.expect(BasicGetEmpty())
            broker.advance(milliseconds: 20_000)
            client.expectHeartbeat()
            client.expectOpenSocket()
            client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 11))
        }
    }

    @Test func heartbeatsComeEveryHalfInterval() {
        converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 10, frameMax: 4096, heartbeat: 10))
            broker.advance(milliseconds: 4_999)
            client.expectNothing()
            broker.advance(milliseconds: 1)
            client.expectHeartbeat()
            broker.advance(milliseconds: 4_000)
            client.declare(QueueDeclare(queue: "q"))
            broker.advance(milliseconds: 4_000)
            client.expectNothing()
        }
    }

    @Test func whoReadsNothingOfWhatItAskedForIsGivenUp() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.setReading(false)
            for _ in 1...5 {
                client.publish(String(repeating: "x", count: 1_000_000), routingKey: "q")
                client.send(BasicGet(queue: "q", noAck: true))
            }
            #expect(broker.shards[0].isReadingPaused(client.address))
            broker.advance(milliseconds: 29_999)
            client.expectOpenSocket()
            broker.advance(milliseconds: 1)
            broker.advance(milliseconds: 5_000)
            client.expectClosedSocket()
            broker.expectNote(.error, containing: "client does not read what it asked for")
        }
    }

    @Test func withoutHeartbeatsSilenceIsAllowed() {
        converse { broker in
            let client = broker.connect()
            broker.advance(milliseconds: 1_000_000_000)
            client.expectNothing()
            client.declare(QueueDeclare(queue: "q"))
        }
    }
}
