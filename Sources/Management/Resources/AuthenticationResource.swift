import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/auth/...`: attempts to log in, and hashes of passwords.
enum AuthenticationResource: Resource {
    static let routes = [
        Route(.post, "/api/login", access: .open, bodyLimit: 65_536, logIn),
        Route(.get, attempts, access: .monitoring) { request async throws(ManagementError) in
            try request.checkNode()
            let counts = request.administration.controlPlane.loginCounts
            return try await request.list(
                counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { json($0.key, $0.value) })
        },
        Route(.get, attempts + "/source", access: .monitoring) { request async throws(ManagementError) in
            try request.checkNode()
            let sources = request.administration.controlPlane.loginSources.sorted {
                ($0.key.remoteAddress, $0.key.user) < ($1.key.remoteAddress, $1.key.user)
            }
            return try await request.list(
                sources.map { source, counts in
                    var object: JSONObject = [
                        "remote_address": .string(source.remoteAddress), "username": .text(source.user),
                    ]
                    object.append(contentsOf: json(source.loginProtocol, counts))
                    return object
                })
        },
        Route(.delete, attempts, access: .monitoring, reset),
        Route(.delete, attempts + "/source", access: .monitoring, reset),
        // The password belongs in the body: paths are logged by proxies and browsers.
        Route(.post, "/api/auth/hash_password", access: .administrator, bodyLimit: 65_536) {
            request throws(ManagementError) in
            let fields = try request.fields()
            let password = try fields.required("password", try fields.string("password"))
            guard let hash = request.administration.controlPlane.hash(password: Array(password.utf8)) else {
                throw .unavailable("passwords cannot be hashed")
            }
            return .json(["ok": .string(Base64.encode(hash))])
        },
        Route(.get, "/api/auth/hash_password/{password}", access: .administrator) { _ throws(ManagementError) in
            throw .notFound(
                "Passing the password in the URL is not supported. Use POST /api/auth/hash_password with a JSON body "
                    + #"{"password": "..."} instead."#)
        },
    ]

    /// Whether a name and a password, in a form's fields, are a management user's. RabbitMQ gives its page a cookie
    /// with the password in it; every request here brings its own credentials.
    private static func logIn(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let form = try Query(form: request.body)
        guard let name = form["username"].flatMap({ ShortString($0) }), let password = form["password"] else {
            throw .notAuthenticated
        }
        let authorization = RequestAuthorization(context: request.context, peer: request.peer)
        _ = try await authorization.user(name: name, password: Array(password.utf8))
        return .json("ok")
    }

    private static let attempts = "/api/auth/attempts/{node}"

    private static func json(_ loginProtocol: LoginProtocol, _ counts: LoginCounts) -> JSONObject {
        [
            "protocol": .string(loginProtocol.rawValue), "auth_attempts": .number(counts.total),
            "auth_attempts_failed": .number(counts.failed), "auth_attempts_succeeded": .number(counts.succeeded),
        ]
    }

    private static func reset(_ request: ManagementRequest) throws(ManagementError) -> ManagementResponse {
        try request.checkNode()
        request.administration.controlPlane.resetLoginSources()
        return .noContent
    }
}
