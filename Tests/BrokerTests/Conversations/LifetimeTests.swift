import AMQPWire
import Broker
import Testing

@Suite struct LifetimeTests {
    // MARK: Exclusive queues

    @Test func anExclusiveQueueIsGoneWithCloseOk() {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            owner.publish("lost", routingKey: "mine")
            owner.close()
            for shard in [0, 1] {
                let other = broker.connect(shard: shard)
                other.send(QueueDeclare(queue: "mine", passive: true))
                other.expectChannelClose(404, "NOT_FOUND - no queue 'mine' in vhost '/'", of: QueueDeclare.self)
            }
        }
    }

    @Test func anExclusiveQueueIsGoneWithItsSocket() {
        converse { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            owner.consume(BasicConsume(queue: "mine", consumerTag: "c"))
            owner.publish("lost", routingKey: "mine")
            owner.expectDeliver("lost", tag: 1, routingKey: "mine")
            owner.endSocket()
            let other = broker.connect()
            other.send(QueueDeclare(queue: "mine", passive: true))
            other.expectChannelClose(404, "NOT_FOUND - no queue 'mine' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func anExclusiveQueueOutlivesItsChannel() {
        converse { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
            owner.closeChannel()
            owner.openChannel(1)
            owner.declare(QueueDeclare(queue: "mine", exclusive: true))
        }
    }

    /// A client that lost its connection and comes back at once does not find its queue locked.
    @Test(arguments: [0, 1]) func theSocketOfALockHolderIsLookedAt(shard: Int) {
        var settings = BrokerSettings()
        settings.probesLockHolders = true
        converse(shards: 2, settings: settings) { broker in
            let holder = broker.connect()
            holder.declare(QueueDeclare(queue: "mine", exclusive: true))
            let other = broker.connect(shard: shard)
            other.send(QueueDeclare(queue: "mine", exclusive: true))
            other.expectChannelClose(405, QueueConversations.locked("mine"), of: QueueDeclare.self)
            holder.dieUnnoticed()
            other.declare(QueueDeclare(queue: "mine", exclusive: true))
        }
    }

    // MARK: Auto-delete

    @Test func anAutoDeleteQueueGoesWithItsLastConsumer() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", autoDelete: true))
            for tag in ["a", "b"] as [ShortString] { client.consume(BasicConsume(queue: "q", consumerTag: tag)) }
            client.request(BasicCancel(consumerTag: "a"), BasicCancelOk(consumerTag: "a"))
            client.request(
                QueueDeclare(queue: "q", passive: true), QueueDeclareOk(queue: "q", messageCount: 0, consumerCount: 1))
            client.request(BasicCancel(consumerTag: "b"), BasicCancelOk(consumerTag: "b"))
            client.send(QueueDeclare(queue: "q", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test(arguments: [0, 1]) func anAutoDeleteQueueGoesWithTheChannelOfItsConsumer(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q", autoDelete: true))
            let consumer = broker.connect(shard: shard)
            consumer.consume(BasicConsume(queue: "q", consumerTag: "c"))
            consumer.publish("lost", routingKey: "q")
            consumer.expectDeliver("lost", tag: 1)
            consumer.closeChannel()
            owner.send(QueueDeclare(queue: "q", passive: true))
            owner.expectChannelClose(404, "NOT_FOUND - no queue 'q' in vhost '/'", of: QueueDeclare.self)
        }
    }

    @Test func anAutoDeleteQueueWithoutConsumersStays() {
        converse { broker in
            let client = broker.connect()
            client.declare(QueueDeclare(queue: "q", autoDelete: true))
            client.publish("one", routingKey: "q")
            client.get(expecting: "one", tag: 1)
            client.closeChannel()
            client.openChannel(1)
            client.request(
                QueueDeclare(queue: "q", autoDelete: true),
                QueueDeclareOk(queue: "q", messageCount: 1, consumerCount: 0))
        }
    }

    /// RabbitMQ: the last binding that it is the source of, by unbind or by the end of a queue.
    @Test func anAutoDeleteExchangeGoesWithItsLastBinding() {
        converse { broker in
            let client = broker.connect()
            for isUnbound in [true, false] {
                client.request(ExchangeDeclare(exchange: "x", type: "fanout", autoDelete: true), ExchangeDeclareOk())
                client.declare(QueueDeclare(queue: "q"))
                client.request(QueueBind(queue: "q", exchange: "x"), QueueBindOk())
                if isUnbound {
                    client.request(QueueUnbind(queue: "q", exchange: "x"), QueueUnbindOk())
                } else {
                    client.request(QueueDelete(queue: "q"), QueueDeleteOk())
                }
                client.send(ExchangeDeclare(exchange: "x", passive: true))
                client.expectChannelClose(404, "NOT_FOUND - no exchange 'x' in vhost '/'", of: ExchangeDeclare.self)
            }
        }
    }

    @Test func anAutoDeleteExchangeTakesThoseBeforeItAlong() {
        converse { broker in
            let client = broker.connect()
            for name in ["a", "b"] as [ShortString] {
                client.request(ExchangeDeclare(exchange: name, type: "fanout", autoDelete: true), ExchangeDeclareOk())
            }
            client.declare(QueueDeclare(queue: "q"))
            client.request(ExchangeBind(destination: "b", source: "a"), ExchangeBindOk())
            client.request(QueueBind(queue: "q", exchange: "b"), QueueBindOk())
            client.request(QueueUnbind(queue: "q", exchange: "b"), QueueUnbindOk())
            client.send(ExchangeDeclare(exchange: "a", passive: true))
            client.expectChannelClose(404, "NOT_FOUND - no exchange 'a' in vhost '/'", of: ExchangeDeclare.self)
        }
    }

    // MARK: Consumer cancel notification

    @Test(arguments: [0, 1]) func consumersLearnOfTheirQueuesEndIfTheyCan(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let knowing = broker.connect(shard: shard)
            let old = broker.connect(shard: shard, capabilities: ["basic.nack": .bool(true)])
            for client in [knowing, old] { client.consume(BasicConsume(queue: "q", consumerTag: "c")) }
            for body in ["one", "two"] { owner.publish(body, routingKey: "q") }
            knowing.expectDeliver("one", tag: 1)
            old.expectDeliver("two", tag: 1)
            owner.request(QueueDelete(queue: "q"), QueueDeleteOk())
            knowing.expect(BasicCancel(consumerTag: "c", noWait: true))
            old.expectNothing()
            // The tag is free, and what was delivered may still be acked.
            owner.declare(QueueDeclare(queue: "q"))
            for client in [knowing, old] {
                client.send(BasicAck(deliveryTag: 1))
                client.consume(BasicConsume(queue: "q", consumerTag: "c"))
            }
        }
    }

    @Test(arguments: [0, 1]) func whatAQueueHadUnackedGoesWithIt(shard: Int) {
        converse(shards: 2) { broker in
            let owner = broker.connect()
            owner.declare(QueueDeclare(queue: "q"))
            let client = broker.connect(shard: shard)
            for body in ["one", "two", "three"] { client.publish(body, routingKey: "q") }
            for (index, body) in ["one", "two", "three"].enumerated() {
                client.get(expecting: body, tag: UInt64(index + 1), messageCount: UInt32(2 - index))
            }
            owner.request(QueueDelete(queue: "q"), QueueDeleteOk())
            owner.declare(QueueDeclare(queue: "q"))
            client.send(BasicAck(deliveryTag: 1))
            client.send(BasicReject(deliveryTag: 2, requeue: true))
            client.closeChannel()
            owner.request(BasicGet(queue: "q"), BasicGetEmpty())
        }
    }
}
