import AMQPWire
import Broker
import Testing

/// Class connection: the handshake, the end, and what is refused.
@Test("connection", arguments: ConnectionConversations.all)
func connectionClass(_ conversation: MethodConversation) { conversation.run() }

enum ConnectionConversations {
    static let all = handshake + running + refusals

    private static let handshake: [MethodConversation] = [
        MethodConversation("connection.start", "follows the protocol header") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            guard let start = client.expect(ConnectionStart.self, channel: 0) else { return }
            #expect(start.versionMajor == 0 && start.versionMinor == 9)
            #expect(start.mechanisms == Array("PLAIN AMQPLAIN".utf8))
            #expect(start.locales == Array("en_US".utf8))
            #expect(start.serverProperties["product"] == .string("Leveret"))
            guard case .table(let capabilities)? = start.serverProperties["capabilities"] else {
                Issue.record("no capabilities")
                return
            }
            #expect(
                Set(capabilities.entries.map(\.name)) == [
                    "publisher_confirms", "exchange_exchange_bindings", "basic.nack", "consumer_cancel_notify",
                    "per_consumer_qos", "authentication_failure_close", "connection.blocked",
                    "consumer_priorities", "direct_reply_to",
                ])
            #expect(capabilities.entries.allSatisfy { $0.value == .bool(true) })
        },
        MethodConversation("connection.start-ok", "logs in with PLAIN") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConversationClient.startOk(), channel: 0)
            client.expect(ConnectionTune(channelMax: 2047, frameMax: 131_072, heartbeat: 60), channel: 0)
        },
        MethodConversation("connection.start-ok", "logs in with AMQPLAIN") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            let table: FieldTable = ["LOGIN": .string("guest"), "PASSWORD": .string("guest")]
            let response = Array(written { $0.write(table) }.dropFirst(4))
            client.send(ConversationClient.startOk(mechanism: "AMQPLAIN", response: response), channel: 0)
            _ = client.expect(ConnectionTune.self, channel: 0)
        },
        MethodConversation("connection.start-ok", "with an unknown mechanism is refused") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConversationClient.startOk(mechanism: "EXTERNAL"), channel: 0)
            client.expectCloseOnly(
                503, "COMMAND_INVALID - unknown authentication mechanism 'EXTERNAL'", of: ConnectionStartOk.self)
            broker.expectSilentClose(of: client)
        },
        MethodConversation("connection.start-ok", "for the second time is refused") { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConversationClient.startOk(), channel: 0)
            client.expectClose(
                504, "CHANNEL_ERROR - unexpected method in connection state tuning", of: ConnectionStartOk.self)
        },
        MethodConversation("connection.tune", "offers the limits that are configured") { _ in
            var settings = BrokerSettings()
            settings.channelMax = 7
            settings.frameMax = 8192
            settings.heartbeatSeconds = 11
            converse(settings: settings) { broker in
                let client = broker.accept()
                client.send(bytes: ConversationClient.protocolHeader)
                _ = client.expect(ConnectionStart.self, channel: 0)
                client.send(ConversationClient.startOk(), channel: 0)
                client.expect(ConnectionTune(channelMax: 7, frameMax: 8192, heartbeat: 11), channel: 0)
            }
        },
        MethodConversation("connection.tune-ok", "accepts less than was offered") { broker in
            let client = broker.connect(
                tuneOk: ConnectionTuneOk(channelMax: 3, frameMax: 4096, heartbeat: 600))
            client.openChannel(3)
        },
        MethodConversation("connection.tune-ok", "before the login is refused") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConnectionTuneOk(channelMax: 0, frameMax: 0, heartbeat: 0), channel: 0)
            client.expectCloseOnly(
                504, "CHANNEL_ERROR - unexpected method in connection state starting", of: ConnectionTuneOk.self)
            broker.expectSilentClose(of: client)
        },
        MethodConversation("connection.open", "ends the handshake") { broker in
            let client = broker.connect(channel: nil)
            client.close()
            broker.expectNote(.info, containing: "granted access to vhost '/'")
        },
        MethodConversation("connection.open", "of an unknown vhost is refused") { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 4096, heartbeat: 0), channel: 0)
            client.send(ConnectionOpen(virtualHost: "elsewhere"), channel: 0)
            client.expectClose(530, "NOT_ALLOWED - vhost elsewhere not found", of: ConnectionOpen.self)
        },
        MethodConversation("connection.open", "for the second time is refused") { broker in
            let client = broker.connect()
            client.send(ConnectionOpen(virtualHost: "/"), channel: 0)
            client.expectClose(
                504, "CHANNEL_ERROR - unexpected method in connection state running", of: ConnectionOpen.self)
        },
        MethodConversation("connection.open-ok", "answers connection.open") { broker in
            let client = broker.accept()
            client.logIn()
            client.send(ConnectionTuneOk(channelMax: 1, frameMax: 4096, heartbeat: 0), channel: 0)
            client.expectNothing()
            client.send(ConnectionOpen(virtualHost: "/"), channel: 0)
            client.expect(ConnectionOpenOk(), channel: 0)
        },
    ]

    private static let running: [MethodConversation] = [
        MethodConversation("connection.close", "of the client is answered, then the socket closes") { broker in
            let client = broker.connect()
            client.send(ConnectionClose(replyCode: 200, replyText: "bye"), channel: 0)
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        },
        MethodConversation("connection.close", "of the broker drops everything until its answer") { broker in
            let client = broker.connect()
            client.send(ChannelOpen(), channel: 1)
            client.expectCloseOnly(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
            client.send(QueueDeclare(queue: "q"))
            client.send(ChannelOpen(), channel: 2)
            client.send(ConnectionUpdateSecret(), channel: 0)
            client.expectNothing()
            client.expectOpenSocket()
            client.send(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        },
        MethodConversation("connection.close", "of both sides at once is answered") { broker in
            let client = broker.connect()
            client.send(ChannelOpen(), channel: 1)
            client.expectCloseOnly(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
            client.send(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0)
            client.expect(ConnectionCloseOk(), channel: 0)
            client.send(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        },
        MethodConversation("connection.close", "of the broker that is not answered ends the socket in time") { broker in
            let client = broker.connect()
            client.send(ChannelOpen(), channel: 1)
            client.expectCloseOnly(504, "CHANNEL_ERROR - second 'channel.open' seen", of: ChannelOpen.self)
            broker.advance(milliseconds: 29_999)
            client.expectOpenSocket()
            broker.advance(milliseconds: 1)
            client.expectClosedSocket()
        },
        MethodConversation("connection.close", "tells clients that the broker goes down") { broker in
            let client = broker.connect()
            broker.shards[0].shutDown(client.address)
            broker.settle()
            client.expectClose(320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")
        },
        MethodConversation("connection.close-ok", "without connection.close is refused") { broker in
            let client = broker.connect()
            client.send(ConnectionCloseOk(), channel: 0)
            client.expectClose(
                504, "CHANNEL_ERROR - unexpected method in connection state running", of: ConnectionCloseOk.self)
        },
        MethodConversation("connection.blocked", "tells a publisher that the node is short of something") { broker in
            let client = broker.connect()
            broker.setAlarms(.disk)
            client.publish("one", routingKey: "nowhere")
            client.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
        },
        MethodConversation("connection.unblocked", "tells it that the node has enough again") { broker in
            let client = broker.connect()
            broker.setAlarms(.disk)
            client.publish("one", routingKey: "nowhere")
            client.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
            broker.setAlarms([])
            client.expect(ConnectionUnblocked(), channel: 0)
        },
        MethodConversation("connection.update-secret", "is answered") { broker in
            let client = broker.connect()
            client.send(ConnectionUpdateSecret(newSecret: Array("guest".utf8), reason: "renewal"), channel: 0)
            client.expect(ConnectionUpdateSecretOk(), channel: 0)
            broker.expectNote(.info, containing: "updated secret, reason: renewal")
        },
        MethodConversation("connection.update-secret", "before the login is refused") { broker in
            let client = broker.accept()
            client.send(bytes: ConversationClient.protocolHeader)
            _ = client.expect(ConnectionStart.self, channel: 0)
            client.send(ConnectionUpdateSecret(), channel: 0)
            client.expectCloseOnly(
                504, "CHANNEL_ERROR - unexpected method in connection state starting",
                of: ConnectionUpdateSecret.self)
            broker.expectSilentClose(of: client)
        },
    ]

    /// What only the broker sends, or what no state expects.
    private static let refusals: [MethodConversation] = [
        refusal(ConnectionStart()), refusal(ConnectionSecure()), refusal(ConnectionSecureOk()),
        refusal(ConnectionTune()), refusal(ConnectionOpenOk()), refusal(ConnectionBlocked(reason: "low on memory")),
        refusal(ConnectionUnblocked()), refusal(ConnectionUpdateSecretOk()),
    ]

    private static func refusal<Refused: WireMethod>(_ method: Refused) -> MethodConversation {
        MethodConversation(Refused.name, "from a client that runs is refused") { broker in
            let client = broker.connect()
            client.send(method, channel: 0)
            client.expectClose(
                504, "CHANNEL_ERROR - unexpected method in connection state running", of: Refused.self)
        }
    }
}

extension Conversation {
    /// The answer to a login that is refused comes late, the end of the socket later.
    func expectRefusedLogin(
        of client: ConversationClient, _ text: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        advance(milliseconds: 999)
        client.expectNothing(sourceLocation: sourceLocation)
        advance(milliseconds: 1)
        client.expectCloseOnly(403, text, sourceLocation: sourceLocation)
        advance(milliseconds: 1_999)
        client.expectOpenSocket(sourceLocation: sourceLocation)
        advance(milliseconds: 1)
        client.expectClosedSocket(sourceLocation: sourceLocation)
    }

    /// The socket of a client that is not trusted stays open for three seconds.
    func expectSilentClose(of client: ConversationClient, sourceLocation: SourceLocation = #_sourceLocation) {
        client.expectNothing(sourceLocation: sourceLocation)
        advance(milliseconds: 2_999)
        client.expectOpenSocket(sourceLocation: sourceLocation)
        advance(milliseconds: 1)
        client.expectClosedSocket(sourceLocation: sourceLocation)
    }
}
