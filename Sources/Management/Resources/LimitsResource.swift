import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/vhost-limits`, `/api/user-limits`.
enum LimitsResource: Resource {
    static let routes = [
        Route(.get, "/api/vhost-limits", access: .visibleVirtualHost) { request async throws(ManagementError) in
            let all = request.administration.controlPlane.virtualHostLimits.filter { request.lists($0.virtualHost) }
            return try await request.list(all.map { json("vhost", $0.virtualHost, $0.limits) })
        },
        Route(.get, "/api/vhost-limits/{vhost}", access: .visibleVirtualHost) { request async throws(ManagementError) in
            let host = try request.virtualHost
            let all = request.administration.controlPlane.virtualHostLimits
            return try await request.list(
                all.filter { $0.virtualHost == host }.map { json("vhost", $0.virtualHost, $0.limits) })
        },
        Route(.put, "/api/vhost-limits/{vhost}/{name}", access: .administrator, putOfHost),
        Route(.delete, "/api/vhost-limits/{vhost}/{name}", access: .administrator) {
            request async throws(ManagementError) in
            let host = try request.virtualHost
            if let limit = VirtualHostLimit(rawValue: request.parameters["name"] ?? "") {
                try await request.change { controlPlane throws(AdministrationError) in
                    try controlPlane.setVirtualHostLimit(limit, to: nil, virtualHost: host)
                }
            }
            return .noContent
        },
        Route(.get, "/api/user-limits", access: .visibleVirtualHost) { request async throws(ManagementError) in
            let all = request.administration.controlPlane.userLimits
            return try await request.list(all.map { json("user", $0.user, $0.limits.table) })
        },
        Route(.get, "/api/user-limits/{user}", access: .visibleVirtualHost) { request async throws(ManagementError) in
            let user = try user(request)
            return try await request.list(user.limits.isEmpty ? [] : [json("user", user.name, user.limits.table)])
        },
        Route(.put, "/api/user-limits/{user}/{name}", access: .administrator, putOfUser),
        Route(.delete, "/api/user-limits/{user}/{name}", access: .administrator) {
            request async throws(ManagementError) in
            let user = try user(request)
            if let limit = UserLimit(rawValue: request.parameters["name"] ?? "") {
                try await request.change { controlPlane throws(AdministrationError) in
                    try controlPlane.setUserLimit(limit, to: nil, user: user.name)
                }
            }
            return .noContent
        },
    ]

    private static func json(_ kind: String, _ name: ShortString, _ limits: FieldTable) -> JSONObject {
        JSONObject([.init(name: kind, value: .text(name)), .init(name: "value", value: .object(limits.json))])
    }

    private static func user(_ request: ManagementRequest) throws(ManagementError) -> UserRecord {
        let name = try request.name("user")
        guard let user = request.administration.controlPlane.user(named: name) else { throw .notFound }
        return user
    }

    /// A negative one limits nothing.
    private static func value(_ request: ManagementRequest) throws(ManagementError) -> Int {
        let fields = try request.fields()
        return try fields.required("value", try fields.integer("value", in: -1...Int(Int32.max)))
    }

    private static func putOfHost(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = try request.name("vhost")
        guard request.administration.hasVirtualHost(host) else { throw .notFound("vhost_not_found") }
        let value = try value(request)
        let name = request.parameters["name"] ?? ""
        guard let limit = VirtualHostLimit(rawValue: name) else {
            throw .badRequest("Validation failed\n\nUnrecognised terms [{<<\"\(name)\">>,\(value)}] in limits\n")
        }
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.setVirtualHostLimit(limit, to: value, virtualHost: host)
        }
        return .noContent
    }

    private static func putOfUser(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let user = try request.name("user")
        guard request.administration.controlPlane.user(named: user) != nil else {
            throw .badRequest("no_such_user '\(user)'")
        }
        let value = try value(request)
        let name = request.parameters["name"] ?? ""
        guard let limit = UserLimit(rawValue: name) else {
            throw .badRequest("Unrecognised terms [{<<\"\(name)\">>,\(value)}] in user-limits")
        }
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.setUserLimit(limit, to: value, user: user)
        }
        return .noContent
    }
}
