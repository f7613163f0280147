import AMQPWire
import Broker
import Node

/// Reads the node for one page of metrics. Objects are read some in each turn of their shards; numbers of them are kept
/// until their part of the page is written, the objects are not.
struct MetricsCollection {
    /// Writes a part of the page, as fast as the client reads: the first while the objects are still to be read.
    typealias Emit = (MetricsPage) async throws -> Void

    let node: Node
    let identity: NodeIdentity
    /// Numbers of all objects are kept until the client has taken them.
    let longAnswers: AnswerSlots

    private var administration: Administration { node.administration }

    /// `/metrics`: sums over all objects.
    func aggregated(_ emit: Emit) async throws {
        var metrics = await nodeMetrics()
        try await emit(nodePage(MetricGroup.allCases, metrics, prefix: .plain))
        var page = MetricsPage()
        page.append(await queueSums(&metrics))
        let (channels, connections) = await clientSums(&metrics)
        page.append(channels)
        page.append(connections)
        metrics.appendCounterSums(to: &page)
        finish(&page, metrics, endpoint: "aggregated")
        try await emit(page)
    }

    /// `/metrics/per-object`: every queue, channel, connection and exchange.
    func perObject(_ emit: Emit) async throws {
        var metrics = await nodeMetrics()
        try await emit(nodePage(MetricGroup.allCases, metrics, prefix: .plain))
        let clusterGroups: [MetricGroup] = [.exchangeBindings, .exchangeNames, .virtualHosts, .queueConsumers]
        let groups = MetricGroup.allCases.filter { !clusterGroups.contains($0) }
        try await longAnswers.withSlot {
            try await emitObjects(groups, nil, prefix: .plain, counting: &metrics, emit)
        }
        var page = MetricsPage()
        finish(&page, metrics, endpoint: "per-object")
        try await emit(page)
    }

    /// `/metrics/detailed`: what is asked for, object by object.
    ///
    /// - Parameter virtualHosts: nil for all.
    func detailed(_ groups: Set<MetricGroup>, _ virtualHosts: Set<ShortString>?, _ emit: Emit) async throws {
        var metrics = await nodeMetrics()
        // Their only metric is among the others.
        let asked = MetricGroup.allCases.filter {
            groups.contains($0) && !($0 == .queueConsumers && groups.contains(.queues))
        }
        var page = nodePage(asked, metrics, prefix: .detailed)
        identity.append(to: &page, endpoint: "detailed")
        try await emit(page)
        try await longAnswers.withSlot {
            try await emitObjects(asked, virtualHosts, prefix: .detailed, counting: &metrics, emit)
        }
    }

    private func nodePage(_ groups: [MetricGroup], _ metrics: NodeMetrics, prefix: MetricPrefix) -> MetricsPage {
        var page = MetricsPage()
        for group in groups { metrics.append(group, prefix: prefix, to: &page) }
        return page
    }

    private func finish(_ page: inout MetricsPage, _ metrics: NodeMetrics, endpoint: String) {
        metrics.appendCounts(to: &page)
        metrics.appendGlobal(to: &page)
        metrics.appendDeaths(to: &page)
        metrics.appendAlarms(to: &page)
        metrics.appendMessageSizes(to: &page)
        identity.append(to: &page, endpoint: endpoint)
    }

    // MARK: Sums

    private func nodeMetrics() async -> NodeMetrics {
        var metrics = NodeMetrics(node.statistics.processSnapshot)
        metrics.statistics = await administration.eachShard { $0.allStatistics }.reduce(ShardStatistics(), +)
        metrics.logins = administration.controlPlane.loginCounts
        return metrics
    }

    private func queueSums(_ metrics: inout NodeMetrics) async -> MetricSums {
        let columns = [MetricGroup.queueDepth, .queues].flatMap { $0.figureColumns }.filter(\.isSummed)
        var sums = MetricSums(families: columns.map(\.family))
        let queues = await administration.sums(of: QueueSums()) { $0.addFigures(from: $1, limit: $2, to: &$3) }
        for queues in queues {
            sums.add(queues.figures, columns: columns)
            metrics.totals.queueCount += queues.queueCount
            metrics.totals.consumerCount += queues.figures.consumerCount
        }
        return sums
    }

    private func clientSums(_ metrics: inout NodeMetrics) async -> (MetricSums, MetricSums) {
        let channelColumns = MetricGroup.channels.channelColumns
        let connectionColumns = MetricGroup.connections.connectionColumns.filter(\.isSummed)
        var channelSums = MetricSums(families: channelColumns.map(\.family))
        var connectionSums = MetricSums(families: connectionColumns.map(\.family))
        var counted = metrics
        await administration.walk({ $0.channelSnapshots(from: $1, limit: $2) }) { channels in
            for channel in channels {
                channelSums.add(channel, columns: channelColumns)
                counted.totals.channelCount += 1
                if channel.counters.publish > 0 { counted.publisherCount += 1 }
            }
        }
        await administration.walk({ $0.connectionSnapshots(from: $1, limit: $2) }) { connections in
            for connection in connections {
                connectionSums.add(connection, columns: connectionColumns)
                counted.totals.connectionCount += 1
            }
        }
        metrics = counted
        return (channelSums, connectionSums)
    }

    // MARK: Object by object

    private func emitObjects(
        _ groups: [MetricGroup], _ virtualHosts: Set<ShortString>?, prefix: MetricPrefix,
        counting metrics: inout NodeMetrics, _ emit: Emit
    ) async throws {
        // Each part is written, and let go, before the next is read.
        var queues = MetricsPage()
        await appendQueues(groups, virtualHosts, prefix: prefix, to: &queues, counting: &metrics)
        try await emit(queues)
        queues = MetricsPage()
        var others = MetricsPage()
        await appendExchanges(groups, virtualHosts, prefix: prefix, to: &others)
        await appendChannels(groups, prefix: prefix, to: &others, counting: &metrics)
        await appendConnections(groups, prefix: prefix, to: &others, counting: &metrics)
        if groups.contains(.virtualHosts) {
            let samples = administration.controlPlane.virtualHosts.map { host in
                var labels = MetricLabels()
                labels.append("vhost", host.name.bytes)
                return MetricsPage.Sample(labels, 1)
            }
            others.append(
                MetricFamily("vhost_status", .gauge, "Whether a given vhost is running"), prefix: .cluster, samples)
        }
        try await emit(others)
    }

    private func appendQueues(
        _ groups: [MetricGroup], _ virtualHosts: Set<ShortString>?, prefix: MetricPrefix, to page: inout MetricsPage,
        counting metrics: inout NodeMetrics
    ) async {
        let columns = groups.flatMap { $0.queueColumns }
        if columns.isEmpty { return }
        var table = MetricTable(families: columns.map(\.family))
        // RabbitMQ tells a queue's type where it tells of its depth.
        let describes = groups.contains { [.queueDepth, .queueConsumers, .queues].contains($0) }
        let infoColumns = [MetricColumn<QueueSnapshot>(.queueInfo) { _ in 1 }]
        var info = MetricTable(families: infoColumns.map(\.family))
        var totals = metrics.totals
        await administration.walk({ $0.queueSnapshots(from: $1, limit: $2) }) { queues in
            for queue in queues where virtualHosts?.contains(queue.virtualHost) != false {
                totals.queueCount += 1
                totals.consumerCount += queue.consumerCount
                var labels = MetricLabels(queue)
                table.append(queue, labels: labels, columns: columns)
                guard describes else { continue }
                labels.append("queue_type", "rabbit_\(queue.type.rawValue)_queue".utf8)
                labels.append("membership", "leader".utf8)
                info.append(queue, labels: labels, columns: infoColumns)
            }
        }
        metrics.totals = totals
        page.append(table, prefix: prefix)
        if describes { page.append(info, prefix: prefix) }
    }

    private func appendChannels(
        _ groups: [MetricGroup], prefix: MetricPrefix, to page: inout MetricsPage, counting metrics: inout NodeMetrics
    ) async {
        let columns = groups.flatMap { $0.channelColumns }
        if columns.isEmpty { return }
        var table = MetricTable(families: columns.map(\.family))
        var counted = metrics
        await administration.walk({ $0.channelSnapshots(from: $1, limit: $2) }) { channels in
            for channel in channels {
                counted.totals.channelCount += 1
                if channel.counters.publish > 0 { counted.publisherCount += 1 }
                table.append(channel, labels: MetricLabels(channel), columns: columns)
            }
        }
        metrics = counted
        page.append(table, prefix: prefix)
    }

    private func appendConnections(
        _ groups: [MetricGroup], prefix: MetricPrefix, to page: inout MetricsPage, counting metrics: inout NodeMetrics
    ) async {
        let columns = groups.flatMap { $0.connectionColumns }
        if columns.isEmpty { return }
        var table = MetricTable(families: columns.map(\.family))
        var totals = metrics.totals
        await administration.walk({ $0.connectionSnapshots(from: $1, limit: $2) }) { connections in
            for connection in connections {
                totals.connectionCount += 1
                table.append(connection, labels: MetricLabels(connection), columns: columns)
            }
        }
        metrics.totals = totals
        page.append(table, prefix: prefix)
    }

    private func appendExchanges(
        _ groups: [MetricGroup], _ virtualHosts: Set<ShortString>?, prefix: MetricPrefix, to page: inout MetricsPage
    ) async {
        let columns = groups.filter { $0 == .exchanges }.flatMap { $0.exchangeColumns }
        let clusterColumns = groups.filter { $0 != .exchanges }.flatMap { $0.exchangeColumns }
        if columns.isEmpty, clusterColumns.isEmpty { return }
        if !columns.isEmpty { await administration.noteCounters() }
        var table = MetricTable(families: columns.map(\.family))
        var cluster = MetricTable(families: clusterColumns.map(\.family))
        let countsBindings = groups.contains(.exchangeBindings)
        await forEachExchange(in: virtualHosts, countsBindings: countsBindings) { exchange in
            let snapshot = exchange.exchange
            table.append(exchange, labels: MetricLabels(snapshot, withType: false), columns: columns)
            // As in RabbitMQ, these leave out the default exchange and internal ones.
            if snapshot.name.isEmpty || snapshot.isInternal { return }
            cluster.append(exchange, labels: MetricLabels(snapshot, withType: true), columns: clusterColumns)
        }
        if !columns.isEmpty { page.append(table, prefix: prefix) }
        if !clusterColumns.isEmpty { page.append(cluster, prefix: .cluster) }
    }

    private func forEachExchange(
        in virtualHosts: Set<ShortString>?, countsBindings: Bool, _ body: (CountedExchange) -> Void
    ) async {
        let controlPlane = administration.controlPlane
        for host in controlPlane.virtualHosts.map(\.name) where virtualHosts?.contains(host) != false {
            var names = controlPlane.exchangeNames(virtualHost: host)[...]
            while !names.isEmpty {
                let some = names.prefix(Administration.walkStep)
                names = names.dropFirst(some.count)
                let exchanges = controlPlane.exchangeSnapshots(named: some, virtualHost: host)
                let counters = await administration.exchangeCounters(of: exchanges.map(\.reference))
                for (exchange, counters) in zip(exchanges, counters) {
                    let bindings =
                        countsBindings
                        ? controlPlane.bindingCount(ofExchange: exchange.name, virtualHost: host) : 0
                    body(CountedExchange(exchange, counters, bindingCount: bindings))
                }
            }
        }
    }
}
