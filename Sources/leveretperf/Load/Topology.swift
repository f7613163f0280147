import AMQPWire
import struct LeveretClient.ConnectionOptions

/// The queues, exchange and bindings of a run, on the broker.
struct Topology {
    let routes: RoutePlan
    let plan: LoadPlan

    /// Declares everything on channel 1.
    func declare(_ session: BrokerSession, _ deadline: Deadline) throws(PerfError) {
        if plan.exchangeKind != .default {
            _ = try session.call(
                .exchangeDeclare(
                    ExchangeDeclare(
                        exchange: routes.exchange, type: ShortString(truncating: plan.exchangeKind.rawValue),
                        durable: plan.isDurable)), deadline)
        }
        var arguments = FieldTable()
        if let type = plan.queueType { arguments["x-queue-type"] = .string(type) }
        let isDurable = plan.isDurable || plan.queueType == "quorum"
        for queue in routes.queues {
            try Interruption.check()
            _ = try session.call(
                .queueDeclare(QueueDeclare(queue: queue, durable: isDurable, arguments: arguments)), deadline)
        }
        for binding in routes.bindings {
            try Interruption.check()
            _ = try session.call(
                .queueBind(
                    QueueBind(
                        queue: routes.queues[binding.queue], exchange: routes.exchange, routingKey: binding.key,
                        arguments: binding.arguments)), deadline)
        }
    }

    /// How many messages wait in all queues.
    func depth(_ session: BrokerSession, _ deadline: Deadline) throws(PerfError) -> Int {
        var sum = 0
        for queue in routes.queues {
            let answer = try session.call(.queueDeclare(QueueDeclare(queue: queue, passive: true)), deadline)
            if case .queueDeclareOk(let ok) = answer { sum += Int(ok.messageCount) }
        }
        return sum
    }

    /// Removes everything, as far as it is there, over a connection of its own: what a run leaves behind would be in
    /// the way of the next.
    func remove(_ options: ConnectionOptions) {
        let deadline = Deadline(seconds: 10 + Double(routes.queues.count) / 500)
        guard let session = try? BrokerSession(options, frameMax: plan.frameMax, deadline: deadline),
            (try? session.call(.channelOpen(ChannelOpen()), deadline)) != nil
        else { return }
        for queue in routes.queues { _ = try? session.call(.queueDelete(QueueDelete(queue: queue)), deadline) }
        if plan.exchangeKind != .default {
            _ = try? session.call(.exchangeDelete(ExchangeDelete(exchange: routes.exchange)), deadline)
        }
        session.sendClose(deadline)
        session.awaitClose(deadline)
    }
}
