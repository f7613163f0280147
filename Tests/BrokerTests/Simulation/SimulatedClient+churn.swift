import AMQPWire
import SplitMix

// Clients that declare, bind, delete and purge, get in each other's way, and make mistakes.
extension SimulatedClient {
    func churnSomething() {
        guard let channel = usableChannel(limit: 3) else { return }
        switch random.below(200) {
        case 0: return close()
        case 1: return die()
        case 2...3: return closeChannel(channel)
        default: break
        }
        switch random.below(22) {
        case 0...2: declareQueue(channel)
        case 3: deleteQueue(channel)
        case 4...5: churnExchange(channel)
        case 6...9: bind(channel)
        case 10: ask(.queuePurge(QueuePurge(queue: queueName())), on: channel)
        case 11...12: startChurnConsumer(channel)
        case 13: cancelSomeConsumer(channel)
        case 14:
            ask(
                .basicGet(BasicGet(queue: queueName(), noAck: true)), on: channel, detail: .get(queue: nil, noAck: true)
            )
        case 15...19: publishToChurn(channel)
        default: settleChurn(channel)
        }
    }

    private func queueName() -> ShortString { ShortString(truncating: "c\(random.below(5))") }
    private func exchangeName() -> ShortString { ShortString(truncating: "x\(random.below(3))") }

    private func declareQueue(_ channel: SimulatedChannel) {
        let noWait = random.chance(15)
        var declare = QueueDeclare(
            queue: queueName(), passive: random.chance(15), durable: false, exclusive: random.chance(10),
            autoDelete: random.chance(30), noWait: noWait)
        if random.chance(10) { declare.queue = "" }
        if random.chance(20) { declare.arguments = ["x-dead-letter-exchange": .string("x0")] }
        if noWait {
            send(.queueDeclare(declare), channel: channel.number)
        } else {
            ask(.queueDeclare(declare), on: channel, detail: .name(declare.queue.description))
        }
    }

    private func deleteQueue(_ channel: SimulatedChannel) {
        let delete = QueueDelete(
            queue: queueName(), ifUnused: random.chance(20), ifEmpty: random.chance(20), noWait: random.chance(20))
        if delete.noWait {
            send(.queueDelete(delete), channel: channel.number)
        } else {
            ask(.queueDelete(delete), on: channel)
        }
    }

    private func churnExchange(_ channel: SimulatedChannel) {
        if random.chance(30) {
            ask(.exchangeDelete(ExchangeDelete(exchange: exchangeName(), ifUnused: random.chance(30))), on: channel)
        } else {
            ask(
                .exchangeDeclare(
                    ExchangeDeclare(
                        exchange: exchangeName(), type: random.pick(["fanout", "direct", "topic"]),
                        autoDelete: random.chance(30))), on: channel)
        }
    }

    private func bind(_ channel: SimulatedChannel) {
        let queue = random.chance(10) ? "" : queueName()
        let key = random.pick(["a", "b", "k.#", ""] as [ShortString])
        switch random.below(6) {
        case 0: ask(.queueBind(QueueBind(queue: queue, exchange: "s.topic", routingKey: "churn.#")), on: channel)
        case 1: ask(.queueUnbind(QueueUnbind(queue: queue, exchange: "s.topic", routingKey: "churn.#")), on: channel)
        case 2...3: ask(.queueBind(QueueBind(queue: queue, exchange: exchangeName(), routingKey: key)), on: channel)
        case 4:
            ask(
                .exchangeBind(
                    ExchangeBind(destination: exchangeName(), source: exchangeName(), routingKey: key)), on: channel)
        default:
            ask(
                .exchangeUnbind(
                    ExchangeUnbind(destination: exchangeName(), source: exchangeName(), routingKey: key)), on: channel)
        }
    }

    private func startChurnConsumer(_ channel: SimulatedChannel) {
        guard channel.consumers.count < 3 else { return }
        let number = takeNumber()
        let consumer = SimulatedConsumer(
            number: number, tag: "t\(number)", queue: nil, noAck: random.chance(40), prefetchCount: 0)
        channel.consumers[consumer.tag] = consumer
        let consume = BasicConsume(
            queue: queueName(), consumerTag: ShortString(truncating: consumer.tag), noAck: consumer.noAck,
            exclusive: random.chance(10), noWait: random.chance(20))
        if consume.noWait {
            send(.basicConsume(consume), channel: channel.number)
        } else {
            ask(.basicConsume(consume), on: channel, detail: .tag(consumer.tag))
        }
    }

    private func publishToChurn(_ channel: SimulatedChannel) {
        if channel.publishCount == 0, !channel.isConfirming, random.chance(50) {
            ask(.confirmSelect(ConfirmSelect()), on: channel)
            channel.isConfirming = true
        }
        for _ in 0...random.below(4) {
            let isDirect = random.chance(70)
            let message = SimulatedLedger.Message(
                publisher: channel.incarnation, queues: [], isMandatory: random.chance(20), mayBeRoutedElsewhere: true,
                byteCount: random.below(200))
            publish(
                message, exchange: isDirect ? "" : exchangeName().description,
                key: isDirect ? queueName().description : "a", on: channel, isFollowed: false)
        }
    }

    private func settleChurn(_ channel: SimulatedChannel) {
        guard let delivery = channel.unacked.randomElement(using: &random) else { return }
        channel.unacked.removeAll { $0.tag == delivery.tag }
        let requeue = random.chance(40)
        if random.chance(40) {
            send(.basicNack(BasicNack(deliveryTag: delivery.tag, requeue: requeue)), channel: channel.number)
        } else {
            send(.basicAck(BasicAck(deliveryTag: delivery.tag)), channel: channel.number)
        }
    }
}
