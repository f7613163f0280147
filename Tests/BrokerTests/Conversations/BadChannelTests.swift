import AMQPWire
import Broker
import Testing

@Suite struct BadChannelTests {
    @Test func methodsOnAChannelThatIsNotOpen() {
        misbehave(504, "CHANNEL_ERROR - expected 'channel.open'", of: QueueDeclare.self) {
            $0.send(QueueDeclare(queue: "q"), channel: 2)
        }
        misbehave(504, "CHANNEL_ERROR - expected 'channel.open'", of: BasicPublish.self) {
            $0.publish("body", routingKey: "q", channel: 2)
        }
        misbehave(504, "CHANNEL_ERROR - expected 'channel.open'", of: ChannelClose.self) {
            $0.send(ChannelClose(), channel: 2)
        }
        misbehave(504, "CHANNEL_ERROR - expected 'channel.open'", of: QueueDeclare.self) {
            $0.closeChannel()
            $0.send(QueueDeclare(queue: "q"))
        }
    }

    /// The answer to a channel.close that crossed the client's own.
    @Test func closeOkOnAChannelThatIsNotOpenIsIgnored() {
        converse { broker in
            let client = broker.connect()
            client.send(ChannelCloseOk(), channel: 2)
            client.expectNothing()
            client.openChannel(2)
        }
    }

    @Test func connectionMethodsOnAChannel() {
        misbehave(503, "COMMAND_INVALID - unimplemented method", of: ConnectionClose.self) {
            $0.send(ConnectionClose(), channel: 1)
        }
        misbehave(504, "CHANNEL_ERROR - expected 'channel.open'", of: ConnectionClose.self) {
            $0.send(ConnectionClose(), channel: 2)
        }
    }

    @Test func channelMethodsOnChannelZero() {
        let text = "CHANNEL_ERROR - unexpected method in connection state running"
        misbehave(504, text, of: ChannelOpen.self) { $0.send(ChannelOpen(), channel: 0) }
        misbehave(504, text, of: QueueDeclare.self) { $0.send(QueueDeclare(queue: "q"), channel: 0) }
        misbehave(504, text, of: BasicPublish.self) { $0.send(BasicPublish(), channel: 0) }
    }

    /// After its channel.close the broker drops everything on that channel, content too, until close-ok.
    @Test func everythingOnAClosingChannelIsDropped() {
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            client.publish("lost", exchange: "nowhere", routingKey: "")
            client.expect(
                ChannelClose(
                    replyCode: 404, replyText: "NOT_FOUND - no exchange 'nowhere' in vhost '/'", classID: 60,
                    methodID: 40))
            client.publish("dropped", exchange: "nowhere", routingKey: "")
            client.send(ChannelOpen())
            client.send(QueueDeclare(queue: "dropped"))
            client.send(BasicAck(deliveryTag: 99))
            client.declare(QueueDeclare(queue: "q"), channel: 2)
            client.send(ChannelCloseOk())
            client.openChannel(1)
            client.send(QueueDeclare(queue: "dropped", passive: true))
            client.expectChannelClose(
                404, "NOT_FOUND - no queue 'dropped' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func channelNumbersAboveTheLimit() {
        converse { broker in
            let client = broker.connect(tuneOk: ConnectionTuneOk(channelMax: 3, frameMax: 4096, heartbeat: 0))
            client.openChannel(3)
            client.send(ChannelOpen(), channel: 4)
            client.expectClose(
                530, "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (3)")
        }
    }

    @Test func sixtyFiveThousandChannels() {
        var settings = BrokerSettings()
        settings.channelMax = 0
        converse(settings: settings) { broker in
            let client = broker.connect(
                channel: nil, tuneOk: ConnectionTuneOk(channelMax: 0, frameMax: 4096, heartbeat: 0))
            client.send(bytes: (1...65_535).flatMap { frame(ChannelOpen(), channel: $0) })
            let answers = client.takeAll()
            #expect(answers.count == 65_535)
            #expect(answers.last == .method(.channelOpenOk(ChannelOpenOk()), channel: 65_535, nil))
            client.declare(QueueDeclare(queue: "q"), channel: 65_535)
            client.close()
        }
    }
}
