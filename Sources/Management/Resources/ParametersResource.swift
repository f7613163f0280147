import AMQPWire
import Broker
import HTTPTypes
import JSON
import Node

/// `/api/parameters`, `/api/global-parameters`: what plugins of RabbitMQ keep in the broker.
enum ParametersResource: Resource {
    static let routes = [
        Route(.get, "/api/parameters", access: .policies) { request async throws(ManagementError) in
            try await request.list(all(request).filter { request.opens($0.virtualHost) }.map(\.json))
        },
        Route(.get, "/api/parameters/{component}", access: .policies) { request async throws(ManagementError) in
            let component = try request.name("component")
            return try await request.list(
                all(request).filter { $0.component == component && request.opens($0.virtualHost) }.map(\.json))
        },
        Route(.get, "/api/parameters/{component}/{vhost}", access: .policies) { request async throws(ManagementError) in
            let component = try request.name("component")
            let host = try request.virtualHost
            return try await request.list(
                all(request).filter { $0.component == component && $0.virtualHost == host }.map(\.json))
        },
        Route(.get, path, access: .policies) { request throws(ManagementError) in .json(try find(request).json) },
        Route(.put, path, access: .policies, put),
        Route(.delete, path, access: .policies, delete),

        Route(.get, "/api/global-parameters", access: .globalParameters) { request async throws(ManagementError) in
            try await request.list(globals(request).map(\.json))
        },
        Route(.get, globalPath, access: .globalParameters) { request throws(ManagementError) in
            .json(try findGlobal(request).json)
        },
        Route(.put, globalPath, access: .globalParameters, putGlobal),
        Route(.delete, globalPath, access: .globalParameters) { request async throws(ManagementError) in
            let parameter = try findGlobal(request)
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.clearGlobalParameter(parameter.name)
            }
            return .noContent
        },
    ]

    private static let path = "/api/parameters/{component}/{vhost}/{name}"
    private static let globalPath = "/api/global-parameters/{name}"

    // MARK: Of virtual hosts

    /// What is kept as such, and what RabbitMQ shows as parameters too: limits and operator policies.
    static func all(_ request: ManagementRequest) -> [ParameterDefinition] {
        ParameterDefinition.all(of: request.administration.controlPlane)
    }

    private static func find(_ request: ManagementRequest) throws(ManagementError) -> ParameterDefinition {
        let host = try request.virtualHost
        let component = try request.name("component")
        let name = try request.name("name")
        let found = all(request).first {
            $0.virtualHost == host && $0.component == component && $0.name == name
        }
        guard let found else { throw .notFound }
        return found
    }

    private static func put(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let host = try request.name("vhost")
        guard request.administration.hasVirtualHost(host) else { throw .notFound("vhost_not_found") }
        let component = try request.name("component")
        let name = try request.name("name")
        let fields = try request.fields()
        guard let value = fields.object["value"] else { throw .badRequest("field 'value' is missing") }
        let existed = all(request).contains {
            $0.virtualHost == host && $0.component == component && $0.name == name
        }
        switch component {
        case "operator_policy":
            // As at /api/operator-policies: policymakers do not bound themselves.
            guard request.user.isAdministrator else { throw .notAuthorised("Not administrator user") }
            let policy = try JSONFields(try fields.objectOrEmpty("value")).policy(named: name)
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.setPolicy(policy, isOperator: true, virtualHost: host)
            }
        case "shovel", "federation-upstream", "federation-upstream-set", "vhost-limits":
            // Limits are the administrators', as at /api/vhost-limits.
            if component == "vhost-limits", !request.user.isAdministrator {
                throw .notAuthorised("Not administrator user")
            }
            let value = try FieldValue(json: value, field: "value")
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.setParameter(component: component, name: name, value: value, virtualHost: host)
            }
        default: throw .badRequest("Validation failed\n\ncomponent \(component) not found\n")
        }
        return existed ? .noContent : .created
    }

    private static func delete(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let parameter = try find(request)
        switch parameter.component {
        case "operator_policy":
            guard request.user.isAdministrator else { throw .notAuthorised("Not administrator user") }
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.clearPolicy(parameter.name, isOperator: true, virtualHost: parameter.virtualHost)
            }
        default:
            if parameter.component == "vhost-limits", !request.user.isAdministrator {
                throw .notAuthorised("Not administrator user")
            }
            try await request.change { controlPlane throws(AdministrationError) in
                try controlPlane.clearParameter(
                    component: parameter.component, name: parameter.name, virtualHost: parameter.virtualHost)
            }
        }
        return .noContent
    }

    // MARK: Of the node

    private static func globals(_ request: ManagementRequest) -> [GlobalParameterDefinition] {
        request.administration.controlPlane.globalParameters.map {
            GlobalParameterDefinition(name: $0.name, value: $0.value)
        }
    }

    private static func findGlobal(
        _ request: ManagementRequest
    ) throws(ManagementError) -> GlobalParameterDefinition {
        let name = try request.name("name")
        guard let found = globals(request).first(where: { $0.name == name }) else { throw .notFound }
        return found
    }

    private static func putGlobal(_ request: ManagementRequest) async throws(ManagementError) -> ManagementResponse {
        let name = try request.name("name")
        guard let value = try request.fields().object["value"] else { throw .badRequest("field 'value' is missing") }
        let existed = globals(request).contains { $0.name == name }
        let field = try FieldValue(json: value, field: "value")
        try await request.change { controlPlane throws(AdministrationError) in
            try controlPlane.setGlobalParameter(name, to: field)
        }
        return existed ? .noContent : .created
    }
}

extension ParameterDefinition {
    /// What is kept as such, and what RabbitMQ keeps as parameters too: limits and operator policies.
    package static func all(of controlPlane: ControlPlane) -> [ParameterDefinition] {
        let kept = ((try? controlPlane.parameters()) ?? []).map {
            ParameterDefinition(
                virtualHost: $0.virtualHost, component: $0.component, name: $0.name, value: $0.value)
        }
        let policies = controlPlane.virtualHosts.flatMap { host in
            ((try? controlPlane.policies(virtualHost: host.name, isOperator: true)) ?? []).map { policy in
                DefinedPolicy(virtualHost: host.name, isOperator: true, policy: policy).asParameter
            }
        }
        return (kept + policies).sorted {
            ($0.virtualHost, $0.component, $0.name) < ($1.virtualHost, $1.component, $1.name)
        }
    }

    package var json: JSONObject {
        [
            "value": value.json, "vhost": .text(virtualHost), "component": .text(component), "name": .text(name),
        ]
    }
}

extension GlobalParameterDefinition {
    package var json: JSONObject { ["name": .text(name), "value": value.json] }
}

extension DefinedPolicy {
    /// An operator policy where RabbitMQ keeps it.
    package var asParameter: ParameterDefinition {
        ParameterDefinition(
            virtualHost: virtualHost, component: "operator_policy", name: policy.name,
            value: .table([
                "pattern": .string(policy.pattern), "definition": .table(policy.definition),
                "priority": .int64(policy.priority), "apply-to": .string(policy.target.rawValue),
            ]))
    }
}
