import AMQPWire
import Routing

// Counting by pairs: which channel publishes to which exchange, which exchange fills which queue, which channel takes
// from which queue. Publishes are noted by the run, as the exchange's are; deliveries and acks one by one, behind a
// flag of the channel that tracing looks at too.
extension ShardState {
    /// - Parameters:
    ///   - queues: where the exchange's messages went.
    ///   - count: of these messages.
    @inline(never)
    func notePairs(
        _ channel: UnsafeMutablePointer<ChannelState>, _ exchange: ExchangeCount, _ queues: RouteBuffer, count: UInt64,
        _ host: Int
    ) {
        channel.pointee.pairs?.publishes.note(exchange) { $0.publish &+= count }
        let gates = virtualHosts[host].gates.values
        for target in 0..<queues.count {
            let queue = queues[target]
            if gates.contains(queue) { continue }
            virtualHosts[host].outgoing.note(ExchangeToQueue(exchange: exchange, queue: queue)) {
                $0.publish &+= count
            }
        }
    }

    /// A message was delivered on the channel, or got.
    @inline(never)
    func watch(
        _ entry: QueueEntry, of queue: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>, noAck: Bool,
        isGot: Bool
    ) {
        if channel.pointee.isTraced { trace(entry, of: queue, channel) }
        channel.pointee.pairs?.deliveries.note(queue) { counters in
            switch (isGot, noAck) {
            case (false, false): counters.deliver &+= 1
            case (false, true): counters.deliverNoAck &+= 1
            case (true, false): counters.get &+= 1
            case (true, true): counters.getNoAck &+= 1
            }
            if entry.isRedelivered { counters.redeliver &+= 1 }
        }
    }

    @inline(never)
    func watchAck(of queue: QueueAddress, _ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.pairs?.deliveries.note(queue) { $0.ack &+= 1 }
    }

    func samplePairs(_ channel: UnsafeMutablePointer<ChannelState>) {
        channel.pointee.pairs?.publishes.takeSample(sampleTimes.latestNumber)
        channel.pointee.pairs?.deliveries.takeSample(sampleTimes.latestNumber)
    }

    /// Once channels have told everything. What is gone is forgotten.
    func samplePairs(ofVirtualHost host: Int) {
        guard settings.countsPairs else { return }
        virtualHosts[host].outgoing.takeSample(sampleTimes.latestNumber)
        virtualHosts[host].forgetEndedPairs()
    }
}

extension VirtualHostReplica {
    fileprivate mutating func forgetEndedPairs() {
        var pairs = MessagePairs<ExchangeToQueue>()
        swap(&pairs, &outgoing)
        pairs.remove { !routing.contains($0.queue) || !counters.isCurrent($0.exchange) }
        swap(&pairs, &outgoing)
    }
}

// Telling, once `noteCounters` has been everywhere.
extension ShardState {
    /// Channels from a place on, at most so many, that have published to the exchange.
    package func channels(
        publishingTo exchange: ExchangeReference, from start: Int, limit: Int
    ) -> (items: [ChannelActivity], next: Int?) {
        guard exchange.virtualHostIndex < virtualHosts.count else { return ([], nil) }
        let key = virtualHosts[exchange.virtualHostIndex].counters.count(of: exchange.id)
        return channels(from: start, limit: limit) { channel in
            guard channel.pointee.connection.pointee.virtualHostIndex == exchange.virtualHostIndex else { return nil }
            return channel.pointee.pairs?.publishes.activity(of: key, seconds: sampleTimes.intervalSeconds)
        }
    }

    /// Channels from a place on, at most so many, that have got messages of the queue.
    package func channels(
        takingFrom queue: QueueAddress, from start: Int, limit: Int
    ) -> (items: [ChannelActivity], next: Int?) {
        channels(from: start, limit: limit) { channel in
            channel.pointee.pairs?.deliveries.activity(of: queue, seconds: sampleTimes.intervalSeconds)
        }
    }

    private func channels(
        from start: Int, limit: Int, _ activity: (UnsafeMutablePointer<ChannelState>) -> MessageActivity?
    ) -> (items: [ChannelActivity], next: Int?) {
        var items: [ChannelActivity] = []
        let next = forEachChannel(from: start, limit: limit) { channel in
            guard let found = activity(channel), let connection = channel.pointee.connection.pointee.details else {
                return
            }
            items.append(
                ChannelActivity(connection: connection, channelNumber: channel.pointee.number, activity: found))
        }
        return (items, next)
    }

    /// The queues that the exchange has handed messages to, from this shard's channels.
    package func queues(behind exchange: ExchangeReference) -> [NamedActivity] {
        let host = exchange.virtualHostIndex
        guard host < virtualHosts.count else { return [] }
        let key = virtualHosts[host].counters.count(of: exchange.id)
        let pairs = virtualHosts[host].outgoing.all(seconds: sampleTimes.intervalSeconds)
        return queueNames(
            pairs.filter { $0.key.exchange == key }.map { (key: $0.key.queue, activity: $0.activity) }, host)
    }

    /// The exchanges that have handed messages to the queue, from this shard's channels.
    package func exchanges(before queue: QueueAddress, virtualHostIndex host: Int) -> [NamedActivity] {
        guard host < virtualHosts.count else { return [] }
        let pairs = virtualHosts[host].outgoing.all(seconds: sampleTimes.intervalSeconds)
        return exchangeNames(
            pairs.filter { $0.key.queue == queue }.map { (key: $0.key.exchange, activity: $0.activity) }, host)
    }

    /// What a channel has published to which exchanges, and got from which queues; nil when it is gone.
    package func pairs(
        ofChannel number: UInt16, of address: ConnectionAddress
    ) -> (publishes: [NamedActivity], deliveries: [NamedActivity])? {
        guard let connection = connection(address), let channel = connection.pointee.channel(number) else { return nil }
        guard let pairs = channel.pointee.pairs else { return ([], []) }
        let (host, seconds) = (connection.pointee.virtualHostIndex, sampleTimes.intervalSeconds)
        return (
            exchangeNames(pairs.publishes.all(seconds: seconds), host),
            queueNames(pairs.deliveries.all(seconds: seconds), host)
        )
    }

    /// Without those that are gone.
    private func queueNames(_ items: [(key: QueueAddress, activity: MessageActivity)], _ host: Int) -> [NamedActivity] {
        let names = try? controlPlane.withTopology { topology in
            items.map { topology.virtualHosts[host].queueName(at: $0.key) }
        }
        return zip(names ?? [], items).compactMap { name, item in
            name.map { NamedActivity(name: $0, activity: item.activity) }
        }
    }

    private func exchangeNames(
        _ items: [(key: ExchangeCount, activity: MessageActivity)], _ host: Int
    ) -> [NamedActivity] {
        let current = items.filter { virtualHosts[host].counters.isCurrent($0.key) }
        let names = try? controlPlane.withTopology { topology in
            current.map { topology.virtualHosts[host].exchangeName(of: $0.key.id) }
        }
        return zip(names ?? [], current).compactMap { name, item in
            name.map { NamedActivity(name: $0, activity: item.activity) }
        }
    }
}
