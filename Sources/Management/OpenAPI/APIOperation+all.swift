import HTTPTypes

extension APIOperation {
    /// Of every route.
    static let all: [APIOperation] = general

    static let general: [APIOperation] = [
        APIOperation(
            method: .get, template: "/api/openapi.json", summary: "This document", answers: [.json(.object)]),
        APIOperation(
            method: .get, template: "/api/whoami", summary: "Who has logged in",
            answers: [.json(.reference("WhoAmI"))]),
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
                    schema: .array(.string)),
                APIParameter(
                    name: "vhost", description: "Only queues and exchanges of this virtual host; any number",
                    schema: .array(.string)),
            ], answers: [.metrics]),
    ]
}
