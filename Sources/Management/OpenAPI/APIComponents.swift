import JSON

/// What operations refer to.
enum APIComponents {
    /// Names that a new node has, so that a reader, or a tool, has something to begin with.
    static let examples = ["vhost": "/", "user": "guest", "exchange": "amq.topic", "component": "federation-upstream"]

    static let errors: JSONObject = [
        "400": error("The request is malformed, or was refused: the reason says why"),
        "401": error("Nobody has logged in, or they may not do this"),
        "404": error("What the request names is not there"),
        "408": error("The body took too long"),
        "413": error("The body is too large"),
        "414": error("The path and query are too long"),
        "503": error("The node is being stopped, or is too busy for this"),
    ]

    private static func error(_ description: String) -> JSONValue {
        [
            "description": .string(description),
            "content": ["application/json": ["schema": APISchema.reference("Error").json]],
        ]
    }

    static let schemas: JSONObject = [
        "Error": APISchema.object(["error": .string, "reason": .string], required: ["error", "reason"]).json,
        "Page": APISchema.object(
            [
                "filtered_count": .integer, "item_count": .integer, "items": .array(.any), "page": .integer,
                "page_count": .integer, "page_size": .integer, "total_count": .integer,
            ], required: ["items"]
        ).json,
        "WhoAmI": APISchema.object(["name": .string, "tags": .array(.string)], required: ["name", "tags"]).json,
        "Object": APISchema.object.json,
        "HealthCheck": APISchema.object(["status": .choice(["ok", "failed"]), "reason": .string]).json,
        "Overview": APISchema.object([
            "rabbitmq_version": .string, "product_name": .string, "product_version": .string,
            "management_version": .string, "cluster_name": .string, "node": .string, "message_stats": .object,
            "queue_totals": .object, "object_totals": .object, "churn_rates": .object, "listeners": .array(.object),
        ]).json,
        "Node": APISchema.object([
            "name": .string, "running": .boolean, "uptime": .integer, "mem_used": .integer, "mem_limit": .integer,
            "mem_alarm": .boolean, "disk_free": .any, "disk_free_limit": .integer,
            "disk_free_alarm": .boolean, "fd_used": .integer, "fd_total": .integer,
        ]).json,
        "Queue": APISchema.object([
            "name": .string, "vhost": .string, "type": .string, "durable": .boolean, "auto_delete": .boolean,
            "exclusive": .boolean, "arguments": .object, "node": .string, "state": .string, "messages": .integer,
            "messages_ready": .integer, "messages_unacknowledged": .integer, "message_bytes": .integer,
            "consumers": .integer, "memory": .integer, "message_stats": .object,
        ]).json,
        "Message": APISchema.object([
            "payload": .string, "payload_bytes": .integer, "payload_encoding": .choice(["string", "base64"]),
            "exchange": .string, "routing_key": .string, "redelivered": .boolean, "message_count": .integer,
        ]).json,
        "Exchange": APISchema.object([
            "name": .string, "vhost": .string, "type": .string, "durable": .boolean, "auto_delete": .boolean,
            "internal": .boolean, "arguments": .object,
        ]).json,
        "Binding": APISchema.object([
            "source": .string, "vhost": .string, "destination": .string,
            "destination_type": .choice(["queue", "exchange"]), "routing_key": .string, "arguments": .object,
            "properties_key": .string,
        ]).json,
        "Consumer": APISchema.object([
            "consumer_tag": .string, "ack_required": .boolean, "exclusive": .boolean, "active": .boolean,
            "prefetch_count": .integer, "queue": .object, "channel_details": .object, "arguments": .object,
        ]).json,
        "Connection": APISchema.object([
            "name": .string, "user": .string, "vhost": .string, "state": .string, "channels": .integer,
            "peer_host": .string, "peer_port": .integer, "recv_oct": .integer, "send_oct": .integer,
        ]).json,
        "Channel": APISchema.object([
            "name": .string, "number": .integer, "user": .string, "vhost": .string, "consumer_count": .integer,
            "messages_unacknowledged": .integer, "messages_unconfirmed": .integer, "prefetch_count": .integer,
        ]).json,
        "User": APISchema.object([
            "name": .string, "password_hash": .string, "hashing_algorithm": .string, "tags": .array(.string),
            "limits": .any,
        ]).json,
        "VirtualHost": APISchema.object(["name": .string, "description": .string, "tracing": .boolean]).json,
        "Permission": APISchema.object([
            "user": .string, "vhost": .string, "configure": .string, "write": .string, "read": .string,
        ]).json,
        "TopicPermission": APISchema.object([
            "user": .string, "vhost": .string, "exchange": .string, "write": .string, "read": .string,
        ]).json,
        "Policy": APISchema.object([
            "vhost": .string, "name": .string, "pattern": .string, "apply-to": .string, "definition": .object,
            "priority": .integer,
        ]).json,
        "Parameter": APISchema.object(["vhost": .string, "component": .string, "name": .string, "value": .any]).json,
    ]
}
