import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/overview`: the node in short.
enum OverviewResource: Resource {
    static let routes = [Route(.get, "/api/overview", access: .management, show)]

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let ages = try StatisticsAges(request.query)
        var object = beginning(request.context)
        if request.user.isMonitor {
            let node = await request.context.node.statistics.totals(history: ages.span)
            let totals = TotalsJSON(totals: node.totals, ages: ages)
            object.append("message_stats", .object(request.context.tellsRates ? totals.messageStats : JSONObject()))
            object.append("churn_rates", .object(totals.churnRates))
            object.append("queue_totals", .object(totals.queueTotals))
            object.append(
                "object_totals",
                [
                    "channels": .integer(node.channelCount), "connections": .integer(node.connectionCount),
                    "consumers": .integer(node.consumerCount), "exchanges": .integer(node.exchangeCount),
                    "queues": .integer(node.queueCount),
                ])
            addNode(to: &object, request)
        } else {
            await addOwn(to: &object, request, ages)
        }
        return .json(Columns(request.query["columns"]).project(object))
    }

    private static func beginning(_ context: ManagementContext) -> JSONObject {
        [
            "management_version": .string(DefinitionsExport.rabbitmqVersion),
            "rates_mode": .string(context.configuration.ratesMode),
            "sample_retention_policies": [
                "global": [60, 600, 3600, 28800, 86400], "basic": [60], "detailed": [60],
            ],
            "exchange_types": .array(NodeFacts.exchangeTypes.map { .object($0) }),
            "product_version": .string(Version.current), "product_name": "Leveret",
            "rabbitmq_version": .string(DefinitionsExport.rabbitmqVersion),
            "cluster_name": .string(context.clusterName),
            // There is none.
            "erlang_version": "none", "erlang_full_version": "none",
            "release_series_support_status": "supported", "disable_stats": false,
            "is_op_policy_updating_enabled": true, "enable_queue_totals": false,
        ]
    }

    private static func addNode(to object: inout JSONObject, _ request: ManagementRequest) {
        let name = request.context.configuration.nodeName
        object.append("statistics_db_event_queue", 0)
        object.append("node", .string(name))
        object.append("statistics_db_node", .string(name))
        object.append("listeners", .array(NodeListener.all(request).map { .object($0.json(node: name)) }))
        object.append("contexts", .array(NodeFacts.contexts(request).map { .object($0) }))
    }

    /// Who is no monitor sees what is in the virtual hosts that they may open, and their own connections.
    private static func addOwn(
        to object: inout JSONObject, _ request: ManagementRequest, _ ages: StatisticsAges
    ) async {
        let controlPlane = request.administration.controlPlane
        let hosts = controlPlane.virtualHosts.map(\.name).filter(request.opens)
        let all = await request.context.node.statistics.totals(ofVirtualHosts: hosts)
        let totals = TotalsJSON(totals: TotalsSnapshot(sumOf: Array(all.values)), ages: ages)
        object.append("message_stats", .object(request.context.tellsRates ? totals.messageStats : JSONObject()))
        object.append("queue_totals", .object(totals.queueTotals))
        let user = request.user.name
        let connections = await request.administration.collect { state, start, limit in
            let (items, next) = state.connectionSnapshots(from: start, limit: limit)
            return (items.filter { $0.user == user }.map(\.channelCount), next)
        }
        let wanted = Set(hosts)
        let consumers = await request.administration.collect { state, start, limit in
            let (items, next) = state.consumerSnapshots(from: start, limit: limit)
            return (items.filter { wanted.contains($0.virtualHost) }.map { _ in 1 }, next)
        }
        object.append(
            "object_totals",
            [
                "channels": .integer(connections.reduce(0, +)), "connections": .integer(connections.count),
                "consumers": .integer(consumers.count),
                "exchanges": .integer(hosts.reduce(0) { $0 + controlPlane.exchangeNames(virtualHost: $1).count }),
                "queues": .integer(hosts.reduce(0) { $0 + (controlPlane.queueCount(inVirtualHost: $1) ?? 0) }),
            ])
    }
}

extension TotalsSnapshot {
    /// Of several virtual hosts, without their histories.
    fileprivate init(sumOf all: [TotalsSnapshot]) {
        self.init()
        for totals in all {
            sample.counters += totals.sample.counters
            sample.readyCount += totals.sample.readyCount
            sample.unackedCount += totals.sample.unackedCount
            rates.messages = rates.messages + totals.rates.messages
            rates.lengths.ready += totals.rates.lengths.ready
            rates.lengths.unacked += totals.rates.lengths.unacked
        }
    }
}
