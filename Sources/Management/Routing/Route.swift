import HTTPTypes

/// One method of one path. `{name}` in the template takes a segment of the path, decoded.
package struct Route: Sendable {
    package typealias Handler = @Sendable (ManagementRequest) async throws(ManagementError) -> ManagementResponse

    package let method: HTTPRequest.Method
    package let template: String
    package let access: RouteAccess
    /// A body that is larger gets 413; nil for the configuration's limit.
    package let bodyLimit: Int?
    package let handler: Handler

    package init(
        _ method: HTTPRequest.Method, _ template: String, access: RouteAccess, bodyLimit: Int? = nil,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.template = template
        self.access = access
        self.bodyLimit = bodyLimit
        self.handler = handler
    }

    var segments: [Substring] { template.dropFirst().split(separator: "/") }
}

/// Who may use a route: RabbitMQ's rules (`rabbit_web_dispatch_access_control`). Whoever logs in must have one of the
/// tags management, policymaker, monitoring and administrator.
package enum RouteAccess: Sendable, Equatable {
    /// Everybody, without logging in.
    case open
    case management
    case monitoring
    case administrator
    /// Who may open the virtual host that the request names, if it names one; administrators.
    case virtualHost
    /// As `virtualHost`, and monitoring users.
    case visibleVirtualHost
    /// Policymakers who may open the virtual host; administrators.
    case policies
    /// Policymakers and administrators.
    case globalParameters
}

/// A part of the API: one file under `Resources`, and one entry in `Router.resources`.
package protocol Resource {
    static var routes: [Route] { get }
}
