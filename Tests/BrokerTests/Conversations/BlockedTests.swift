import AMQPWire
import Broker
import Testing

/// Resource alarms: who is blocked, what it is told, and what goes on.
@Suite struct BlockedTests {
    /// A publisher that a disk alarm has just blocked, by a message to `q`.
    private func withBlocked(
        capabilities: FieldTable = ConversationClient.allCapabilities, heartbeatSeconds: UInt16 = 0,
        _ body: (_ broker: Conversation, _ publisher: ConversationClient) -> Void
    ) {
        converse { broker in
            let tuneOk = ConnectionTuneOk(channelMax: 10, frameMax: 4096, heartbeat: heartbeatSeconds)
            let publisher = broker.connect(capabilities: capabilities, tuneOk: tuneOk)
            publisher.declare(QueueDeclare(queue: "q"))
            broker.setAlarms(.disk)
            publisher.publish("first", routingKey: "q")
            if capabilities["connection.blocked"] != nil {
                publisher.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
            }
            body(broker, publisher)
            broker.setAlarms([])
        }
    }

    // MARK: Who is blocked, and when

    @Test(
        arguments: [
            (.memory, "low on memory"), (.disk, "low on disk"), ([.memory, .disk], "low on memory & disk"),
        ] as [(ResourceAlarms, String)])
    func thePublisherIsToldTheReason(alarms: ResourceAlarms, reason: String) {
        converse { broker in
            let client = broker.connect()
            broker.setAlarms(alarms)
            client.publish("one", routingKey: "nowhere")
            client.expect(ConnectionBlocked(reason: ShortString(truncating: reason)), channel: 0)
        }
    }

    /// RabbitMQ: what a connection published before the alarm does not count.
    @Test func aConnectionIsBlockedByWhatItPublishesDuringTheAlarm() {
        converse { broker in
            let client = broker.connect()
            client.publish("before", routingKey: "nowhere")
            broker.setAlarms(.memory)
            client.expectNothing()
            client.declare(QueueDeclare(queue: "q"))
            client.publish("during", routingKey: "q")
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
        }
    }

    @Test func theHeadOfAMessageIsEnough() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            broker.setAlarms(.memory)
            client.send(BasicPublish(routingKey: "q"))
            client.expectNothing()
            let content = contentFrames(Array("one".utf8))
            let headCount = content.count - 3 - Frame.overheadByteCount
            client.send(bytes: Array(content[..<headCount]))
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
            client.send(bytes: Array(content[headCount...]))
            #expect(broker.shards[0].isReadingPaused(client.address))
            broker.setAlarms([])
            client.expect(ConnectionUnblocked(), channel: 0)
            client.get(expecting: "one", tag: 1)
        }
    }

    /// A message that was under way when the alarm came.
    @Test func aBodyBlocksToo() {
        converse { broker in
            let client = broker.connect()
            let content = contentFrames(Array("one".utf8))
            let headCount = content.count - 3 - Frame.overheadByteCount
            client.send(BasicPublish(routingKey: "nowhere"))
            client.send(bytes: Array(content[..<headCount]))
            broker.setAlarms(.memory)
            client.expectNothing()
            client.send(bytes: Array(content[headCount...]))
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
        }
    }

    @Test func openOkComesBeforeTheNotice() {
        converse { broker in
            broker.setAlarms(.memory)
            // connect() expects open-ok and nothing before it.
            let client = broker.connect()
            client.expectNothing()
            client.publish("one", routingKey: "nowhere")
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
        }
    }

    @Test(arguments: [0, 1]) func consumersGoOn(shard: Int) {
        converse(shards: 2) { broker in
            let publisher = broker.connect()
            publisher.declare(QueueDeclare(queue: "q"))
            for body in ["one", "two", "three"] { publisher.publish(body, routingKey: "q") }
            broker.setAlarms(.memory)
            publisher.publish("four", routingKey: "q")
            publisher.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
            let consumer = broker.connect(shard: shard)
            consumer.request(BasicQos(prefetchCount: 1), BasicQosOk())
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for (index, body) in ["one", "two", "three", "four"].enumerated() {
                consumer.expectDeliver(body, tag: UInt64(index + 1))
                consumer.send(BasicAck(deliveryTag: UInt64(index + 1)))
            }
            consumer.expectNothing()
            #expect(!broker.shards[shard].isReadingPaused(consumer.address))
            #expect(broker.shards[0].inspection.messageCount == 0)
        }
    }

    /// Not to be read is not to be forgotten: it gets what others publish, and acks it afterwards.
    @Test func aBlockedConnectionStillGetsItsDeliveries() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            broker.setAlarms(.disk)
            client.publish("own", routingKey: "q")
            client.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
            client.expectDeliver("own", tag: 1)
            let other = broker.connect()
            other.publish("other", routingKey: "q")
            other.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
            client.expectDeliver("other", tag: 2)
            client.send(BasicAck(deliveryTag: 2, multiple: true))
            #expect(broker.shards[0].inspection.messageCount == 2)
            broker.setAlarms([])
            for blocked in [client, other] { blocked.expect(ConnectionUnblocked(), channel: 0) }
            #expect(broker.shards[0].inspection.messageCount == 0)
        }
    }

    @Test func everyShardBlocksItsOwn() {
        converse(shards: 2) { broker in
            let clients = [0, 1].map { broker.connect(shard: $0) }
            broker.setAlarms(.disk)
            for client in clients {
                client.publish("one", routingKey: "nowhere")
                client.expect(ConnectionBlocked(reason: "low on disk"), channel: 0)
            }
            broker.setAlarms([])
            for client in clients { client.expect(ConnectionUnblocked(), channel: 0) }
        }
    }

    // MARK: While blocked

    @Test func itsSocketIsNotRead() {
        withBlocked { broker, publisher in
            #expect(broker.shards[0].isReadingPaused(publisher.address))
            publisher.publish("second", routingKey: "q")
            publisher.send(QueueDeclare(queue: "q"))
            publisher.expectNothing()
            broker.setAlarms([])
            #expect(!broker.shards[0].isReadingPaused(publisher.address))
            publisher.expect(ConnectionUnblocked(), channel: 0)
            publisher.expect(QueueDeclareOk(queue: "q", messageCount: 2))
        }
    }

    @Test func whatWasReadIsDealtWith() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(ConfirmSelect(), ConfirmSelectOk())
            broker.setAlarms(.memory)
            let message = frame(BasicPublish(routingKey: "q")) + contentFrames(Array("x".utf8))
            client.send(bytes: message + message + frame(QueueDeclare(queue: "q", passive: true)))
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
            client.expect(QueueDeclareOk(queue: "q", messageCount: 2))
            client.expect(BasicAck(deliveryTag: 2, multiple: true))
        }
    }

    @Test func aClientThatDoesNotUnderstandIsBlockedSilently() {
        withBlocked(capabilities: ["basic.nack": .bool(true)]) { broker, publisher in
            publisher.expectNothing()
            #expect(broker.shards[0].isReadingPaused(publisher.address))
            publisher.send(QueueDeclare(queue: "q"))
            publisher.expectNothing()
            broker.setAlarms([])
            publisher.expect(QueueDeclareOk(queue: "q", messageCount: 1))
        }
    }

    @Test func oneNoticeIsEnoughUntilEveryAlarmIsOff() {
        withBlocked { broker, publisher in
            for alarms in [ResourceAlarms.disk, [.memory, .disk], .memory] {
                broker.setAlarms(alarms)
                publisher.publish("more", routingKey: "q")
                publisher.expectNothing()
            }
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
            broker.setAlarms([])
            publisher.expectNothing()
            publisher.request(QueuePurge(queue: "q"), QueuePurgeOk(messageCount: 4))
        }
    }

    @Test func theNextAlarmBlocksAgain() {
        withBlocked { broker, publisher in
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
            broker.setAlarms(.memory)
            publisher.expectNothing()
            publisher.publish("second", routingKey: "q")
            publisher.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
        }
    }

    // MARK: Heartbeats

    @Test func aBlockedClientMissesNoHeartbeat() {
        withBlocked(heartbeatSeconds: 10) { broker, publisher in
            for _ in 1...10 {
                broker.advance(milliseconds: 20_001)
                // The broker's own go on: where the client is gone, they are what finds out.
                publisher.expectHeartbeat()
            }
            publisher.expectOpenSocket()
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
            broker.advance(milliseconds: 20_000)
            publisher.expectHeartbeat()
            publisher.expectOpenSocket()
            broker.advance(milliseconds: 1)
            publisher.expectClosedSocket()
            broker.expectNote(.error, containing: "missed heartbeats from client")
        }
    }

    // MARK: Ends

    @Test func aBlockedConnectionIsToldOfTheShutdownAndMayAnswer() {
        withBlocked { broker, publisher in
            broker.shards[0].shutDown(publisher.address)
            broker.settle()
            #expect(!broker.shards[0].isReadingPaused(publisher.address))
            publisher.expectClose(
                320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")
        }
    }

    @Test func aConnectionThatIsClosingIsNotUnblocked() {
        withBlocked { broker, publisher in
            broker.shards[0].shutDown(publisher.address)
            broker.setAlarms([])
            publisher.expectClose(
                320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'")
        }
    }

    @Test func theEndOfABlockedSocketIsTheEndOfItsConnection() {
        withBlocked { broker, publisher in
            publisher.endSocket()
            #expect(broker.shards[0].inspection.connectionCount == 0)
        }
    }

    /// It can be heard only when the alarm is over, unless it closes its socket.
    @Test func connectionCloseWaitsForTheEndOfTheAlarm() {
        withBlocked { broker, publisher in
            publisher.send(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0)
            publisher.expectNothing()
            broker.setAlarms([])
            publisher.expect(ConnectionUnblocked(), channel: 0)
            publisher.expect(ConnectionCloseOk(), channel: 0)
            publisher.expectClosedSocket()
        }
    }

    /// In one read with what blocks it, it has been heard.
    @Test func connectionCloseThatWasReadIsAnswered() {
        converse { broker in
            let client = broker.connect()
            broker.setAlarms(.memory)
            client.send(
                bytes: frame(BasicPublish(routingKey: "nowhere")) + contentFrames(Array("x".utf8))
                    + frame(ConnectionClose(replyCode: 200, replyText: "OK"), channel: 0))
            client.expect(ConnectionBlocked(reason: "low on memory"), channel: 0)
            client.expect(ConnectionCloseOk(), channel: 0)
            client.expectClosedSocket()
        }
    }
}
