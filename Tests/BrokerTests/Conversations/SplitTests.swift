import AMQPWire
import Broker
import Testing

/// Where a read ends says nothing: one conversation, its bytes cut in every place, always the same answers.
@Suite struct SplitTests {
    /// The client's bytes and what the broker answered them, in one recorded conversation with a bit of everything.
    private func record() -> (sent: [UInt8], received: [Received]) {
        var sent: [UInt8] = []
        converse { broker in
            let client = broker.connect()
            client.openChannel(2)
            client.openChannel(3)
            client.request(ExchangeDeclare(exchange: "x", type: "topic"), ExchangeDeclareOk())
            client.declare(
                QueueDeclare(queue: "a", exclusive: true, arguments: ["x-dead-letter-exchange": .string("x")]))
            client.declare(QueueDeclare(queue: "b", exclusive: true))
            client.request(QueueBind(queue: "b", exchange: "x", routingKey: "#"), QueueBindOk())
            client.request(BasicQos(prefetchCount: 10), BasicQosOk(), channel: 2)
            client.consume(BasicConsume(queue: "a", consumerTag: "c"), channel: 2)
            client.request(ConfirmSelect(), ConfirmSelectOk(), channel: 3)
            var properties = BasicProperties()
            properties.headers = ["n": .int32(1)]
            properties.messageID = "id"
            client.send(BasicPublish(routingKey: "a"), channel: 3)
            let body = Array("a body in frames of seven bytes each".utf8)
            client.send(bytes: contentFrames(body, properties: properties, channel: 3, frameMax: 15))
            client.publish("", routingKey: "a", channel: 3)
            client.publish("returned", exchange: "x", routingKey: "k", channel: 3)
            client.publish("returned", routingKey: "nobody", mandatory: true, channel: 3)
            client.send(BasicAck(deliveryTag: 1), channel: 2)
            client.send(BasicReject(deliveryTag: 2), channel: 2)
            client.sendFrame(type: 8, channel: 0, payload: [])
            client.send(BasicGet(queue: "b", noAck: true))
            client.send(BasicGet(queue: "b"))
            client.send(BasicGet(queue: "b"))
            client.send(QueuePurge(queue: "b"))
            client.send(BasicCancel(consumerTag: "c"), channel: 2)
            client.send(ChannelClose(replyCode: 200), channel: 2)
            client.send(QueueDeclare(queue: "nothing", passive: true))
            client.send(ChannelCloseOk())
            client.send(ConnectionClose(replyCode: 200), channel: 0)
            _ = client.takeAll()
            client.expectClosedSocket()
            sent = client.sentBytes
        }
        return (sent, replay([sent]))
    }

    /// Everything that a client gets who sends this, one read each. Confirms are left out: how many are folded into
    /// one is a matter of reads.
    private func replay(_ reads: [[UInt8]]) -> [Received] {
        var received: [Received] = []
        converse { broker in
            let client = broker.accept()
            for read in reads { client.send(bytes: read) }
            received = client.takeAll()
            client.expectClosedSocket()
        }
        return received.filter { answer in
            if case .method(.basicAck, _, _) = answer { false } else { true }
        }
    }

    @Test func theRecordedConversationIsRich() {
        let names = record().received.compactMap { answer -> String? in
            if case .method(let method, _, _) = answer { method.name } else { nil }
        }
        #expect(
            names == [
                "connection.start", "connection.tune", "connection.open-ok", "channel.open-ok", "channel.open-ok",
                "channel.open-ok", "exchange.declare-ok", "queue.declare-ok", "queue.declare-ok", "queue.bind-ok",
                "basic.qos-ok", "basic.consume-ok", "confirm.select-ok", "basic.deliver", "basic.deliver",
                "basic.return", "basic.get-ok", "basic.get-ok", "basic.get-empty", "queue.purge-ok",
                "basic.cancel-ok", "channel.close-ok", "channel.close", "connection.close-ok",
            ])
    }

    @Test func aReadMayEndAnywhere() {
        let (sent, answers) = record()
        for split in 1..<sent.count {
            let received = replay([Array(sent[..<split]), Array(sent[split...])])
            #expect(received == answers, "split at \(split) of \(sent.count)")
        }
    }

    @Test func everyByteMayComeAlone() {
        let (sent, answers) = record()
        #expect(replay(sent.map { [$0] }) == answers)
    }

    @Test(arguments: [2, 3, 5, 7, 8, 11, 64, 500]) func readsMayBeOfAnySize(byteCount: Int) {
        let (sent, answers) = record()
        let reads = stride(from: 0, to: sent.count, by: byteCount).map {
            Array(sent[$0..<min($0 + byteCount, sent.count)])
        }
        #expect(replay(reads) == answers)
    }

    /// The bytes of another frame behind the frame that ends the connection are not read.
    @Test func nothingIsReadBehindTheEnd() {
        let (sent, answers) = record()
        #expect(replay([sent + frame(ChannelOpen(), channel: 9) + [1, 2, 3]]) == answers)
    }
}
