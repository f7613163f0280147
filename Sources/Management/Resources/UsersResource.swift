import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/users`: who may log in.
enum UsersResource: Resource {
    static let routes = [
        Route(.get, "/api/users", access: .administrator) { request async throws(ManagementError) in
            try await request.list(request.administration.controlPlane.users.map(\.json))
        },
        Route(.get, "/api/users/without-permissions", access: .administrator) { request async throws(ManagementError) in
            let controlPlane = request.administration.controlPlane
            return try await request.list(
                controlPlane.users.filter { controlPlane.virtualHosts(openTo: $0.name).isEmpty }.map(\.json))
        },
        Route(.post, "/api/users/bulk-delete", access: .administrator, bulkDelete),
        Route(.get, path, access: .administrator) { request throws(ManagementError) in
            .json(try user(request).json)
        },
        Route(.put, path, access: .administrator, put),
        Route(.delete, path, access: .administrator) { request async throws(ManagementError) in
            let user = try user(request)
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.deleteUser(user.name)
            }
            return .noContent
        },
        Route(.get, path + "/permissions", access: .administrator) { request async throws(ManagementError) in
            let user = try user(request)
            let all = request.administration.controlPlane.permissions
            return try await request.list(all.filter { $0.user == user.name }.map(\.json))
        },
        Route(.get, path + "/topic-permissions", access: .administrator) { request async throws(ManagementError) in
            let user = try user(request)
            let all = request.administration.controlPlane.topicPermissions
            return try await request.list(all.filter { $0.user == user.name }.map(\.json))
        },
    ]

    private static let path = "/api/users/{user}"

    private static func user(_ request: ManagementRequest) throws(ManagementError) -> UserRecord {
        let name = try request.name("user")
        guard let user = request.administration.controlPlane.user(named: name) else { throw .notFound }
        return user
    }

    private static func put(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let definition = try request.fields().user(named: try request.name("user"))
        if case .hash(let bytes, let algorithm) = definition.secret, !bytes.isEmpty,
            PasswordHashing(rawValue: algorithm) == nil
        {
            throw .badRequest("field 'hashing_algorithm': '\(algorithm)' is not known here")
        }
        let isNew = try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.putUser(try definition.record(hashing: controlPlane).record)
        }
        return isNew ? .created : .noContent
    }

    /// All of them or none.
    private static func bulkDelete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let fields = try request.fields()
        let values = try fields.required("users", try fields.array("users"))
        var names: [ShortString] = []
        for value in values {
            guard let name = value.string.flatMap({ ShortString($0) }) else {
                throw .badRequest("field 'users': names of users were expected, found \(value.kindName)")
            }
            guard request.administration.controlPlane.user(named: name) != nil else {
                throw .badRequest("field 'users': no_such_user '\(name)'")
            }
            names.append(name)
        }
        let wanted = Set(names)
        try await request.change { controlPlane in
            // Whoever is gone by now is gone.
            for name in wanted { try? controlPlane.deleteUser(name) }
        }
        return .noContent
    }
}

extension UserRecord {
    package var json: JSONObject {
        [
            "name": .text(name), "password_hash": .string(Base64.encode(passwordHash)),
            "hashing_algorithm": .string(hashing.rawValue), "tags": .array(tags.map { .string($0) }),
            "limits": .object(limits.table.json),
        ]
    }
}
