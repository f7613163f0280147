import HTTPTypes
import JSON

extension APIOperation {
    /// Of every route.
    static let all: [APIOperation] = general + metrics + checks + messaging + clients + administration + rules

    static func get(
        _ template: String, _ summary: String, query: [APIParameter] = [], _ schema: APISchema, _ others: APIAnswer...
    ) -> APIOperation {
        APIOperation(
            method: .get, template: template, summary: summary, query: query, answers: [.json(schema)] + others)
    }

    /// A list that can be asked for page by page.
    static func list(
        _ template: String, _ summary: String, query: [APIParameter] = APIParameter.list, _ schema: String
    ) -> APIOperation {
        get(template, summary, query: query, .list(.reference(schema)))
    }

    /// Makes something, or changes what is there.
    static func put(_ template: String, _ summary: String, _ body: APISchema? = nil) -> APIOperation {
        APIOperation(
            method: .put, template: template, summary: summary, body: body, answers: [.created, .noContent])
    }

    static func delete(_ template: String, _ summary: String, query: [APIParameter] = []) -> APIOperation {
        APIOperation(method: .delete, template: template, summary: summary, query: query, answers: [.noContent])
    }

    static func post(
        _ template: String, _ summary: String, _ body: APISchema? = nil, _ answers: APIAnswer...
    ) -> APIOperation {
        APIOperation(method: .post, template: template, summary: summary, body: body, answers: answers)
    }

    static let general: [APIOperation] = [
        get("/api/openapi.json", "This document", .object),
        get("/api/whoami", "Who has logged in", .reference("WhoAmI")),
        get("/api/overview", "The node in short", query: [.columns] + APIParameter.samples, .reference("Overview")),
        get("/api/version", "The version of RabbitMQ whose API this is", .string),
        get("/api/auth", "How to log in", .object),
        list("/api/extensions", "Extensions of RabbitMQ's pages", "Object"),
        list("/api/nodes", "The node, as a list", "Node"),
        get("/api/nodes/{node}", "The node", query: [.columns], .reference("Node")),
        get("/api/nodes/{node}/memory", "What the node's memory is used for, in bytes", .object),
        get("/api/nodes/{node}/memory/relative", "What the node's memory is used for, in percent", .object),
        get("/api/cluster-name", "The name of the cluster", .object(["name": .string], required: ["name"])),
        put("/api/cluster-name", "Names the cluster", .object(["name": .text(maxBytes: 255)], required: ["name"])),
        get("/api/config/effective", "The settings that the node goes by; secrets are left out", .object),
        delete("/api/reset", "Forgets the history of rates"),
        delete("/api/reset/{node}", "Forgets the history of rates"),
        post("/api/rebalance/queues", "Does nothing: queues of one node are where they are", nil, .noContent),
        list("/api/feature-flags", "RabbitMQ's feature flags, all of them enabled", "Object"),
        put("/api/feature-flags/{name}/enable", "Does nothing: all feature flags are enabled"),
        list("/api/deprecated-features", "RabbitMQ's deprecated features: none", "Object"),
        list("/api/deprecated-features/used", "Deprecated features in use: none", "Object"),
        list("/api/federation-links", "Federation links: none", "Object"),
        list("/api/federation-links/{vhost}", "Federation links of a virtual host: none", "Object"),
        list("/api/shovels", "Shovels: none", "Object"),
        list("/api/shovels/{vhost}", "Shovels of a virtual host: none", "Object"),
        APIOperation(
            method: .post, template: "/api/login",
            summary: "Whether the name and the password in a form's fields are a management user's",
            body: .object(["username": .string, "password": .string], required: ["username", "password"]),
            bodyType: "application/x-www-form-urlencoded",
            answers: [
                .json(.string), APIAnswer(status: 401, description: "They are not", schema: .reference("Error")),
            ]),
        list("/api/auth/attempts/{node}", "Logins, counted by protocol", "Object"),
        list("/api/auth/attempts/{node}/source", "Logins, counted by protocol, user and address", "Object"),
        delete("/api/auth/attempts/{node}", "Counts logins anew"),
        delete("/api/auth/attempts/{node}/source", "Counts logins anew"),
        post(
            "/api/auth/hash_password", "A password as it is stored",
            .object(["password": .string], required: ["password"]), .json(.object(["ok": .string]))),
        APIOperation(
            method: .get, template: "/api/auth/hash_password/{password}",
            summary: "Gone: passwords belong into the body, since paths are logged",
            answers: [APIAnswer(status: 404, description: "Always", schema: .reference("Error"))]),
    ]

    static let metrics: [APIOperation] = [
        APIOperation(
            method: .get, template: "/metrics", summary: "Metrics for Prometheus: sums over all objects",
            answers: [.metrics]),
        APIOperation(
            method: .get, template: "/metrics/per-object",
            summary: "Metrics for Prometheus: of every queue, exchange, connection and channel", answers: [.metrics]),
        APIOperation(
            method: .get, template: "/metrics/detailed",
            summary: "Metrics for Prometheus: the groups that are asked for, object by object",
            query: [
                APIParameter(
                    name: "family", description: "A group of metrics, such as queue_coarse_metrics; any number",
                    schema: .array(.choice(MetricGroup.allCases.map(\.rawValue)))),
                APIParameter(
                    name: "vhost", description: "Only queues and exchanges of this virtual host; any number",
                    schema: .array(.string)),
            ], answers: [.metrics]),
    ]

    private static func check(_ path: String, _ summary: String) -> APIOperation {
        get(
            "/api/health/checks/\(path)", summary, .reference("HealthCheck"),
            APIAnswer(status: 503, description: "It is not so", schema: .reference("HealthCheck")))
    }

    static let checks: [APIOperation] = [
        check("alarms", "Whether no alarm is in effect"),
        check("local-alarms", "Whether no alarm is in effect"),
        check("virtual-hosts", "Whether all virtual hosts are running"),
        check("port-listener/{port}", "Whether somebody listens on the port"),
        check("protocol-listener/{protocol}", "Whether the protocol is listened for"),
        check("certificate-expiration/{within}/{unit}", "Whether no certificate expires within the time"),
        check("node-is-quorum-critical", "Whether nothing depends on this node alone"),
        check("node-is-mirror-sync-critical", "Whether nothing depends on this node alone"),
        check("metadata-store/initialized", "Whether the node knows its topology"),
        check("metadata-store/initialized/with-data", "Whether the node knows its topology"),
        check(
            "quorum-queues-without-elected-leaders/vhost/{vhost}/pattern/{pattern}",
            "Whether all quorum queues of a virtual host have a leader"),
        check(
            "quorum-queues-without-elected-leaders/all-vhosts/pattern/{pattern}",
            "Whether all quorum queues have a leader"),
        check("below-node-connection-limit", "Whether more clients may connect"),
        check("is-in-service", "Whether the node is in service"),
        check("ready-to-serve-clients", "Whether clients can connect and publish"),
        get("/api/healthchecks/node", "Whether the node is well", .reference("HealthCheck")),
        get("/api/healthchecks/node/{node}", "Whether the node is well", .reference("HealthCheck")),
        get("/api/aliveness-test/{vhost}", "Whether the virtual host is there", .reference("HealthCheck")),
    ]
}
