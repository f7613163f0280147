import AMQPWire
import Routing

/// What a walk over a shard's queues and channels has summed up, by virtual host.
package struct ShardSums: Sendable, Equatable {
    /// By the virtual host's index.
    package var virtualHosts: [Int: VirtualHostSnapshot] = [:]
    /// `global_publishers`: channels that have published.
    package var publisherCount = 0

    package init() {}

    package static func + (left: ShardSums, right: ShardSums) -> ShardSums {
        var sum = left
        sum.virtualHosts.merge(right.virtualHosts) { $0 + $1 }
        sum.publisherCount += right.publisherCount
        return sum
    }

    fileprivate mutating func add(_ sum: VirtualHostSnapshot, host: Int) {
        if sum.queueCount > 0 { virtualHosts[host] = virtualHosts[host].map { $0 + sum } ?? sum }
    }

    /// Of all virtual hosts.
    package var total: VirtualHostSnapshot { virtualHosts.values.reduce(VirtualHostSnapshot(), +) }
}

// Sampling. Somebody outside keeps time: `beginSample`, then `sampleQueues` and `sampleChannels` until each has been
// everywhere. Between samples `sumQueues` and `sumChannels` may go round as well. In steps, which are short: there may
// be a hundred thousand queues, of which most stand still.
extension ShardState {
    /// Sums up queues from a place on, at most so many. Returns the place to go on from; nil at the end.
    package func sumQueues(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        walkQueues(from: start, limit: limit, into: &sums) { _ in }
    }

    /// The same, and takes the sample that has begun.
    package func sampleQueues(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * Self.queueSeriesCount) { scratch in
            walkQueues(from: start, limit: limit, into: &sums) { sample($0, scratch) }
        }
    }

    @inline(__always)
    private func walkQueues(
        from start: Int, limit: Int, into sums: inout ShardSums, _ body: (UnsafeMutablePointer<QueueState>) -> Void
    ) -> Int? {
        // Queues of one virtual host stand mostly together: they are summed up apart from the table of all.
        var host = 0
        var sum = VirtualHostSnapshot()
        let next = queues.forEachOccupied(from: start, limit: limit) { queue in
            guard queue.pointee.isShown else { return }
            if queue.pointee.virtualHostIndex != host {
                sums.add(sum, host: host)
                sum = VirtualHostSnapshot()
                host = queue.pointee.virtualHostIndex
            }
            sum.readyCount += queue.pointee.readyCount
            sum.unackedCount += queue.pointee.unackedCount
            sum.consumerCount += queue.pointee.consumers.count
            sum.queueCount += 1
            sum.counters.diskReads &+= queue.pointee.counters.diskReads
            sum.counters.diskWrites &+= queue.pointee.counters.diskWrites
            body(queue)
        }
        sums.add(sum, host: host)
        return next
    }

    /// The same for channels and their connections. Exchanges and virtual hosts are told what their channels counted.
    package func sumChannels(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        walkChannels(from: start, limit: limit, into: &sums) { _ in }
    }

    package func sampleChannels(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        let next = walkChannels(from: start, limit: limit, into: &sums) { channel in
            sample(channel)
            samplePairs(channel)
        }
        // Now the exchanges know everything.
        if next == nil {
            for host in virtualHosts.indices {
                virtualHosts[host].counters.takeSample(sampleTimes.latestNumber)
                samplePairs(ofVirtualHost: host)
            }
        }
        return next
    }

    private func walkChannels(
        from start: Int, limit: Int, into sums: inout ShardSums, _ body: (UnsafeMutablePointer<ChannelState>) -> Void
    ) -> Int? {
        var seen: UnsafeMutablePointer<ConnectionState>?
        return forEachChannel(from: start, limit: limit) { channel in
            noteCounters(channel)
            let connection = channel.pointee.connection
            let host = connection.pointee.virtualHostIndex
            sums.virtualHosts[host, default: VirtualHostSnapshot()].channelCount += 1
            if channel.pointee.counters.publish > 0 { sums.publisherCount += 1 }
            if seen != connection { noteTraffic(connection) }
            seen = connection
            body(channel)
        }
    }

    /// Takes samples of connections from a place on, at most so many, whose virtual hosts are told what their sockets
    /// have given and taken. Returns the place to go on from; nil at the end.
    package func sampleConnections(from start: Int, limit: Int) -> Int? {
        connections.forEachOccupied(from: start, limit: limit) { connection in
            guard connection.pointee.isVisible else { return }
            noteTraffic(connection)
            if sampleTimes.latestNumber > 0 { sample(connection) }
        }
    }

    /// What each virtual host's clients have done on this shard, once `sampleChannels` has been everywhere.
    package func addVirtualHostCounters(to sums: inout ShardSums) {
        for host in virtualHosts.indices {
            let counters = virtualHosts[host].counters
            sums.virtualHosts[host, default: VirtualHostSnapshot()].counters += counters.messages
            sums.virtualHosts[host]?.receivedByteCount &+= counters.receivedByteCount
            sums.virtualHosts[host]?.sentByteCount &+= counters.sentByteCount
        }
    }

    /// From now on samples are of this moment.
    package func beginSample() {
        sampleTimes.begin(now.wallMilliseconds)
    }
}

// Queues.
extension ShardState {
    /// Ready and unacked come behind the counters.
    fileprivate static let lengthSeries = MessageCounters.queueSeriesCount
    fileprivate static let queueSeriesCount = lengthSeries + 2

    /// - Parameter scratch: for the values of two samples.
    private func sample(
        _ queue: UnsafeMutablePointer<QueueState>, _ scratch: UnsafeMutableBufferPointer<UInt64>
    ) {
        sampleCapacity(queue)
        // Of a queue that nobody has ever used nothing is kept.
        if queue.pointee.history == nil, !queue.pointee.wasUsed { return }
        let values = UnsafeMutableBufferPointer(rebasing: scratch[..<Self.queueSeriesCount])
        queue.pointee.writeSeries(to: values)
        if let history = queue.pointee.history {
            if history.note(UnsafeBufferPointer(values), number: sampleTimes.latestNumber) {
                queue.pointee.activeMilliseconds = now.wallMilliseconds
            }
            return
        }
        let base = UnsafeMutableBufferPointer(rebasing: scratch[Self.queueSeriesCount...])
        queue.pointee.writeBaseSeries(to: base)
        let history = SampleHistory(base: UnsafeBufferPointer(base), number: sampleTimes.latestNumber - 1)
        _ = history.note(UnsafeBufferPointer(values), number: sampleTimes.latestNumber)
        queue.pointee.history = history
        queue.pointee.activeMilliseconds = now.wallMilliseconds
    }

    /// How often of the samples a consumer could take a message; each older sample weighs a fifth less.
    private func sampleCapacity(_ queue: UnsafeMutablePointer<QueueState>) {
        guard queue.pointee.consumers.count > 0 else {
            queue.pointee.consumerCapacity = nil
            return
        }
        let sample: Float = queue.pointee.consumers.availableCredit > 0 ? 1 : 0
        queue.pointee.consumerCapacity = queue.pointee.consumerCapacity.map { $0 * 0.8 + sample * 0.2 } ?? sample
    }

    /// As sampled; of a queue that has not been sampled with consumers, as it is now.
    ///
    /// - Precondition: it has consumers.
    func consumerCapacity(of queue: UnsafeMutablePointer<QueueState>) -> Double {
        queue.pointee.consumerCapacity.map(Double.init) ?? (queue.pointee.consumers.availableCredit > 0 ? 1 : 0)
    }

    private func isIdle(_ queue: UnsafeMutablePointer<QueueState>) -> Bool {
        guard let history = queue.pointee.history else { return !queue.pointee.wasUsed }
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.queueSeriesCount) { values in
            queue.pointee.writeSeries(to: values)
            return history.isAt(UnsafeBufferPointer(values))
        }
    }

    /// Rates of a queue, and since when it is idle.
    func addSamples(of queue: UnsafeMutablePointer<QueueState>, to snapshot: inout QueueSnapshot) {
        snapshot.idleSinceMilliseconds = idleSinceMilliseconds(of: queue)
        guard let rates = rates(of: queue) else { return }
        snapshot.rates = rates.messages
        snapshot.lengthRates = rates.lengths
    }

    /// nil while it is in use.
    func idleSinceMilliseconds(of queue: UnsafeMutablePointer<QueueState>) -> UInt64? {
        isIdle(queue) ? queue.pointee.activeMilliseconds : nil
    }

    /// nil where there is nothing to tell.
    func rates(of queue: UnsafeMutablePointer<QueueState>) -> (messages: MessageRates, lengths: LengthRates)? {
        guard let history = queue.pointee.history, let seconds = sampleTimes.intervalSeconds else { return nil }
        let differences = MessageCounters(queueSeries: { UInt64(bitPattern: Int64(history.latestDifference($0))) })
        let lengths = LengthRates(
            ready: Double(history.latestDifference(Self.lengthSeries)) / seconds,
            unacked: Double(history.latestDifference(Self.lengthSeries + 1)) / seconds
        )
        return (MessageRates(differences, seconds: seconds), lengths)
    }

    /// What a queue's counters and lengths were at the latest samples; nil when it is gone.
    package func samples(ofQueue address: QueueAddress) -> SampleSeries? {
        guard let queue = queue(address) else { return nil }
        var series = SampleSeries()
        guard let history = queue.pointee.history else { return series }
        series.milliseconds = sampleTimes.milliseconds
        let count = series.milliseconds.count
        let values = (0..<Self.queueSeriesCount).map { history.values($0, count: count) }
        series.milliseconds = Array(series.milliseconds.prefix(values[0].count))
        series.counters = series.milliseconds.indices.map { sample in
            MessageCounters(queueSeries: { values[$0][sample] })
        }
        series.ready = values[Self.lengthSeries]
        series.unacked = values[Self.lengthSeries + 1]
        return series
    }
}

// Channels.
extension ShardState {
    private func sample(_ channel: UnsafeMutablePointer<ChannelState>) {
        withSeries(of: channel) { values in
            if let history = channel.pointee.history {
                if history.note(values, number: sampleTimes.latestNumber) {
                    channel.pointee.activeMilliseconds = now.wallMilliseconds
                }
            } else if !values.allSatisfy({ $0 == 0 }) {
                channel.pointee.history = SampleHistory(first: values, number: sampleTimes.latestNumber)
                channel.pointee.activeMilliseconds = now.wallMilliseconds
            }
        }
    }

    private func withSeries(
        of channel: UnsafeMutablePointer<ChannelState>, _ body: (UnsafeBufferPointer<UInt64>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: MessageCounters.channelSeriesCount) { values in
            channel.pointee.counters.writeChannelSeries(to: values)
            body(UnsafeBufferPointer(values))
        }
    }

    func addSamples(of channel: UnsafeMutablePointer<ChannelState>, to snapshot: inout ChannelSnapshot) {
        var isIdle = false
        withSeries(of: channel) { values in
            isIdle = channel.pointee.history?.isAt(values) ?? values.allSatisfy { $0 == 0 }
        }
        if isIdle { snapshot.idleSinceMilliseconds = channel.pointee.activeMilliseconds }
        guard let history = channel.pointee.history, let seconds = sampleTimes.intervalSeconds else { return }
        snapshot.rates = MessageRates(
            MessageCounters(channelSeries: { UInt64(bitPattern: Int64(history.latestDifference($0))) }),
            seconds: seconds)
    }

    /// What a channel's counters were at the latest samples; nil when it is gone.
    package func samples(ofChannel number: UInt16, of address: ConnectionAddress) -> SampleSeries? {
        guard let channel = connection(address)?.pointee.channel(number) else { return nil }
        var series = SampleSeries()
        guard let history = channel.pointee.history else { return series }
        series.milliseconds = sampleTimes.milliseconds
        let values = (0..<MessageCounters.channelSeriesCount).map {
            history.values($0, count: series.milliseconds.count)
        }
        series.milliseconds = Array(series.milliseconds.prefix(values[0].count))
        series.counters = series.milliseconds.indices.map { sample in
            MessageCounters(channelSeries: { values[$0][sample] })
        }
        return series
    }
}

extension QueueState {
    /// Whether anything has happened to it since it was made, or since the node was started.
    fileprivate var wasUsed: Bool {
        latestPlace != counters.recovered || UInt64(readyCount) != counters.recovered || unackedCount != 0
            || counters.deliver != 0 || counters.deliverNoAck != 0 || counters.get != 0 || counters.getNoAck != 0
            || counters.getEmpty != 0 || counters.redeliver != 0 || counters.returned != 0
    }

    fileprivate func writeSeries(to values: UnsafeMutableBufferPointer<UInt64>) {
        messageCounters.writeQueueSeries(to: values)
        values[ShardState.lengthSeries] = UInt64(readyCount)
        values[ShardState.lengthSeries + 1] = UInt64(clamping: unackedCount)
    }

    /// What the series were when the queue was made, or when the node was started.
    fileprivate func writeBaseSeries(to values: UnsafeMutableBufferPointer<UInt64>) {
        values.initialize(repeating: 0)
        values[ShardState.lengthSeries] = counters.recovered
    }
}
