import Broker
import HTTPTypes
import JSON

/// The OpenAPI 3.0 document of the HTTP API: made of the routes themselves and of what `APIOperation`s say of them. A
/// test checks that each route has one, and no other.
enum OpenAPIDocument {
    private static let description =
        "RabbitMQ's management HTTP API, served by Leveret. Names in paths are percent-encoded: the virtual host / is "
        + "%2F. Unless said otherwise, users log in with HTTP basic authentication."

    static func json(routes: [Route], operations: [APIOperation]) -> JSONValue {
        var paths = JSONObject()
        for route in routes {
            guard
                let operation = operations.first(where: { $0.method == route.method && $0.template == route.template })
            else { continue }
            var item = paths[route.template]?.object ?? JSONObject(pathParameters(route.template))
            item.append(route.method.rawValue.lowercased(), describe(route, operation))
            paths[route.template] = .object(item)
        }
        return [
            "openapi": "3.0.3",
            "info": [
                "title": "Leveret management HTTP API", "version": .string(Version.current),
                "description": .string(description),
            ],
            "servers": [["url": "/"]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": ["basic": ["type": "http", "scheme": "basic"]],
                "schemas": .object(APIComponents.schemas),
                "responses": .object(APIComponents.errors),
            ],
        ]
    }

    private static func pathParameters(_ template: String) -> [JSONObject.Member] {
        let names = template.split(separator: "/").filter { $0.hasPrefix("{") }.map {
            String($0.dropFirst().dropLast())
        }
        if names.isEmpty { return [] }
        let parameters = names.map { name -> JSONValue in
            var parameter: JSONObject = [
                "name": .string(name), "in": "path", "required": true,
                "schema": ["type": "string", "minLength": 1, "maxLength": 255],
            ]
            if let example = APIComponents.examples[name] { parameter.append("example", .string(example)) }
            return .object(parameter)
        }
        return [JSONObject.Member(name: "parameters", value: .array(parameters))]
    }

    private static func describe(_ route: Route, _ operation: APIOperation) -> JSONValue {
        var described: JSONObject = [
            "summary": .string(operation.summary),
            "operationId": .string(identifier(route)),
            "tags": [.string(tag(route.template))],
        ]
        if let rights = rights(route.access) { described.append("description", .string(rights)) }
        if !operation.query.isEmpty {
            described.append(
                "parameters",
                .array(
                    operation.query.map {
                        [
                            "name": .string($0.name), "in": "query", "description": .string($0.description),
                            "schema": $0.schema.json,
                        ]
                    }))
        }
        if let body = operation.body {
            let content: JSONValue = ["schema": body.json]
            described.append("requestBody", ["content": .object([operation.bodyType: content])])
        }
        described.append("responses", .object(responses(route, operation)))
        described.append("security", route.access == .open ? [] : [["basic": []]])
        return .object(described)
    }

    private static func responses(_ route: Route, _ operation: APIOperation) -> JSONObject {
        var responses: [Int: JSONValue] = [:]
        for answer in operation.answers {
            var response: JSONObject = ["description": .string(answer.description)]
            if let schema = answer.schema {
                response.append("content", .object([answer.contentType: ["schema": schema.json]]))
            }
            responses[answer.status] = .object(response)
        }
        var errors = [400, 414, 503]
        if route.access != .open { errors.append(401) }
        if operation.mayFind { errors.append(404) }
        if operation.body != nil { errors += [408, 413] }
        for error in errors where responses[error] == nil {
            responses[error] = ["$ref": .string("#/components/responses/\(error)")]
        }
        return JSONObject(
            responses.sorted { $0.key < $1.key }.map { JSONObject.Member(name: String($0.key), value: $0.value) })
    }

    /// `get_queues_vhost_name`: what generated clients call it.
    private static func identifier(_ route: Route) -> String {
        let words = route.template.split { "/-{}.".contains($0) }.filter { $0 != "api" }
        return ([route.method.rawValue.lowercased()] + words.map { String($0) }).joined(separator: "_")
    }

    private static func tag(_ template: String) -> String {
        let segments = template.split(separator: "/").filter { $0 != "api" }
        return segments.first.map(String.init) ?? "api"
    }

    private static func rights(_ access: RouteAccess) -> String? {
        switch access {
        case .open: nil
        case .management: "For users with a management tag."
        case .monitoring: "For users with the tag monitoring or administrator."
        case .administrator: "For administrators."
        case .virtualHost: "For users who may open the virtual host."
        case .visibleVirtualHost: "For users who may open the virtual host, and for monitoring users."
        case .policies: "For policymakers who may open the virtual host, and for administrators."
        case .globalParameters: "For policymakers and administrators."
        }
    }
}

/// `/api/openapi.json`
enum OpenAPIResource: Resource {
    static let routes = [
        Route(.get, "/api/openapi.json", access: .open) { _ throws(ManagementError) in
            .json(OpenAPIDocument.json(routes: Router().routes, operations: APIOperation.all))
        }
    ]
}

/// What a test looks at.
package enum OpenAPI {
    /// Descriptions of what there is not.
    package static var operationsWithoutRoute: [String] {
        let routes = Router().routes
        return APIOperation.all.filter { operation in
            !routes.contains { $0.method == operation.method && $0.template == operation.template }
        }.map { "\($0.method) \($0.template)" }
    }
}
