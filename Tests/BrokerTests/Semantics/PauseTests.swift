import AMQPWire
import Broker
import Testing

/// A queue whose deliveries an administrator has stopped.
@Suite struct PauseTests {
    private func pause(_ broker: Conversation, _ isPaused: Bool, queue: ShortString = "q") {
        do throws(AdministrationError) {
            try broker.controlPlane.setPaused(isPaused, queue: queue, virtualHost: "/")
        } catch {
            Issue.record("\(error)")
        }
        broker.advance(milliseconds: 250)
    }

    @Test(arguments: [1, 2])
    func nobodyGetsAnythingUntilItGoesOn(shards: Int) {
        converse(shards: shards) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let consumer = broker.connect(shard: shards - 1)
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            pause(broker, true)
            #expect(broker.controlPlane.isPaused(queue: "q", virtualHost: "/") == true)
            client.publish("1", routingKey: "q")
            client.publish("2", routingKey: "q")
            consumer.expectNothing()
            // Who comes now waits as well, and a get finds nothing.
            let late = broker.connect(shard: 0)
            late.consume(BasicConsume(queue: "q", consumerTag: "late"))
            late.expectNothing()
            let shown = broker.shards[0].consumerSnapshots(from: 0, limit: 10).items
            #expect(shown.map(\.activity) == [.paused, .paused] && broker.queue("q")?.state == .paused)
            client.request(BasicGet(queue: "q"), BasicGetEmpty())
            client.request(
                QueueDeclare(queue: "q", passive: true),
                QueueDeclareOk(queue: "q", messageCount: 2, consumerCount: 2))
            pause(broker, false)
            consumer.expectDeliver("1", tag: 1)
            late.expectDeliver("2", tag: 1, consumer: "late")
            client.publish("3", routingKey: "q")
            consumer.expectDeliver("3", tag: 2)
            consumer.send(BasicAck(deliveryTag: 0, multiple: true))
            late.send(BasicAck(deliveryTag: 1))
        }
    }

    /// What was delivered can be settled, and what comes back waits.
    @Test func whatWasDeliveredIsSettled() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.request(BasicQos(prefetchCount: 1), BasicQosOk())
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.publish("1", routingKey: "q")
            client.publish("2", routingKey: "q")
            client.expectDeliver("1", tag: 1)
            pause(broker, true)
            client.send(BasicNack(deliveryTag: 1, requeue: true))
            client.expectNothing()
            pause(broker, false)
            client.expectDeliver("1", tag: 2, redelivered: true)
            client.send(BasicAck(deliveryTag: 2))
            client.expectDeliver("2", tag: 3)
            client.send(BasicAck(deliveryTag: 3))
        }
    }

    @Test func aConsumerThatGoesMeanwhileGetsNothing() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            client.consume(BasicConsume(queue: "q", consumerTag: "gone", arguments: ["x-priority": .int32(5)]))
            client.consume(BasicConsume(queue: "q", consumerTag: "stays"))
            pause(broker, true)
            client.publish("1", routingKey: "q")
            client.request(BasicCancel(consumerTag: "gone"), BasicCancelOk(consumerTag: "gone"))
            client.consume(BasicConsume(queue: "q", consumerTag: "better", arguments: ["x-priority": .int32(9)]))
            pause(broker, false)
            client.expectDeliver("1", tag: 1, consumer: "better")
        }
    }

    @Test func theActiveConsumerIsFoundAgain() {
        converse { broker in
            let client = broker.connect()
            client.declare(
                QueueDeclare(queue: "q", arguments: ["x-single-active-consumer": .bool(true)]))
            client.consume(BasicConsume(queue: "q", consumerTag: "one"))
            client.consume(BasicConsume(queue: "q", consumerTag: "two"))
            pause(broker, true)
            client.publish("1", routingKey: "q")
            client.request(BasicCancel(consumerTag: "one"), BasicCancelOk(consumerTag: "one"))
            client.expectNothing()
            pause(broker, false)
            client.expectDeliver("1", tag: 1, consumer: "two")
        }
    }

    /// A lease of a channel-wide limit that was asked for before is given back.
    @Test func channelWideLimitsAreHeld() {
        converse(shards: 2) { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q"))
            let consumer = broker.connect(shard: 1)
            consumer.request(BasicQos(prefetchCount: 1, global: true), BasicQosOk())
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            pause(broker, true)
            client.publish("1", routingKey: "q")
            client.publish("2", routingKey: "q")
            consumer.expectNothing()
            pause(broker, false)
            consumer.expectDeliver("1", tag: 1)
            consumer.expectNothing()
            consumer.send(BasicAck(deliveryTag: 1))
            consumer.expectDeliver("2", tag: 2)
            consumer.send(BasicAck(deliveryTag: 2))
        }
    }

    /// Messages go on to expire, and what is too much to leave.
    @Test func itsRulesHold() {
        converse { broker in
            let client = broker.connect()
            client.declareDeadLetterQueue()
            client.declare(
                QueueDeclare(
                    queue: "q",
                    arguments: [
                        "x-max-length": .int32(1), "x-message-ttl": .int32(1000),
                        "x-dead-letter-exchange": .string("amq.fanout"),
                    ]))
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            pause(broker, true)
            client.publish("1", routingKey: "q")
            client.publish("2", routingKey: "q")
            client.get("dead", expecting: "1", tag: 1, exchange: "amq.fanout", routingKey: "q", noAck: true)
            broker.advance(milliseconds: 1000)
            client.get("dead", expecting: "2", tag: 2, exchange: "amq.fanout", routingKey: "q", noAck: true)
            client.request(QueuePurge(queue: "q"), QueuePurgeOk())
            client.expectNothing()
        }
    }

    @Test func aDurableQueueStaysPausedOverARestart() {
        let killed = KilledBroker()
        killed.live { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", durable: true))
            client.declare(QueueDeclare(queue: "other", durable: true))
            pause(broker, true)
            pause(broker, true, queue: "other")
            pause(broker, false, queue: "other")
            client.store("1")
        }
        killed.live { broker in
            #expect(broker.controlPlane.isPaused(queue: "other", virtualHost: "/") == false)
            let client = broker.connect()
            client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            client.expectNothing()
            pause(broker, false)
            client.expectDeliver("1", tag: 1)
        }
    }

    @Test func aQueueThatIsNotThereIsNotFound() {
        converse { broker in
            #expect(throws: AdministrationError.notFound("queue 'q' in vhost '/' not found")) {
                try broker.controlPlane.setPaused(true, queue: "q", virtualHost: "/")
            }
            #expect(broker.controlPlane.isPaused(queue: "q", virtualHost: "/") == nil)
        }
    }
}
