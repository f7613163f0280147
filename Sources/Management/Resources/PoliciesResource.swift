import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/policies`, `/api/operator-policies`: what holds for exchanges and queues by their names.
enum PoliciesResource: Resource {
    static let routes: [Route] =
        make("policies", isOperator: false) + make("operator-policies", isOperator: true)

    private static func make(_ word: String, isOperator: Bool) -> [Route] {
        // RabbitMQ: what bounds others is the administrators'.
        let access: RouteAccess = isOperator ? .administrator : .policies
        let path = "/api/\(word)/{vhost}/{name}"
        return [
            Route(.get, "/api/\(word)", access: .virtualHost) { request async throws(ManagementError) in
                let hosts = request.administration.controlPlane.virtualHosts.map(\.name).filter(request.opens)
                return try await request.list(hosts.flatMap { list(request, $0, isOperator) }.map(json))
            },
            Route(.get, "/api/\(word)/{vhost}", access: .virtualHost) { request async throws(ManagementError) in
                try await request.list(list(request, try request.virtualHost, isOperator).map(json))
            },
            Route(.get, path, access: access) { request throws(ManagementError) in
                .json(json(try policy(request, isOperator)))
            },
            Route(.put, path, access: access) { request async throws(ManagementError) in
                try await put(request, isOperator)
            },
            Route(.delete, path, access: access) { request async throws(ManagementError) in
                let policy = try policy(request, isOperator)
                try await request.change { controlPlane throws(AdministrationError) in
                    try controlPlane.clearPolicy(
                        policy.policy.name, isOperator: isOperator, virtualHost: policy.virtualHost)
                }
                return .noContent
            },
        ]
    }

    private static func put(
        _ request: ManagementRequest, _ isOperator: Bool
    ) async throws(ManagementError) -> ManagementResponse {
        let host = try request.name("vhost")
        guard request.administration.hasVirtualHost(host) else { throw .notFound("vhost_not_found") }
        let policy = try request.fields().policy(named: try request.name("name"))
        let existed = list(request, host, isOperator).contains { $0.policy.name == policy.name }
        do throws(AdministrationError) {
            try await request.administration.change(by: request.user.name) { controlPlane throws(AdministrationError) in
                try controlPlane.setPolicy(policy, isOperator: isOperator, virtualHost: host)
            }
        } catch {
            throw .badRequest("Validation failed\n\n\(error.reason)\n")
        }
        return existed ? .noContent : .created
    }

    private static func list(
        _ request: ManagementRequest, _ host: ShortString, _ isOperator: Bool
    ) -> [DefinedPolicy] {
        let policies = try? request.administration.controlPlane.policies(virtualHost: host, isOperator: isOperator)
        return (policies ?? []).map { DefinedPolicy(virtualHost: host, isOperator: isOperator, policy: $0) }
    }

    private static func policy(
        _ request: ManagementRequest, _ isOperator: Bool
    ) throws(ManagementError) -> DefinedPolicy {
        let name = try request.name("name")
        guard
            let policy = list(request, try request.virtualHost, isOperator).first(where: { $0.policy.name == name })
        else { throw .notFound }
        return policy
    }

    private static func json(_ policy: DefinedPolicy) -> JSONObject { policy.json }
}

extension DefinedPolicy {
    /// As RabbitMQ lists and exports it.
    package var json: JSONObject {
        [
            "vhost": .text(virtualHost), "name": .text(policy.name), "pattern": .string(policy.pattern),
            "apply-to": .string(policy.target.rawValue), "definition": .object(policy.definition.json),
            "priority": .integer(Int(policy.priority)),
        ]
    }
}
