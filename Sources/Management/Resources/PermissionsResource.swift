import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/permissions`, `/api/topic-permissions`: what users may do in virtual hosts.
enum PermissionsResource: Resource {
    static let routes = [
        Route(.get, "/api/permissions", access: .administrator) { request async throws(ManagementError) in
            try await request.list(request.administration.controlPlane.permissions.map(\.json))
        },
        Route(.get, path, access: .administrator) { request throws(ManagementError) in
            let (user, host) = try userAndHost(request)
            guard let found = request.administration.controlPlane.permissions(user: user, virtualHost: host) else {
                throw .notFound
            }
            return .json(found.json(user: user, virtualHost: host))
        },
        Route(.put, path, access: .administrator, put),
        Route(.delete, path, access: .administrator, delete),
        Route(.get, "/api/topic-permissions", access: .administrator) { request async throws(ManagementError) in
            try await request.list(request.administration.controlPlane.topicPermissions.map(\.json))
        },
        Route(.get, topicPath, access: .administrator) { request async throws(ManagementError) in
            try await request.list(try findTopics(request).map(\.json))
        },
        Route(.put, topicPath, access: .administrator, putTopic),
        Route(.delete, topicPath, access: .administrator, deleteTopics),
        Route(.get, topicPath + "/{exchange}", access: .administrator) { request async throws(ManagementError) in
            try await request.list(try findTopics(request).map(\.json))
        },
        Route(.delete, topicPath + "/{exchange}", access: .administrator, deleteTopics),
    ]

    private static let path = "/api/permissions/{vhost}/{user}"
    private static let topicPath = "/api/topic-permissions/{vhost}/{user}"

    /// - Throws: 404 where one of them is not there.
    private static func userAndHost(
        _ request: ManagementRequest
    ) throws(ManagementError) -> (ShortString, ShortString) {
        let user = try request.name("user")
        let host = try request.virtualHost
        guard request.administration.controlPlane.user(named: user) != nil else { throw .notFound }
        return (user, host)
    }

    /// - Throws: 400 where one of them is not there: RabbitMQ's answer to changes.
    private static func knownUserAndHost(
        _ request: ManagementRequest
    ) throws(ManagementError) -> (ShortString, ShortString) {
        let user = try request.name("user")
        let host = try request.name("vhost")
        guard request.administration.hasVirtualHost(host),
            request.administration.controlPlane.user(named: user) != nil
        else { throw .badRequest("vhost_or_user_not_found") }
        return (user, host)
    }

    private static func put(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let (user, host) = try knownUserAndHost(request)
        let permissions = try request.fields().permissions()
        let isNew = try await request.change { controlPlane throws(AdministrationError) in
            let old = controlPlane.permissions(user: user, virtualHost: host)
            try controlPlane.setPermissions(permissions, user: user, virtualHost: host)
            return old == nil
        }
        return isNew ? .created : .noContent
    }

    private static func delete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let (user, host) = try userAndHost(request)
        guard request.administration.controlPlane.permissions(user: user, virtualHost: host) != nil else {
            throw .notFound
        }
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.clearPermissions(user: user, virtualHost: host)
        }
        return .noContent
    }

    // MARK: Topics

    private static func topics(_ request: ManagementRequest, _ user: ShortString, _ host: ShortString)
        -> [UserTopicPermissions]
    {
        request.administration.controlPlane.topicPermissions.filter { $0.user == user && $0.virtualHost == host }
    }

    /// Of the exchange, if the path names one.
    ///
    /// - Throws: 404 where there are none.
    private static func findTopics(
        _ request: ManagementRequest
    ) throws(ManagementError) -> [UserTopicPermissions] {
        let (user, host) = try userAndHost(request)
        var found = topics(request, user, host)
        if let exchange = try exchange(request) { found = found.filter { $0.exchange == exchange } }
        if found.isEmpty { throw .notFound }
        return found
    }

    private static func exchange(_ request: ManagementRequest) throws(ManagementError) -> ShortString? {
        request.parameters["exchange"] == nil ? nil : try request.exchangeName("exchange")
    }

    private static func putTopic(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let (user, host) = try knownUserAndHost(request)
        let wanted = try request.fields().topicPermission(user: user, virtualHost: host)
        let existed = topics(request, user, host).contains { $0.exchange == wanted.exchange }
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.setTopicPermissions(
                TopicPermissions(write: wanted.write, read: wanted.read), user: user, virtualHost: host,
                exchange: wanted.exchange)
        }
        return existed ? .noContent : .created
    }

    private static func deleteTopics(
        _ request: ManagementRequest
    ) async throws(ManagementError) -> ManagementResponse {
        let found = try findTopics(request)
        try await request.change { controlPlane throws(AdministrationError) in
            for item in found {
                try controlPlane.clearTopicPermissions(
                    user: item.user, virtualHost: item.virtualHost, exchange: item.exchange)
            }
        }
        return .noContent
    }
}

extension Permissions {
    package func json(user: ShortString, virtualHost: ShortString) -> JSONObject {
        [
            "user": .text(user), "vhost": .text(virtualHost), "configure": .string(configure),
            "write": .string(write), "read": .string(read),
        ]
    }
}

extension UserPermissions {
    package var json: JSONObject { permissions.json(user: user, virtualHost: virtualHost) }
}

extension UserTopicPermissions {
    package var json: JSONObject {
        [
            "user": .text(user), "vhost": .text(virtualHost), "exchange": .text(exchange),
            "write": .string(permissions.write), "read": .string(permissions.read),
        ]
    }
}
