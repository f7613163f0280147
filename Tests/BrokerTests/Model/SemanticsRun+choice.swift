import AMQPWire
import SplitMix

// What is done next.
extension SemanticsRun {
    private static let names = ["a", "b", "c", "d", "e"]

    func nextOperation() -> (ModelOperation, Int) {
        let client = random.below(Self.clientCount)
        for _ in 0..<20 {
            if let operation = choose(client) { return (operation, client) }
        }
        return (declare(), client)
    }

    private func choose(_ client: Int) -> ModelOperation? {
        let names = model.queues.keys.sorted()
        switch random.below(100) {
        case 0..<5: return declare()
        case 5..<40: return .publish((0...random.below(random.chance(30) ? 4 : 1)).map { _ in message() })
        case 40..<46: return get(names)
        case 46..<50: return consume(names, client)
        case 50..<52: return cancel(client)
        case 52..<82: return settle(client)
        case 82..<83: return .recover
        case 83..<86: return .qos(random.below(4))
        case 86..<89: return names.isEmpty ? nil : bind(random.pick(names))
        case 89: return names.isEmpty || random.chance(50) ? nil : .delete(random.pick(names))
        case 90: return names.isEmpty ? nil : .purge(random.pick(names))
        case 91..<94: return model.clients[client]?.isConfirming == true ? nil : .confirmSelect
        case 94: return .closeChannel
        case 95: return random.chance(50) ? .closeChannel : .disconnect
        case 96..<98: return policy()
        case 98: return random.chance(60) ? restart() : pause(names)
        default: return declareAgain(names)
        }
    }

    // MARK: Queues

    private func declare() -> ModelOperation {
        let name = random.pick(Self.names)
        if let queue = model.queues[name] {
            return .declare(
                name, queue.declared, isDurable: queue.isDurable, isAutoDelete: queue.isAutoDelete)
        }
        let arguments = arguments()
        return .declare(
            name, arguments, isDurable: arguments.isQuorum || random.chance(70),
            isAutoDelete: !arguments.isQuorum && random.chance(15))
    }

    private func declareAgain(_ names: [String]) -> ModelOperation? {
        guard !names.isEmpty, let queue = model.queues[random.pick(names)] else { return nil }
        return .declare(
            queue.name, queue.declared, isDurable: queue.isDurable, isAutoDelete: queue.isAutoDelete)
    }

    private func arguments() -> ModelArguments {
        var arguments = ModelArguments()
        arguments.isQuorum = random.chance(30)
        if random.chance(25) { arguments.timeToLive = random.pick([0, 3, 7, 15, 40]) }
        if random.chance(10) { arguments.expires = random.pick([20, 60, 200]) }
        if random.chance(35) { arguments.maxLength = random.pick([0, 1, 2, 3, 5]) }
        if random.chance(15) { arguments.maxLengthBytes = random.pick([5, 12, 30]) }
        if random.chance(40) {
            arguments.overflow = arguments.isQuorum ? .rejectPublish : random.pick([.rejectPublish, .dlx])
        }
        if random.chance(65) {
            arguments.deadLetterExchange = random.pick(["", "", "", "amq.fanout", "amq.direct", "nowhere"])
            if random.chance(60) { arguments.deadLetterRoutingKey = random.pick(Self.names) }
        }
        if !arguments.isQuorum, random.chance(25) { arguments.maxPriority = random.pick([1, 2, 5]) }
        if random.chance(25) { arguments.deliveryLimit = random.pick([-1, 0, 1, 2]) }
        arguments.isSingleActive = random.chance(20)
        arguments.deduplicates = random.chance(15)
        return arguments
    }

    private func policy() -> ModelOperation {
        let name = random.pick(Self.names)
        if model.policies[name] != nil, random.chance(50) { return .policy(name, nil) }
        var policy = ModelArguments()
        if random.chance(40) { policy.timeToLive = random.pick([0, 5, 10, 30]) }
        if random.chance(15) { policy.expires = random.pick([30, 60, 200]) }
        if random.chance(40) { policy.maxLength = random.pick([0, 1, 2, 4]) }
        if !isJournaled, random.chance(20) { policy.maxLengthBytes = random.pick([5, 12, 30]) }
        if random.chance(25) { policy.overflow = .rejectPublish }
        if random.chance(40) {
            policy.deadLetterExchange = random.pick(["", "amq.fanout", "amq.direct", "nowhere"])
            policy.deadLetterRoutingKey = random.chance(70) ? random.pick(Self.names) : nil
        }
        if random.chance(30) { policy.deliveryLimit = random.below(3) }
        return policy.table.isEmpty ? .policy(name, nil) : .policy(name, policy)
    }

    private func bind(_ queue: String) -> ModelOperation {
        let exchange = random.pick(["amq.fanout", "amq.direct"])
        let key = exchange == "amq.direct" ? random.pick(Self.names) : ""
        let binding = ModelBinding(exchange: exchange, routingKey: key, queue: queue)
        return model.bindings.contains(binding) && random.chance(50) ? .unbind(binding) : .bind(binding)
    }

    /// Those that are stopped go on soon, or nothing would ever happen.
    private func pause(_ names: [String]) -> ModelOperation? {
        let paused = names.filter { model.queues[$0]?.isPaused == true }
        if !paused.isEmpty, random.chance(70) { return .pause(random.pick(paused), false) }
        return names.isEmpty ? nil : .pause(random.pick(names), true)
    }

    // MARK: Messages

    private func message() -> ModelPublish {
        publishCount += 1
        let exchange = random.pick(["", "", "", "", "amq.fanout", "amq.direct"])
        let body = "\(publishCount)" + String(repeating: ".", count: random.chance(40) ? random.below(12) : 0)
        let key = random.pick(Self.names)
        var message = ModelMessage(body: body, exchange: exchange, routingKey: key)
        message.isPersistent = random.chance(60)
        if random.chance(30) { message.priority = UInt8(random.below(7)) }
        let targets = model.route(exchange, key).compactMap { model.queues[$0]?.arguments }
        if random.chance(20), !isJournaled || targets.allSatisfy(\.knowsItsMessages) {
            message.expiration = random.pick([0, 2, 5, 12, 30])
        }
        if random.chance(30) { message.deduplication = "\(random.below(4))" }
        return ModelPublish(
            exchange: exchange, routingKey: key, isMandatory: random.chance(20), message: message)
    }

    private func get(_ names: [String]) -> ModelOperation? {
        guard !names.isEmpty, let queue = model.queues[random.pick(names)] else { return nil }
        // RabbitMQ refuses it.
        if queue.arguments.isQuorum, queue.arguments.isSingleActive { return nil }
        return .get(queue.name, noAck: random.chance(30))
    }

    private func consume(_ names: [String], _ client: Int) -> ModelOperation? {
        guard !names.isEmpty, let prefetchCount = model.clients[client]?.prefetchCount else { return nil }
        consumerCount += 1
        return .consume(
            random.pick(names),
            ModelConsumer(
                tag: "c\(consumerCount)", client: client, noAck: random.chance(20), prefetchCount: prefetchCount,
                priority: random.chance(40) ? random.below(5) - 2 : 0))
    }

    private func cancel(_ client: Int) -> ModelOperation? {
        let tags = model.queues.values.flatMap(\.consumers).filter { $0.client == client }.map(\.tag).sorted()
        return tags.isEmpty ? nil : .cancel(random.pick(tags))
    }

    private func settle(_ client: Int) -> ModelOperation? {
        guard let tags = model.clients[client]?.unacked.map(\.tag), !tags.isEmpty else { return nil }
        let isMultiple = random.chance(25)
        let tag = isMultiple && random.chance(30) ? 0 : random.pick(tags)
        switch random.below(10) {
        case 0..<3: return .ack(tag, multiple: isMultiple)
        case 3..<6: return .nack(tag, multiple: isMultiple, requeue: true)
        case 6..<8: return .nack(tag, multiple: isMultiple, requeue: false)
        default: return tag == 0 ? .nack(0, multiple: true, requeue: false) : .reject(tag, requeue: random.chance(40))
        }
    }

    private func restart() -> ModelOperation? {
        guard isJournaled else { return nil }
        return .restart(
            isInOrder: random.chance(50), afterMilliseconds: random.chance(50) ? 0 : UInt64(random.below(20)))
    }
}
