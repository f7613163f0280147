import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// What concerns a cluster, its version and its parts; of which this node is all there is.
enum ClusterResource: Resource {
    static let routes = [
        Route(.get, "/api/cluster-name", access: .management) { request throws(ManagementError) in
            .json(["name": .string(request.context.clusterName)])
        },
        Route(.put, "/api/cluster-name", access: .administrator) { request async throws(ManagementError) in
            let name = try request.fields().name("name")
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.setGlobalParameter("cluster_name", to: .longString(name.bytes))
            }
            return .noContent
        },
        Route(.get, "/api/version", access: .management) { _ throws(ManagementError) in
            .json(.string(DefinitionsExport.rabbitmqVersion))
        },
        Route(.get, "/api/extensions", access: .management) { request async throws(ManagementError) in
            try await request.list([["javascript": "dispatcher.js"]])
        },
        Route(.get, "/api/auth", access: .open) { _ throws(ManagementError) in
            .json(["oauth_enabled": false, "enable_uaa": false, "uaa_client_id": "", "uaa_location": ""])
        },
        Route(.get, "/api/federation-links", access: .monitoring) { request async throws(ManagementError) in
            try await request.list([])
        },
        Route(.get, "/api/federation-links/{vhost}", access: .monitoring) { request async throws(ManagementError) in
            _ = try request.virtualHost
            return try await request.list([])
        },
        Route(.get, "/api/shovels", access: .monitoring) { request async throws(ManagementError) in
            try await request.list([])
        },
        Route(.get, "/api/shovels/{vhost}", access: .monitoring) { request async throws(ManagementError) in
            _ = try request.virtualHost
            return try await request.list([])
        },
        Route(.get, "/api/config/effective", access: .administrator) { request throws(ManagementError) in
            let settings = request.context.configuration.effectiveSettings
            return .json(JSONObject(settings.map { .init(name: $0.key, value: .string($0.value)) }))
        },
        // Queues of one node are where they are.
        Route(.post, "/api/rebalance/queues", access: .administrator) { _ throws(ManagementError) in .noContent },
    ]
}

extension ManagementContext {
    /// What an administrator has called the cluster, else the node's name.
    var clusterName: String { administration.controlPlane.clusterName ?? configuration.nodeName }
}
