import HTTPTypes

/// Which pages of other origins a browser may let read the API's answers (`management.cors.allow_origins`): none, if
/// nothing is set.
struct CrossOriginPolicy: Sendable {
    /// Origins as browsers write them, or `*` for all.
    let allowedOrigins: Set<String>

    private static let maxAgeSeconds = 1800

    func allows(_ origin: String) -> Bool { allowedOrigins.contains("*") || allowedOrigins.contains(origin) }

    func addHeaders(to headers: inout HTTPFields, origin: String?) {
        guard let origin, allows(origin) else { return }
        headers[.accessControlAllowOrigin] = origin
        headers[.accessControlAllowCredentials] = "true"
        headers[.accessControlExposeHeaders] = "Location"
    }

    func addPreflightHeaders(
        to headers: inout HTTPFields, methods: [HTTPRequest.Method], _ request: HTTPFields
    ) {
        guard let origin = request[.origin], allows(origin) else { return }
        headers[.accessControlMaxAge] = String(Self.maxAgeSeconds)
        headers[.accessControlAllowMethods] = methods.map(\.rawValue).joined(separator: ", ")
        if let wanted = request[.accessControlRequestHeaders] { headers[.accessControlAllowHeaders] = wanted }
    }
}
