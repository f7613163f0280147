import AMQPWire
import Broker
import Testing

/// What a lone consumer of another shard gets in one piece is what it would get one by one.
@Suite struct DeliveryRunTests {
    private func withFilledQueue(
        _ count: Int,
        _ use: (_ broker: Conversation, _ owner: ConversationClient, _ client: ConversationClient) -> Void
    ) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            if count > 0 { for number in 1...count { owner.publish("\(number)", routingKey: "q") } }
            use(broker, owner, broker.connect(shard: 1))
        }
    }

    @Test(arguments: [1, 2, 3, 40, 5000]) func allThatWaitsComesInOrder(count: Int) {
        withFilledQueue(count) { _, _, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for number in 1...count { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.expectNothing()
            client.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
        }
    }

    @Test(arguments: [1, 2, 7]) func aPieceStopsAtThePrefetchCount(prefetch: UInt16) {
        withFilledQueue(20) { _, owner, client in
            client.request(BasicQos(prefetchCount: prefetch), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...Int(prefetch) { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.expectNothing()
            owner.request(
                QueueDeclare(queue: "q", passive: true),
                QueueDeclareOk(queue: "q", messageCount: 20 - UInt32(prefetch), consumerCount: 1))
            client.send(BasicAck(deliveryTag: UInt64(prefetch), multiple: true))
            for number in 1...Int(prefetch) {
                client.expectDeliver("\(Int(prefetch) + number)", tag: UInt64(Int(prefetch) + number))
            }
            client.expectNothing()
        }
    }

    /// What came back stands in front, and says that it was delivered before.
    @Test func whatCameBackComesFirst() {
        withFilledQueue(6) { broker, _, client in
            client.request(BasicQos(prefetchCount: 3), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            for number in 1...3 { client.expectDeliver("\(number)", tag: UInt64(number)) }
            client.endSocket()
            let next = broker.connect(shard: 1)
            next.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for number in 1...3 { next.expectDeliver("\(number)", tag: UInt64(number), redelivered: true) }
            for number in 4...6 { next.expectDeliver("\(number)", tag: UInt64(number)) }
        }
    }

    /// The consumer has gone while a piece was on its way: nothing of it is lost, nor out of place.
    @Test(arguments: [false, true]) func aPieceThatFindsNobodyComesBack(noAck: Bool) {
        withFilledQueue(50) { broker, _, client in
            broker.holdsMail = true
            client.send(BasicConsume(queue: "q", consumerTag: "c", noAck: noAck))
            // The request arrives; what it brings does not.
            broker.deliverMail(to: 0)
            client.endSocket()
            broker.holdsMail = false
            broker.settle()
            let next = broker.connect(shard: 1)
            next.consume(BasicConsume(queue: "q", consumerTag: "c", noAck: true))
            for number in 1...50 {
                next.expectDeliver("\(number)", tag: UInt64(number), redelivered: true)
            }
        }
    }

    /// Two consumers have their turns, however much waits.
    @Test func consumersInTurnGetOneEach() {
        withFilledQueue(0) { _, owner, client in
            client.consume(BasicConsume(queue: "q", consumerTag: "a", noAck: true))
            client.consume(BasicConsume(queue: "q", consumerTag: "b", noAck: true))
            for number in 1...10 { owner.publish("\(number)", routingKey: "q") }
            for number in 1...10 {
                client.expectDeliver("\(number)", tag: UInt64(number), consumer: number % 2 == 1 ? "a" : "b")
            }
        }
    }
}
