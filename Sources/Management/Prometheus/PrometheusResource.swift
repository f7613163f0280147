import AMQPWire
import Broker
import HTTPTypes
import Node

/// `/metrics` and its kin, for Prometheus.
enum PrometheusResource: Resource {
    static let routes: [Route] = routes(for: .open)

    /// - Parameter access: whether Prometheus has to log in.
    static func routes(for access: RouteAccess) -> [Route] {
        [
            Route(.get, "/metrics", access: access) { request throws(ManagementError) in
                answer(request) { try await $0.aggregated($1) }
            },
            Route(.get, "/metrics/per-object", access: access) { request throws(ManagementError) in
                answer(request) { try await $0.perObject($1) }
            },
            Route(.get, "/metrics/detailed", access: access) { request throws(ManagementError) in
                let groups = Set(request.query.all("family").compactMap { MetricGroup(rawValue: $0) })
                // Names that no virtual host has give nothing; without any there is no filter.
                let hosts = request.query.all("vhost").compactMap { ShortString($0) }
                let filter = request.query["vhost"] == nil ? nil : Set(hosts)
                return answer(request) { try await $0.detailed(groups, filter, $1) }
            },
        ]
    }

    private static func answer(
        _ request: ManagementRequest,
        _ collect: @escaping @Sendable (MetricsCollection, MetricsCollection.Emit) async throws -> Void
    ) -> ManagementResponse {
        let identity = NodeIdentity(
            node: request.context.configuration.nodeName, cluster: request.context.clusterName,
            version: DefinitionsExport.rabbitmqVersion)
        let collection = MetricsCollection(
            node: request.context.node, identity: identity, longAnswers: request.context.longAnswers)
        return ManagementResponse(
            .ok,
            body: .stream(contentType: ExpositionText.contentType) { stream in
                try await collect(collection) { page in
                    var page = page
                    while let piece = page.nextPiece() { try await stream.write(bytes: piece) }
                    try await stream.flush()
                }
            })
    }
}

extension Query {
    /// All values of a parameter that may come again and again.
    func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
}
