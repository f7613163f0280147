import AMQPWire
import Testing

@testable import Broker

/// Connections, row by row (amqp-behaviour 1.1), as far as the engine has them; what a row has more to say of is in
/// suites of its own. TLS, limits by virtual host or user, and permissions come with later issues.
@Suite struct ConnectionRowTests {
    private static let refusal =
        "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile."

    private func logIn(
        _ broker: Conversation, _ startOk: ConnectionStartOk, isLoopback: Bool = true
    ) -> ConversationClient {
        let client = broker.accept(isLoopback: isLoopback)
        client.send(bytes: ConversationClient.protocolHeader)
        _ = client.expect(ConnectionStart.self, channel: 0)
        client.send(startOk, channel: 0)
        return client
    }

    @Test func protocolHeader() {
        converse { broker in
            for header in [ConversationClient.protocolHeader, [0x41, 0x4D, 0x51, 0x50, 1, 1, 0, 9]] {
                let client = broker.accept()
                client.send(bytes: header)
                #expect(client.expect(ConnectionStart.self, channel: 0) != nil)
                client.endSocket()
            }
            for header in [[0x41, 0x4D, 0x51, 0x50, 0, 1, 0, 0], Array("GET / HT".utf8), [22, 3, 1, 0, 1, 2, 3, 4]] {
                let client = broker.accept()
                client.send(bytes: header)
                client.expectProtocolHeader(ConversationClient.protocolHeader)
                client.expectClosedSocket()
            }
            broker.expectNote(.error, containing: "an HTTP request on the AMQP port")
            broker.expectNote(.error, containing: "a TLS client hello")
        }
    }

    @Test func saslMechanisms() {
        converse { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            let start = client.expect(ConnectionStart.self, channel: 0)
            #expect(start?.mechanisms == Array("PLAIN AMQPLAIN".utf8))
            #expect(start?.locales == Array("en_US".utf8))
            client.send(ConversationClient.startOk(mechanism: "KERBEROS"), channel: 0)
            client.expectCloseOnly(
                503, "COMMAND_INVALID - unknown authentication mechanism 'KERBEROS'", of: ConnectionStartOk.self)
        }
    }

    /// The reason goes to clients that understand it; the end is delayed for everybody.
    @Test(arguments: [false, true]) func authenticationFailure(understands: Bool) {
        converse { broker in
            let client = logIn(
                broker,
                ConversationClient.startOk(
                    response: Array("\0guest\0wrong".utf8),
                    capabilities: ["authentication_failure_close": .bool(understands)]))
            if understands {
                broker.expectRefusedLogin(of: client, Self.refusal)
            } else {
                broker.expectSilentClose(of: client)
            }
        }
    }

    @Test func serverProperties() {
        converse { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            let properties = client.expect(ConnectionStart.self, channel: 0)?.serverProperties ?? FieldTable()
            for name in ["product", "version", "platform", "copyright", "information", "cluster_name"] {
                #expect(properties[ShortString(truncating: name)]?.text?.isEmpty == false, "\(name)")
            }
            guard case .table(let capabilities)? = properties["capabilities"] else {
                Issue.record("no capabilities")
                return
            }
            #expect(
                Set(capabilities.entries.map(\.name)) == [
                    "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                    "connection.blocked", "consumer_priorities", "authentication_failure_close", "per_consumer_qos",
                    "direct_reply_to",
                ])
            #expect(capabilities.entries.allSatisfy { $0.value == .bool(true) })
        }
    }

    @Test func loopbackOnlyGuest() {
        converse { broker in
            let client = logIn(broker, ConversationClient.startOk(), isLoopback: false)
            broker.expectRefusedLogin(of: client, Self.refusal)
            broker.expectNote(.error, containing: "user 'guest' can only connect via localhost")
        }
    }

    @Test(arguments: [
        (ConnectionTuneOk(channelMax: 0, frameMax: 131_072), "channel_max = 0 (no limit) is higher", 2047),
        (ConnectionTuneOk(channelMax: 2048, frameMax: 131_072), "channel_max = 2048 is higher", 2047),
        (ConnectionTuneOk(channelMax: 1, frameMax: 0), "frame_max = 0 is higher", 131_072),
        (ConnectionTuneOk(channelMax: 1, frameMax: 4095), "frame_max = 4095 is lower", 4096),
    ]) func tune(tuneOk: ConnectionTuneOk, text: String, limit: Int) {
        converse { broker in
            let client = broker.accept()
            client.logIn()
            client.send(tuneOk, channel: 0)
            let bound = text.hasSuffix("lower") ? "minimum" : "maximum"
            client.expectClose(
                530, "NOT_ALLOWED - negotiated \(text) than the \(bound) allowed value (\(limit))",
                of: ConnectionTune.self)
        }
    }

    /// More of it: `BadFrameTests`.
    @Test(arguments: [0, 1]) func frameSizeCheck(excess: Int) {
        converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 1, frameMax: 4096, heartbeat: 0))
            client.declare(QueueDeclare(queue: "q"))
            let body = [UInt8](repeating: 0x78, count: 4096 + excess)
            client.send(BasicPublish(routingKey: "q"))
            client.sendFrame(type: Frame.header, channel: 1, payload: headerPayload(size: UInt64(body.count)))
            client.sendFrame(type: Frame.body, channel: 1, payload: body)
            if excess == 0 {
                client.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 1))
            } else {
                client.expectCloseOnly(501, "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,4097,4088}")
            }
        }
    }

    /// More of it: `HandshakeTests`.
    @Test func heartbeats() {
        converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 1, frameMax: 131_072, heartbeat: 2))
            broker.advance(milliseconds: 1_000)
            client.expectHeartbeat()
            client.sendFrame(type: Frame.heartbeat, channel: 0, payload: [])
            broker.advance(milliseconds: 4_000)
            client.expectHeartbeat()
            client.expectOpenSocket()
            broker.advance(milliseconds: 1)
            client.expectClosedSocket()
            let other = broker.connect()
            other.sendFrame(type: Frame.heartbeat, channel: 1, payload: [])
            other.expectClose(505, "UNEXPECTED_FRAME - type 8, all octets = <<>>")
        }
    }

    @Test func handshakeTimeout() {
        converse { broker in
            let client = broker.accept()
            client.logIn()
            broker.advance(milliseconds: 9_999)
            client.expectOpenSocket()
            broker.advance(milliseconds: 1)
            client.expectClosedSocket()
        }
    }

    @Test func connectionOpen() {
        converse { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 131_072), channel: 0)
            client.send(ConnectionOpen(virtualHost: "elsewhere"), channel: 0)
            client.expectClose(530, "NOT_ALLOWED - vhost elsewhere not found", of: ConnectionOpen.self)
        }
    }

    @Test func channelLimits() {
        converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 2, frameMax: 131_072, heartbeat: 0))
            client.openChannel(2)
            client.closeChannel(1)
            client.openChannel(1)
            client.send(ChannelOpen(), channel: 3)
            client.expectClose(
                530, "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)")
        }
    }

    @Test func channelStateErrors() {
        converse { broker in
            let client = broker.connect()
            client.send(ChannelOpen())
            client.expectClose(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
            let other = broker.connect()
            other.send(BasicQos(), channel: 2)
            other.expectClose(504, "CHANNEL_ERROR - expected 'channel.open'", of: BasicQos.self)
            let third = broker.connect()
            third.send(ConnectionOpen(virtualHost: "/"), channel: 0)
            third.expectClose(
                504, "CHANNEL_ERROR - unexpected method in connection state running", of: ConnectionOpen.self)
        }
    }

    /// More of it: `PermissionTests`.
    @Test func updateSecret() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.send(ConnectionUpdateSecret(newSecret: Array("guest".utf8), reason: "renewal"), channel: 0)
            client.expect(ConnectionUpdateSecretOk(), channel: 0)
            client.publish("one", routingKey: "q")
            client.expectDeliver("one", tag: 1)
        }
    }

    /// More of it: `BlockedTests`.
    @Test func connectionBlockedAndUnblocked() {
        converse { broker in
            let publisher = broker.connect()
            let consumer = broker.connect()
            consumer.declare(QueueDeclare(queue: "q"))
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.setAlarms([.memory, .disk])
            publisher.publish("one", routingKey: "q")
            publisher.expect(ConnectionBlocked(reason: "low on memory & disk"), channel: 0)
            consumer.expectDeliver("one", tag: 1)
            broker.setAlarms(.disk)
            publisher.expectNothing()
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
            consumer.expectNothing()
        }
    }

    @Test func connectionCloseByOperator() {
        converse { broker in
            let client = broker.connect()
            broker.shards[0].closeConnection(client.address, reason: "Closed via management")
            broker.settle()
            client.expectClose(320, "CONNECTION_FORCED - Closed via management")
            // It is gone already.
            broker.shards[0].closeConnection(client.address, reason: "again")
        }
    }
}
