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
    ]
}
