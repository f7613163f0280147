import HTTPTypes
import struct Node.Configuration

/// Which route a request takes. Fixed segments win over `{name}`.
package struct Router: Sendable {
    /// Every part of the API.
    static var resources: [any Resource.Type] {
        [
            WhoAmIResource.self,
            QueuesResource.self,
            QueueMessagesResource.self,
            ConsumersResource.self,
            ExchangesResource.self,
            BindingsResource.self,
            ConnectionsResource.self,
            ChannelsResource.self,
            PoliciesResource.self,
            HealthChecksResource.self,
            FeatureFlagsResource.self,
            AuthenticationResource.self,
            ClusterResource.self,
            DefinitionsResource.self,
            LimitsResource.self,
            NodesResource.self,
            OverviewResource.self,
            ParametersResource.self,
            PermissionsResource.self,
            UsersResource.self,
            VirtualHostsResource.self,
            OpenAPIResource.self,
            PrometheusResource.self,
        ]
    }

    package enum Match: Sendable {
        case route(Route, PathParameters)
        /// The path is there, the method is not.
        case otherMethods([HTTPRequest.Method])
        case nothing
    }

    private struct Node: Sendable {
        var fixed: [String: Node] = [:]
        /// Those behind a `{name}`: names may differ by route.
        var open: [Node] = []
        var routes: [Route] = []
    }

    package let routes: [Route]
    private var root = Node()

    /// The whole API, with Prometheus's pages for whom the configuration says.
    package init(_ configuration: Configuration) {
        let metrics = PrometheusResource.routes(for: configuration.metricsAccess)
        self.init(Router().routes.filter { !$0.template.hasPrefix("/metrics") } + metrics)
    }

    package init() {
        self.init(Self.resources.flatMap { $0.routes })
    }

    package init(_ routes: [Route]) {
        self.routes = routes
        for route in routes { Self.insert(route, route.segments[...], into: &root) }
    }

    private static func insert(_ route: Route, _ segments: ArraySlice<Substring>, into node: inout Node) {
        guard let segment = segments.first else { return node.routes.append(route) }
        if segment.hasPrefix("{") {
            if node.open.isEmpty { node.open.append(Node()) }
            insert(route, segments.dropFirst(), into: &node.open[0])
        } else {
            insert(route, segments.dropFirst(), into: &node.fixed[String(segment), default: Node()])
        }
    }

    /// - Throws: 400 for a path that is not percent-encoded as it should be.
    package func match(
        _ method: HTTPRequest.Method, _ segments: [Substring]
    ) throws(ManagementError) -> Match {
        var decoded: [String] = []
        for segment in segments {
            guard let text = PercentEncoding.decode(segment) else {
                throw .badRequest("the path is malformed at '\(segment.prefix(64))'")
            }
            decoded.append(text)
        }
        guard let routes = Self.find(decoded[...], in: root) else { return .nothing }
        let wanted = method == .head ? .get : method
        guard let route = routes.first(where: { $0.method == wanted }) else {
            return .otherMethods(Self.allowed(routes))
        }
        var parameters = PathParameters()
        for (index, segment) in route.segments.enumerated() where segment.hasPrefix("{") {
            parameters.values.append((String(segment.dropFirst().dropLast()), decoded[index]))
        }
        return .route(route, parameters)
    }

    private static func find(_ segments: ArraySlice<String>, in node: Node) -> [Route]? {
        guard let segment = segments.first else { return node.routes.isEmpty ? nil : node.routes }
        if let next = node.fixed[segment], let found = find(segments.dropFirst(), in: next) { return found }
        // A name that is empty names nothing.
        guard !segment.isEmpty else { return nil }
        for next in node.open {
            if let found = find(segments.dropFirst(), in: next) { return found }
        }
        return nil
    }

    private static func allowed(_ routes: [Route]) -> [HTTPRequest.Method] {
        let methods = routes.map(\.method)
        return (methods.contains(.get) ? [.head] : []) + methods + [.options]
    }
}
