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

    /// Of all virtual hosts.
    package var total: VirtualHostSnapshot { virtualHosts.values.reduce(VirtualHostSnapshot(), +) }
}

// Sampling. Somebody outside keeps time: `beginSample`, then `sampleQueues` and `sampleChannels` until each has been
// everywhere. Without `beginSample` they only sum.
extension ShardState {
    /// Sums up queues from a place on, at most so many, and takes their samples where one has begun. Returns the place
    /// to go on from; nil at the end.
    package func sampleQueues(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        let (found, next) = queues.occupied(from: start, limit: limit)
        for queue in found where queue.pointee.isShown {
            let host = queue.pointee.virtualHostIndex
            sums.virtualHosts[host, default: VirtualHostSnapshot()].readyCount += queue.pointee.readyCount
            sums.virtualHosts[host]?.unackedCount += queue.pointee.unackedCount
            sums.virtualHosts[host]?.consumerCount += queue.pointee.consumerCount
            sums.virtualHosts[host]?.queueCount += 1
            if sampleTimes.latestNumber > 0 { sample(queue) }
        }
        return next
    }

    /// The same for channels and their connections. Exchanges and virtual hosts are told what their channels counted.
    package func sampleChannels(from start: Int, limit: Int, into sums: inout ShardSums) -> Int? {
        var seen: UnsafeMutablePointer<ConnectionState>?
        let next = forEachChannel(from: start, limit: limit) { channel in
            noteCounters(channel)
            let connection = channel.pointee.connection
            let host = connection.pointee.virtualHostIndex
            sums.virtualHosts[host, default: VirtualHostSnapshot()].channelCount += 1
            if channel.pointee.counters.publish > 0 { sums.publisherCount += 1 }
            if seen != connection { noteTraffic(connection) }
            seen = connection
            if sampleTimes.latestNumber > 0 {
                sample(channel)
                samplePairs(channel)
            }
        }
        // Now the exchanges know everything.
        if next == nil, sampleTimes.latestNumber > 0 {
            for host in virtualHosts.indices {
                virtualHosts[host].counters.takeSample(sampleTimes.latestNumber)
                samplePairs(ofVirtualHost: host)
            }
        }
        return next
    }

    /// Takes samples of connections from a place on, at most so many, whose virtual hosts are told what their sockets
    /// have given and taken. Returns the place to go on from; nil at the end.
    package func sampleConnections(from start: Int, limit: Int) -> Int? {
        let (found, next) = connections.occupied(from: start, limit: limit)
        for connection in found where connection.pointee.isVisible {
            noteTraffic(connection)
            if sampleTimes.latestNumber > 0 { sample(connection) }
        }
        return next
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
    private static let queueSeriesCount = MessageCounters.queueSeriesCount + 2

    private func sample(_ queue: UnsafeMutablePointer<QueueState>) {
        sampleCapacity(queue)
        withSeries(of: queue) { values in
            if let history = queue.pointee.history {
                if history.note(values, number: sampleTimes.latestNumber) {
                    queue.pointee.activeMilliseconds = now.wallMilliseconds
                }
                return
            }
            withBaseSeries(of: queue) { base in
                // Of a queue that nobody has ever used nothing is kept.
                if (0..<values.count).allSatisfy({ values[$0] == base[$0] }) { return }
                let history = SampleHistory(base: base, number: sampleTimes.latestNumber - 1)
                _ = history.note(values, number: sampleTimes.latestNumber)
                queue.pointee.history = history
                queue.pointee.activeMilliseconds = now.wallMilliseconds
            }
        }
    }

    /// How often of the samples a consumer could take a message; each older sample weighs a fifth less.
    private func sampleCapacity(_ queue: UnsafeMutablePointer<QueueState>) {
        guard queue.pointee.consumerCount > 0 else {
            queue.pointee.consumerCapacity = nil
            return
        }
        let sample: Float = queue.pointee.consumers.availableCredit > 0 ? 1 : 0
        queue.pointee.consumerCapacity = queue.pointee.consumerCapacity.map { $0 * 0.8 + sample * 0.2 } ?? sample
    }

    private func withSeries(
        of queue: UnsafeMutablePointer<QueueState>, _ body: (UnsafeBufferPointer<UInt64>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.queueSeriesCount) { values in
            queue.pointee.messageCounters.writeQueueSeries(to: values)
            values[8] = UInt64(queue.pointee.readyCount)
            values[9] = UInt64(clamping: queue.pointee.unackedCount)
            body(UnsafeBufferPointer(values))
        }
    }

    /// What the series were when the queue was made, or when the node was started.
    private func withBaseSeries(
        of queue: UnsafeMutablePointer<QueueState>, _ body: (UnsafeBufferPointer<UInt64>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.queueSeriesCount) { values in
            values.initialize(repeating: 0)
            values[8] = queue.pointee.counters.recovered
            body(UnsafeBufferPointer(values))
        }
    }

    /// Rates of a queue, and since when it is idle.
    func addSamples(of queue: UnsafeMutablePointer<QueueState>, to snapshot: inout QueueSnapshot) {
        snapshot.consumerCapacity =
            queue.pointee.consumerCapacity.map(Double.init)
            ?? (queue.pointee.consumerCount > 0 && queue.pointee.consumers.availableCredit > 0 ? 1 : 0)
        var isIdle = false
        withSeries(of: queue) { values in
            if let history = queue.pointee.history {
                isIdle = history.isAt(values)
            } else {
                withBaseSeries(of: queue) { base in
                    isIdle = (0..<values.count).allSatisfy { values[$0] == base[$0] }
                }
            }
        }
        if isIdle { snapshot.idleSinceMilliseconds = queue.pointee.activeMilliseconds }
        guard let history = queue.pointee.history, let seconds = sampleTimes.intervalSeconds else { return }
        let differences = MessageCounters(queueSeries: { UInt64(bitPattern: Int64(history.latestDifference($0))) })
        snapshot.rates = MessageRates(differences, seconds: seconds)
        snapshot.lengthRates = LengthRates(
            ready: Double(history.latestDifference(8)) / seconds, unacked: Double(history.latestDifference(9)) / seconds
        )
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
        series.ready = values[8]
        series.unacked = values[9]
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
                withUnsafeTemporaryAllocation(of: UInt64.self, capacity: values.count) { base in
                    base.initialize(repeating: 0)
                    let history = SampleHistory(
                        base: UnsafeBufferPointer(base), number: sampleTimes.latestNumber - 1)
                    _ = history.note(values, number: sampleTimes.latestNumber)
                    channel.pointee.history = history
                }
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
