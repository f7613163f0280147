import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/vhosts`: virtual hosts, and what is said of them.
enum VirtualHostsResource: Resource {
    static let routes = [
        Route(.get, "/api/vhosts", access: .management, list),
        Route(.get, path, access: .visibleVirtualHost, show),
        Route(.put, path, access: .administrator, put),
        Route(.delete, path, access: .administrator, delete),
        Route(.post, path + "/start/{node}", access: .administrator) { request throws(ManagementError) in
            _ = try request.virtualHost
            try request.checkNode()
            // Virtual hosts of one node run as long as the node does.
            return .noContent
        },
        Route(.get, path + "/permissions", access: .administrator) { request async throws(ManagementError) in
            let host = try request.virtualHost
            let all = request.administration.controlPlane.permissions
            return try await request.list(all.filter { $0.virtualHost == host }.map(\.json))
        },
        Route(.get, path + "/topic-permissions", access: .administrator) { request async throws(ManagementError) in
            let host = try request.virtualHost
            let all = request.administration.controlPlane.topicPermissions
            return try await request.list(all.filter { $0.virtualHost == host }.map(\.json))
        },
        Route(.get, protection, access: .administrator) { request throws(ManagementError) in
            let isProtected = try metadata(of: try request.virtualHost, request).isProtected
            return .json(["protected_from_deletion": .bool(isProtected)])
        },
        Route(.post, protection, access: .administrator) { request async throws(ManagementError) in
            try await protect(request, true)
        },
        Route(.delete, protection, access: .administrator) { request async throws(ManagementError) in
            try await protect(request, false)
        },
    ]

    private static let path = "/api/vhosts/{vhost}"
    private static let protection = path + "/deletion/protection"

    private static func metadata(
        of name: ShortString, _ request: ManagementRequest
    ) throws(ManagementError) -> VirtualHostMetadata {
        let found = request.administration.controlPlane.virtualHosts.first { $0.name == name }
        guard let found else { throw .notFound }
        return found.metadata
    }

    private static func list(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let hosts = request.administration.controlPlane.virtualHosts.filter { request.lists($0.name) }
        let totals = try await totals(of: hosts.map(\.name), request)
        return try await request.list(hosts.map { json($0.name, $0.metadata, totals[$0.name], request) })
    }

    private static func show(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let name = try request.virtualHost
        let metadata = try metadata(of: name, request)
        let totals = try await totals(of: [name], request)
        return .json(Columns(request.query["columns"]).project(json(name, metadata, totals[name], request)))
    }

    /// What they count, unless the request does not want to know.
    private static func totals(
        of names: [ShortString], _ request: ManagementRequest
    ) async throws(ManagementError) -> [ShortString: TotalsJSON] {
        let ages = try StatisticsAges(request.query)
        if request.query.isTrue("disable_stats") { return [:] }
        let totals = await request.context.node.statistics.totals(ofVirtualHosts: names, history: ages.span)
        return totals.mapValues { TotalsJSON(totals: $0, ages: ages) }
    }

    private static func json(
        _ name: ShortString, _ metadata: VirtualHostMetadata, _ totals: TotalsJSON?, _ request: ManagementRequest
    ) -> JSONObject {
        let node = JSONObject.Member(name: request.context.configuration.nodeName, value: "running")
        var object: JSONObject = [
            "name": .text(name), "description": .string(metadata.description),
            "tags": .array(metadata.tags.map { .string($0) }),
            "default_queue_type": .string(metadata.defaultQueueType?.rawValue ?? "undefined"),
            "metadata": .object(metadata.json), "tracing": .bool(metadata.isTracing),
            "protected_from_deletion": .bool(metadata.isProtected), "cluster_state": .object(JSONObject([node])),
        ]
        guard let totals else { return object }
        object.append(contentsOf: totals.queueTotals)
        object.append(contentsOf: totals.traffic)
        if request.context.tellsRates { object.append("message_stats", .object(totals.messageStats)) }
        return object
    }

    // MARK: Changes

    /// What the request does not say is as in a new virtual host, but for the queue type and tracing, which stay
    /// (RabbitMQ: `rabbit_vhost:put_vhost`).
    private static func put(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let name = try request.name("vhost")
        let fields = try request.fields()
        var host = try fields.virtualHost(named: name)
        host.description = host.description ?? ""
        host.tags = host.tags ?? []
        if let type = try fields.defaultQueueTypeName(), type != "undefined" {
            guard let known = QueueType(rawValue: type) else {
                throw .badRequest("field 'default_queue_type': unsupported queue type '\(type)'")
            }
            host.defaultQueueType = known
        }
        let definition = host
        let creator = request.user.name
        let isNew = try await request.change { controlPlane throws(AdministrationError) in
            if controlPlane.hasVirtualHost(name) {
                try controlPlane.changeVirtualHost(name) { $0 = definition.metadata(over: $0) }
                return false
            }
            return try controlPlane.addVirtualHost(
                name, definition.metadata(over: VirtualHostMetadata()), creator: creator)
        }
        return isNew ? .created : .noContent
    }

    private static func delete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let name = try request.virtualHost
        if try metadata(of: name, request).isProtected {
            throw ManagementError(
                .preconditionFailed, "precondition_failed",
                "Refusing to delete virtual host '\(name)' because it is protected from deletion")
        }
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.deleteVirtualHost(name)
        }
        return .noContent
    }

    private static func protect(
        _ request: ManagementRequest, _ isProtected: Bool
    ) async throws(ManagementError) -> ManagementResponse {
        let name = try request.virtualHost
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.changeVirtualHost(name) { $0.isProtected = isProtected }
        }
        return .noContent
    }
}

extension VirtualHostMetadata {
    /// RabbitMQ's `metadata`.
    package var json: JSONObject {
        var object: JSONObject = [
            "description": .string(description), "tags": .array(tags.map { .string($0) }),
        ]
        if let defaultQueueType { object.append("default_queue_type", .string(defaultQueueType.rawValue)) }
        if isProtected { object.append("protected_from_deletion", true) }
        return object
    }
}
