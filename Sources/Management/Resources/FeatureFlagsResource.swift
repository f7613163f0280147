import HTTPTypes
import JSON
import Node

/// `/api/feature-flags`, `/api/deprecated-features`: what RabbitMQ's clusters agree on when they are upgraded. Here all
/// that there is is there from the start.
enum FeatureFlagsResource: Resource {
    static let routes = [
        Route(.get, "/api/feature-flags", access: .administrator) { request async throws(ManagementError) in
            try await request.list(flags.map(\.json))
        },
        Route(.put, "/api/feature-flags/{name}/enable", access: .administrator) { request throws(ManagementError) in
            let name = request.parameters["name"] ?? ""
            guard name == "all" || flags.contains(where: { $0.name == name }) else {
                throw .badRequest("unsupported")
            }
            return .noContent
        },
        Route(.get, "/api/deprecated-features", access: .administrator) { request async throws(ManagementError) in
            try await request.list([])
        },
        Route(.get, "/api/deprecated-features/used", access: .administrator) { request async throws(ManagementError) in
            try await request.list([])
        },
    ]

    private struct Flag: Sendable {
        let name: String
        let description: String

        var json: JSONObject {
            [
                "name": .string(name), "desc": .string(description), "doc_url": "", "state": "enabled",
                "stability": "stable", "provided_by": "rabbit",
            ]
        }
    }

    /// Those whose subject this broker has.
    private static let flags = [
        Flag(name: "direct_exchange_routing_v2", description: "Fast routing of direct exchanges"),
        Flag(name: "drop_unroutable_metric", description: "Counts messages that no queue was there for"),
        Flag(name: "empty_basic_get_metric", description: "Counts basic.get that found nothing"),
        Flag(name: "implicit_default_bindings", description: "Bindings of the default exchange are not stored"),
        Flag(name: "quorum_queue", description: "Queues of type quorum"),
        Flag(name: "tracking_records_in_ets", description: "Connections and channels are counted in memory"),
        Flag(name: "user_limits", description: "Limits of connections and channels by user"),
        Flag(name: "virtual_host_metadata", description: "Description and tags of virtual hosts"),
    ]
}
