import AMQPWire
import Routing
import SplitMix

@testable import Broker

/// A node, its clients, and one random order of everything that can happen between them.
final class Simulation {
    let node: SimulatedNode
    let ledger: SimulatedLedger
    private(set) var clients: [SimulatedClient] = []
    private var administrators: [SimulatedClient] = []
    private var random: SplitMix64

    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let shardCount = random.pick([1, 2, 2, 4])
        var settings = BrokerSettings()
        settings.probesLockHolders = random.chance(50)
        node = SimulatedNode(shardCount: shardCount, settings: settings, random: &random)
        ledger = SimulatedLedger(topology: SimulatedTopology(shardCount: shardCount, random: &random))
        self.random = random
        for _ in 0..<shardCount { administrators.append(client(.administrator)) }
        let roles: [(SimulatedClient.Role, Int)] = [
            (.publisher, 2 + random.below(2)), (.consumer, 2 + random.below(3)), (.noAckConsumer, 1), (.churner, 2),
        ]
        for (role, count) in roles {
            for _ in 0..<count { clients.append(client(role)) }
        }
    }

    private func client(_ role: SimulatedClient.Role) -> SimulatedClient {
        SimulatedClient(
            index: clients.count + administrators.count, role: role, ledger: ledger,
            random: SplitMix64(seed: random.next()))
    }

    /// Runs to the end; returns what went wrong first.
    func run(steps: Int) -> String? {
        node.willEnd = { [unowned self] in socketEnds($0) }
        setUp()
        for step in 0..<steps where ledger.failure == nil {
            self.step()
            if step % 50 == 0 { checkInvariants() }
        }
        quiesce("before the end")
        checkNothingIsStuck()
        endClients()
        drainQueues()
        ledger.checkNothingIsLost()
        removeEverything()
        checkNothingIsLeaked()
        if ledger.failure == nil { node.deallocate() }
        return ledger.failure
    }

    // MARK: Phases

    private func setUp() {
        for shard in administrators.indices { administrators[shard].connect(node, shard: shard) }
        settle()
        let channels = administrators.map { $0.openChannel(1) }
        for exchange in ledger.topology.exchanges {
            administrators[0].ask(
                .exchangeDeclare(
                    ExchangeDeclare(
                        exchange: ShortString(truncating: exchange.name),
                        type: ShortString(truncating: exchange.kind.rawValue))), on: channels[0])
        }
        for queue in ledger.topology.queues {
            var declare = QueueDeclare(queue: ShortString(truncating: queue.name), durable: true)
            if let name = queue.deadLetterExchange { declare.arguments = ["x-dead-letter-exchange": .string(name)] }
            administrators[queue.shard].ask(
                .queueDeclare(declare), on: channels[queue.shard], detail: .name(queue.name))
        }
        settle()
        for binding in ledger.topology.bindings {
            let source = ShortString(truncating: binding.source)
            let key = ShortString(truncating: binding.key)
            if let queue = binding.toQueue {
                let name = ShortString(truncating: ledger.topology.queues[queue].name)
                administrators[0].ask(
                    .queueBind(QueueBind(queue: name, exchange: source, routingKey: key)), on: channels[0])
            } else if let exchange = binding.toExchange {
                let bind = ExchangeBind(
                    destination: ShortString(truncating: exchange), source: source, routingKey: key)
                administrators[0].ask(.exchangeBind(bind), on: channels[0])
            }
        }
        settle()
    }

    private func step() {
        switch random.below(100) {
        case 0..<35: random.pick(clients).act()
        case 35..<60:
            guard let socket = node.sockets.randomElement(using: &random) else { return }
            node.read(
                socket, limit: 1 + random.below(random.pick([10, 300, 5000, 65_536])), reads: 1 + random.below(3))
        case 60..<75:
            guard let pair = node.pairsWithMail.randomElement(using: &random) else { return }
            node.deliverMail(from: pair.source, to: pair.target, count: 1 + random.below(3))
        case 75..<90: receiveSomething(random.pick(clients), limit: 1 + random.below(random.pick([50, 1000, 100_000])))
        case 90..<92:
            guard let socket = node.sockets.randomElement(using: &random) else { return }
            node.setStuck(socket, !socket.isStuck && random.chance(40))
        case 92..<94: endSomething()
        case 94..<98: connectSomething(random.pick(clients))
        case 98:
            if !node.probes.isEmpty { node.finishProbe(random.below(node.probes.count)) }
            node.continueUnfinishedWork()
        default: node.tick(afterMilliseconds: UInt64(random.below(500)))
        }
    }

    private func receiveSomething(_ client: SimulatedClient, limit: Int) {
        guard let socket = client.socket, !socket.isStuck, !socket.clientHasEnded else { return }
        client.receive(node.take(socket, limit: limit))
    }

    private func connectSomething(_ client: SimulatedClient) {
        guard client.phase == .idle, client.socket == nil, !client.isQuiescing else { return }
        if client.waitsBeforeReconnect > 0 {
            client.waitsBeforeReconnect -= 1
        } else {
            client.connect(node, shard: random.below(node.shards.count))
        }
    }

    /// A socket whose client is gone, or that the broker wants closed, comes to its end.
    private func endSomething() {
        for client in clients + administrators {
            guard let socket = client.socket else { continue }
            let isRead = socket.brokerCloses && (socket.toClient.count == 0 || client.phase == .ended)
            if socket.clientHasEnded || isRead { node.end(socket) }
        }
    }

    private func socketEnds(_ socket: SimulatedSocket) {
        let client = (clients + administrators).first { $0.socket === socket }
        client?.socketEnds(readCount: socket.toBroker.readCount)
    }
}

// The end.
extension Simulation {
    /// Everything that is under way arrives, in order of nothing in particular.
    private func settle() {
        for _ in 0..<20_000 where ledger.failure == nil {
            for pair in node.pairsWithMail { node.deliverMail(from: pair.source, to: pair.target) }
            node.continueUnfinishedWork()
            while !node.probes.isEmpty { node.finishProbe(0) }
            for client in clients + administrators {
                guard let socket = client.socket else { continue }
                if socket.isStuck { node.setStuck(socket, false) }
                node.read(socket, limit: 65_536)
                receiveSomething(client, limit: .max)
                client.act()
            }
            endSomething()
            if node.isQuiet, (clients + administrators).allSatisfy(\.isQuiet) { return }
        }
    }

    private func quiesce(_ moment: String) {
        for client in clients { client.isQuiescing = true }
        settle()
        for client in clients + administrators where !client.isQuiet {
            let channels = client.channels.values.map {
                "\($0.number): expects \($0.expected), \($0.confirmedCount) of \($0.publishCount) confirmed, "
                    + "\($0.unacked.count) unacked"
            }
            client.fail("\(moment) it still waits in phase \(client.phase): \(channels)")
        }
        if !node.isQuiet { ledger.fail("\(moment) the node does not come to rest") }
        checkInvariants()
    }

    /// A queue with a consumer that has credit keeps nothing.
    private func checkNothingIsStuck() {
        let consumed = clients.flatMap { $0.channels.values.flatMap { $0.consumers.values.compactMap(\.queue) } }
        for queue in Set(consumed) {
            let left = ledger.leftIn(queue: queue)
            if !left.isEmpty {
                ledger.fail("\(left.count) messages are stuck in \(ledger.topology.queues[queue].name)")
            }
        }
    }

    private func endClients() {
        for client in clients {
            if random.chance(50) { client.close() } else { client.die() }
        }
        settle()
        for client in clients where client.socket != nil { client.fail("it does not end: \(client.phase)") }
    }

    private func drainQueues() {
        guard ledger.failure == nil, let channel = administrators[0].channels[1] else { return }
        for (index, queue) in ledger.topology.queues.enumerated() {
            let name = ShortString(truncating: queue.name)
            // Each get-ok tells how many are left; the ledger knows what must be among them.
            for _ in 0..<100_000 where ledger.failure == nil {
                let tag = channel.latestTag
                administrators[0].ask(
                    .basicGet(BasicGet(queue: name, noAck: true)), on: channel, detail: .get(queue: index, noAck: true))
                settle()
                if channel.latestTag == tag { break }
            }
        }
    }

    private func removeEverything() {
        guard ledger.failure == nil, let channel = administrators[0].channels[1] else { return }
        let names = ledger.topology.queues.map(\.name) + (0..<5).map { "c\($0)" } + serverNamedQueues
        for name in names {
            administrators[0].ask(.queueDelete(QueueDelete(queue: ShortString(truncating: name))), on: channel)
        }
        for name in ledger.topology.exchanges.map(\.name) + (0..<3).map({ "x\($0)" }) {
            administrators[0].ask(
                .exchangeDelete(ExchangeDelete(exchange: ShortString(truncating: name))), on: channel)
        }
        settle()
        quiesce("after removing everything")
        for administrator in administrators { administrator.close() }
        settle()
    }

    private var serverNamedQueues: [String] {
        let names = try? node.controlPlane.withTopology { $0.virtualHosts[0].queues.keys.map(\.description) }
        return (names ?? []).filter { $0.hasPrefix("amq.gen-") }
    }
}

// What must hold inside the broker, whatever happened.
extension Simulation {
    private func checkInvariants() {
        for shard in node.shards {
            for slot in shard.queues.occupiedSlots() {
                guard let queue = shard.queues[slot] else { continue }
                for reference in queue.pointee.consumers.references {
                    guard let credit = queue.pointee.consumers.credit(reference) else { continue }
                    check(credit, of: queue, on: shard)
                }
            }
            for (target, byteCount) in shard.transitByteCounts.enumerated() where byteCount < 0 {
                ledger.fail("shard \(shard.index) has \(byteCount) bytes on their way to \(target)")
            }
        }
    }

    private func check(
        _ credit: UnsafeMutablePointer<ConsumerCredit>, of queue: UnsafeMutablePointer<QueueState>, on shard: ShardState
    ) {
        let address = credit.pointee.channelAddress
        if Int(address.connection.shard) != shard.index {
            if shard.remoteWindows[address.connection] != credit.pointee.window {
                ledger.fail("a consumer of \(queue.pointee.name) points at a window that is gone")
            }
        } else if shard.channel(address) == nil || shard.channel(address) != credit.pointee.channel {
            ledger.fail("a consumer of \(queue.pointee.name) points at a channel that is gone")
        }
        if credit.pointee.prefetchCount > 0, credit.pointee.unackedCount > credit.pointee.prefetchCount {
            ledger.fail("a consumer of \(queue.pointee.name) holds more than its prefetch")
        }
    }

    private func checkNothingIsLeaked() {
        guard ledger.failure == nil else { return }
        for shard in node.shards {
            func check(_ what: String, _ count: Int) {
                if count != 0 { ledger.fail("shard \(shard.index) has \(count) \(what) left") }
            }
            check("messages", shard.messages.messageCount)
            check("bytes of messages", shard.messages.byteCount)
            check("connections", shard.connections.occupiedSlots().count)
            check("queues", shard.queues.occupiedSlots().count)
            check("remote windows", shard.remoteWindows.count)
            check("bytes in transit", shard.transitByteCounts.reduce(0) { $0 + abs($1) })
            check("paused publishers", shard.pausedPublishers.count)
            check("ended channels", shard.endedChannels.count)
        }
    }
}
