import AMQPWire
import Routing
import SplitMix
import Testing

@testable import Broker

/// A broker and a model of it under the same random use.
final class SemanticsRun {
    private var broker: Conversation
    var random: SplitMix64
    private let shardCount: Int
    private var clients: [Int: ConversationClient] = [:]
    private var unconfirmed: [Int: Set<UInt64>] = [:]
    /// What the broker may be, as far as anybody can tell.
    private var models: [ModelBroker]
    private(set) var operations: [String] = []
    private(set) var failure: String?
    /// More may have happened than can be tried out: the run ends early.
    private(set) var isUndecidable = false
    /// nil: without a journal.
    private var journal: SemanticsJournal?
    var isJournaled: Bool { journal != nil }
    var publishCount = 0
    /// How much was tried out.
    private(set) var trialCount = 0
    var consumerCount = 0

    static let clientCount = 4
    private static let modelLimit = 200
    private static let trialLimit = 1000

    init(seed: UInt64, shardCount: Int, isJournaled: Bool) {
        random = SplitMix64(seed: seed)
        self.shardCount = shardCount
        journal = isJournaled ? SemanticsJournal(shardCount: shardCount) : nil
        broker = Conversation(
            shards: shardCount, settings: BrokerSettings(), journal: journal?.driven, disk: journal?.disk)
        models = [ModelBroker(milliseconds: broker.wallMilliseconds)]
        for client in 0..<Self.clientCount { connect(client) }
    }

    /// One of what the broker may be: what to do next is chosen by it.
    var model: ModelBroker { models[0] }

    private func connect(_ client: Int) {
        clients[client] = broker.connect(shard: random.below(shardCount))
        unconfirmed[client] = []
        for index in models.indices { models[index].clients[client] = ModelClient() }
    }

    func use(steps: Int) {
        for _ in 0..<steps where failure == nil && !isUndecidable {
            let (operation, client) = nextOperation()
            if case .restart(let isInOrder, let passed) = operation {
                restart(isInOrder: isInOrder, afterMilliseconds: passed)
            } else {
                step(operation, by: client)
            }
            if random.chance(70) { pass(milliseconds: UInt64(1 + random.below(random.chance(10) ? 60 : 4))) }
        }
        guard failure == nil else { return broker.shards.forEach { $0.deallocate() } }
        for client in clients.values { client.endSocket() }
        for client in clients.values { _ = client.takeAll() }
        broker.end(sourceLocation: #_sourceLocation)
    }

    // MARK: Time

    /// The clock never jumps over a moment at which something is due.
    private func pass(milliseconds: UInt64) {
        let end = broker.wallMilliseconds + milliseconds
        while failure == nil, !isUndecidable, broker.wallMilliseconds < end {
            let next = min(models.compactMap(\.nextMilliseconds).min() ?? end, end)
            step(.advance(to: max(next, broker.wallMilliseconds + 1)), by: 0)
        }
    }

    // MARK: Steps

    private func step(_ operation: ModelOperation, by client: Int) {
        if case .advance = operation {
        } else {
            operations.append("\(broker.wallMilliseconds % 1_000_000) client \(client): \(operation)")
        }
        send(operation, by: client)
        check(operation, by: client)
        if case .disconnect = operation { connect(client) }
        journal?.flush()
    }

    private func check(_ operation: ModelOperation, by client: Int) {
        let observed = observe()
        guard failure == nil else { return }
        var found: [ModelBroker] = []
        var known: Set<ModelBroker> = []
        var mismatches: [String] = []
        for model in models {
            var path: [Int]? = []
            var trials = 0
            while let next = path {
                trials += 1
                trialCount += 1
                if trials > Self.trialLimit { return isUndecidable = true }
                let trial = ModelTrial(observed, path: next)
                var after = model
                do throws(ModelMismatch) {
                    try after.perform(operation, by: client, trial)
                    if known.insert(after).inserted { found.append(after) }
                } catch {
                    mismatches.append(error.description)
                }
                path = trial.nextPath
            }
        }
        if found.isEmpty {
            var shown: [String] = []
            for mismatch in mismatches where !shown.contains(mismatch) && shown.count < 4 { shown.append(mismatch) }
            failure =
                "\(models[0])\nnow \(broker.wallMilliseconds % 1_000_000), then \(operation) of client \(client):\n"
                + shown.joined(separator: "\nor ")
        } else if found.count > Self.modelLimit {
            isUndecidable = true
        } else {
            models = found
        }
    }

    // MARK: What clients see

    private func observe() -> Observations {
        var observed = Observations()
        for client in clients.keys.sorted() {
            for received in clients[client]?.takeAll() ?? [] { take(received, client, &observed) }
        }
        let records = try? broker.controlPlane.withTopology { $0.virtualHosts[0].queues }
        for (name, record) in records ?? [:] {
            guard let queue = broker.shards[record.address.shard].queue(record.address) else { continue }
            observed.shards["\(name)"] = record.address.shard
            observed.queues["\(name)"] = Observations.Counts(
                ready: queue.pointee.readyCount, unacked: queue.pointee.unackedCount,
                consumers: queue.pointee.consumerCount)
        }
        return observed
    }

    private func take(_ received: Received, _ client: Int, _ observed: inout Observations) {
        guard case .method(let method, _, let content) = received else {
            failure = "client \(client) got \(received)"
            return
        }
        var properties = content?.properties ?? BasicProperties()
        properties.headers = properties.headers?.ordered
        let body = String(decoding: content?.body ?? [], as: UTF8.self)
        switch method {
        case .basicDeliver(let deliver):
            observed.deliveries[client, default: []].append(
                ObservedDelivery(
                    consumer: "\(deliver.consumerTag)", tag: deliver.deliveryTag,
                    isRedelivered: deliver.redelivered, exchange: "\(deliver.exchange)",
                    routingKey: "\(deliver.routingKey)", body: body, properties: properties, messageCount: 0))
        case .basicGetOk(let got):
            observed.deliveries[client, default: []].append(
                ObservedDelivery(
                    consumer: nil, tag: got.deliveryTag, isRedelivered: got.redelivered,
                    exchange: "\(got.exchange)", routingKey: "\(got.routingKey)", body: body,
                    properties: properties, messageCount: Int(got.messageCount)))
        case .basicAck(let ack): confirm(client, ack.deliveryTag, ack.multiple, true, &observed)
        case .basicNack(let nack): confirm(client, nack.deliveryTag, nack.multiple, false, &observed)
        case .basicReturn: observed.returns[client, default: []].append(body)
        case .basicCancel(let cancel): observed.cancelled[client, default: []].insert("\(cancel.consumerTag)")
        case .channelClose, .connectionClose: failure = "client \(client) got \(received)"
        default: observed.replies[client, default: []].append(readable(method))
        }
    }

    private func confirm(
        _ client: Int, _ tag: UInt64, _ isMultiple: Bool, _ isConfirmed: Bool, _ observed: inout Observations
    ) {
        let numbers = (unconfirmed[client] ?? []).filter { isMultiple ? $0 <= tag : $0 == tag }
        if !numbers.contains(tag) { failure = "client \(client) got a confirm of \(tag), which it did not wait for" }
        for number in numbers {
            unconfirmed[client]?.remove(number)
            observed.confirms[client, default: [:]][number] = isConfirmed
        }
    }
}

// To the broker.
extension SemanticsRun {
    private func send(_ operation: ModelOperation, by number: Int) {
        guard let client = clients[number] else { return }
        switch operation {
        case .declare(let name, let arguments, let isDurable, let isAutoDelete):
            client.send(
                QueueDeclare(
                    queue: short(name), durable: isDurable, autoDelete: isAutoDelete, arguments: arguments.table))
        case .delete(let name): client.send(QueueDelete(queue: short(name)))
        case .purge(let name): client.send(QueuePurge(queue: short(name)))
        case .bind(let binding):
            client.send(
                QueueBind(
                    queue: short(binding.queue), exchange: short(binding.exchange),
                    routingKey: short(binding.routingKey)))
        case .unbind(let binding):
            client.send(
                QueueUnbind(
                    queue: short(binding.queue), exchange: short(binding.exchange),
                    routingKey: short(binding.routingKey)))
        case .publish(let all): publish(all, client, number)
        case .get(let name, let noAck): client.send(BasicGet(queue: short(name), noAck: noAck))
        case .qos(let count): client.send(BasicQos(prefetchCount: UInt16(count)))
        case .consume(let name, let consumer):
            var arguments = FieldTable()
            if consumer.priority != 0 { arguments["x-priority"] = .int32(Int32(consumer.priority)) }
            client.send(
                BasicConsume(
                    queue: short(name), consumerTag: short(consumer.tag), noAck: consumer.noAck,
                    arguments: arguments))
        case .cancel(let tag): client.send(BasicCancel(consumerTag: short(tag)))
        case .ack(let tag, let multiple): client.send(BasicAck(deliveryTag: tag, multiple: multiple))
        case .nack(let tag, let multiple, let requeue):
            client.send(BasicNack(deliveryTag: tag, multiple: multiple, requeue: requeue))
        case .reject(let tag, let requeue): client.send(BasicReject(deliveryTag: tag, requeue: requeue))
        case .recover: client.send(BasicRecover(requeue: true))
        case .confirmSelect: client.send(ConfirmSelect())
        case .closeChannel:
            unconfirmed[number] = []
            client.send(ChannelClose(replyCode: 200, replyText: "OK"))
            client.send(ChannelOpen())
        case .disconnect: client.endSocket()
        case .advance(let time): broker.advance(milliseconds: time - broker.wallMilliseconds)
        case .policy(let name, let policy): set(policy, for: name)
        case .pause(let name, let isPaused): pause(name, isPaused)
        case .restart: break
        }
    }

    private func set(_ policy: ModelArguments?, for queue: String) {
        do throws(AdministrationError) {
            if let policy {
                let definition = FieldTable(
                    policy.table.entries.map {
                        FieldTable.Entry(name: short(String("\($0.name)".dropFirst(2))), value: $0.value)
                    })
                try broker.controlPlane.setPolicy(
                    Policy(
                        name: short(queue), pattern: "^\(queue)$", target: .queues, priority: 0,
                        definition: definition), virtualHost: "/")
            } else if model.policies[queue] != nil {
                try broker.controlPlane.clearPolicy(short(queue), virtualHost: "/")
            }
        } catch {
            failure = "the policy is refused: \(error)"
        }
        broker.advance(milliseconds: 0)
    }

    private func pause(_ name: String, _ isPaused: Bool) {
        do throws(AdministrationError) {
            try broker.controlPlane.setPaused(isPaused, queue: short(name), virtualHost: "/")
        } catch {
            failure = "the queue is not paused: \(error)"
        }
        broker.advance(milliseconds: 0)
    }

    private func publish(_ all: [ModelPublish], _ client: ConversationClient, _ number: Int) {
        let isConfirming = model.clients[number]?.isConfirming == true
        let latest = model.clients[number]?.latestPublish ?? 0
        var bytes: [UInt8] = []
        for (offset, publish) in all.enumerated() {
            let method = BasicPublish(
                exchange: short(publish.exchange), routingKey: short(publish.routingKey),
                mandatory: publish.isMandatory)
            bytes += frame(method)
            bytes += contentFrames(Array(publish.message.body.utf8), properties: publish.message.properties())
            if isConfirming { unconfirmed[number]?.insert(latest + 1 + UInt64(offset)) }
        }
        client.send(bytes: bytes)
    }

    private func short(_ text: String) -> ShortString { ShortString(truncating: text) }

    // MARK: Restarts

    private func restart(isInOrder: Bool, afterMilliseconds passed: UInt64) {
        guard let journal else { return }
        if isInOrder {
            for client in clients.keys.sorted() where failure == nil && !isUndecidable {
                step(.disconnect, by: client)
            }
            guard failure == nil, !isUndecidable else { return }
            for client in clients.values { client.endSocket() }
            for shard in broker.shards { shard.journalDelivered() }
            broker.settle()
        }
        journal.flush()
        operations.append("\(broker.wallMilliseconds % 1_000_000): restart, in order: \(isInOrder), after \(passed)")
        let elapsed = broker.milliseconds - Conversation.startMilliseconds + passed
        for shard in broker.shards { shard.deallocate() }
        let next = SemanticsJournal(shardCount: shardCount, log: journal.log)
        self.journal = next
        broker = Conversation(
            shards: shardCount, settings: BrokerSettings(), journal: next.driven, disk: next.disk,
            elapsedMilliseconds: elapsed, recover: next.recovered.recover)
        broker.settle()
        clients = [:]
        check(.restart(isInOrder: isInOrder, afterMilliseconds: passed), by: 0)
        next.flush()
        for client in 0..<Self.clientCount { connect(client) }
    }
}
