import AMQPWire
import Routing

// Counting. What is counted per message stands in memory that the message has led to anyway; who else wants to know is
// told by the run.
extension ShardState {
    @inline(__always)
    func countPublish(_ message: Message, _ channel: UnsafeMutablePointer<ChannelState>) {
        statistics.messages.publish &+= 1
        channel.pointee.counters.publish &+= 1
        statistics.sizes.add(message.bodyByteCount)
    }

    /// After confirms were written.
    func countConfirms(_ channel: UnsafeMutablePointer<ChannelState>) {
        let count = channel.pointee.confirm.confirmedCount
        statistics.messages.confirm &+= count &- channel.pointee.counters.confirm
        channel.pointee.counters.confirm = count
    }

    /// The channel's current route learns how many have taken it. Before the channel takes another.
    @inline(__always)
    func noteRoute(_ channel: UnsafeMutablePointer<ChannelState>) {
        let count = channel.pointee.counters.publish
        channel.pointee.routes.current.pointee.uncountedPublishes &+= count &- channel.pointee.notedPublishCount
        channel.pointee.notedPublishCount = count
    }

    /// The exchange of the channel's current route learns what was published to it. Before the route changes.
    func noteExchange(_ channel: UnsafeMutablePointer<ChannelState>) {
        noteRoute(channel)
        noteExchange(of: channel.pointee.routes.current, channel)
    }

    /// - Parameter route: one of the channel's.
    func noteExchange(of route: UnsafeMutablePointer<PublishRoute>, _ channel: UnsafeMutablePointer<ChannelState>) {
        let count = route.pointee.uncountedPublishes
        guard count > 0 else { return }
        route.pointee.uncountedPublishes = 0
        guard let exchange = route.pointee.countedExchange else { return }
        let host = channel.pointee.connection.pointee.virtualHostIndex
        virtualHosts[host].counters.note(
            exchange, publishes: count, targets: queueCount(route.pointee.queues, host))
        if settings.countsPairs { notePairs(channel, exchange, route.pointee.queues, count: count, host) }
    }

    /// Gates of exchanges are no queues.
    private func queueCount(_ routes: RouteBuffer, _ host: Int) -> Int {
        if virtualHosts[host].gates.isEmpty { return routes.count }
        let gates = virtualHosts[host].gates.values
        return (0..<routes.count).count { target in !gates.contains { $0 == routes[target] } }
    }

    /// The channel's exchange and virtual host learn what it has counted.
    func noteCounters(_ channel: UnsafeMutablePointer<ChannelState>) {
        noteRoute(channel)
        channel.pointee.routes.forEach { noteExchange(of: $0, channel) }
        guard channel.pointee.counters != channel.pointee.notedCounters else { return }
        let host = channel.pointee.connection.pointee.virtualHostIndex
        virtualHosts[host].counters.messages += channel.pointee.counters - channel.pointee.notedCounters
        channel.pointee.notedCounters = channel.pointee.counters
    }

    /// The connection's virtual host learns what its socket has given and taken.
    func noteTraffic(_ connection: UnsafeMutablePointer<ConnectionState>) {
        guard connection.pointee.isInVirtualHost else { return }
        let traffic = connection.pointee.traffic
        let host = connection.pointee.virtualHostIndex
        virtualHosts[host].counters.receivedByteCount &+= traffic.receivedByteCount &- traffic.notedReceivedByteCount
        virtualHosts[host].counters.sentByteCount &+= traffic.sentByteCount &- traffic.notedSentByteCount
        connection.pointee.traffic.notedReceivedByteCount = traffic.receivedByteCount
        connection.pointee.traffic.notedSentByteCount = traffic.sentByteCount
    }

    /// Channels and connections from a place on, at most so many channels, tell their exchanges and virtual hosts what
    /// they have counted. Returns the place to go on from; nil at the end.
    package func noteCounters(from start: Int, limit: Int) -> Int? {
        var noted: UnsafeMutablePointer<ConnectionState>?
        return forEachChannel(from: start, limit: limit) { channel in
            noteCounters(channel)
            if noted != channel.pointee.connection { noteTraffic(channel.pointee.connection) }
            noted = channel.pointee.connection
        }
    }

    /// What these exchanges have done on this shard, once `noteCounters` or `sampleChannels` has been everywhere.
    package func exchangeCounters(of exchanges: [ExchangeReference]) -> [ExchangeCounters] {
        exchanges.map { exchange in
            exchange.virtualHostIndex < virtualHosts.count
                ? virtualHosts[exchange.virtualHostIndex].counters.counters(of: exchange.id) : ExchangeCounters()
        }
    }

    /// How fast these exchanges were between the latest two samples, on this shard.
    package func exchangeRates(of exchanges: [ExchangeReference]) -> [ExchangeRates] {
        exchanges.map { exchange in
            guard exchange.virtualHostIndex < virtualHosts.count, let seconds = sampleTimes.intervalSeconds else {
                return ExchangeRates()
            }
            let counters = virtualHosts[exchange.virtualHostIndex].counters
            return ExchangeRates(counters.latestDifference(of: exchange.id), seconds: seconds)
        }
    }

    /// Everything that the shard counts for itself.
    package var allStatistics: ShardStatistics {
        var all = statistics
        all.classic = typeCounters.classic.pointee
        all.quorum = typeCounters.quorum.pointee
        all.messages.diskReads = all.classic.diskReads &+ all.quorum.diskReads
        all.messages.diskWrites = all.classic.diskWrites &+ all.quorum.diskWrites
        return all
    }

    /// The connection of a channel that is open, and so is its connection.
    func details(of channel: UnsafeMutablePointer<ChannelState>) -> ConnectionDetails {
        let connection = channel.pointee.connection
        if let details = connection.pointee.details { return details }
        return ConnectionDetails(
            address: connection.pointee.address, peer: connection.pointee.peer, user: connection.pointee.user,
            virtualHost: connection.pointee.virtualHost)
    }
}
