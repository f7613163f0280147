import HTTPTypes
import JSON

/// What the OpenAPI document says of one method of one path.
struct APIOperation: Sendable {
    let method: HTTPRequest.Method
    /// As the route has it.
    let template: String
    let summary: String
    var query: [APIParameter] = []
    /// What the body must be; nil where there is none.
    var body: APISchema?
    var bodyType = "application/json"
    let answers: [APIAnswer]

    /// A path parameter that names something that may be missing gives 404, and so does a body that does.
    var mayFind: Bool { template.contains("{") || body != nil }
}

/// A successful answer, or one that is an error only to the operation that gives it.
struct APIAnswer: Sendable {
    let status: Int
    let description: String
    var schema: APISchema?
    var contentType = "application/json"

    static func json(_ schema: APISchema, _ description: String = "OK") -> APIAnswer {
        APIAnswer(status: 200, description: description, schema: schema)
    }

    static let created = APIAnswer(status: 201, description: "It is new, and on stable storage")
    static let noContent = APIAnswer(status: 204, description: "Done, and on stable storage")
    static let metrics = APIAnswer(
        status: 200, description: "Prometheus's text format, version 0.0.4", schema: .string, contentType: "text/plain")
}

/// A parameter behind the `?`.
struct APIParameter: Sendable {
    let name: String
    let description: String
    let schema: APISchema

    static let columns = APIParameter(
        name: "columns", description: "Only these fields, such as name,message_stats.publish", schema: .string)
    static let sort = [
        APIParameter(name: "sort", description: "The field to sort by", schema: .string),
        APIParameter(name: "sort_reverse", description: "Descending", schema: .boolean),
    ]
    static let page = [
        APIParameter(
            name: "page", description: "Which page of the list, from 1; without it, the whole list",
            schema: .integer(minimum: 1)),
        APIParameter(name: "page_size", description: "Items of a page", schema: .integer(minimum: 1, maximum: 500)),
        APIParameter(name: "name", description: "Only what has this in its name", schema: .string),
        APIParameter(name: "use_regex", description: "name is a regular expression", schema: .boolean),
    ]
    static let dataRates = [
        APIParameter(
            name: "data_rates_age", description: "Seconds of history of bytes sent and received",
            schema: .integer(minimum: 1)),
        APIParameter(name: "data_rates_incr", description: "Seconds between its samples", schema: .integer(minimum: 1)),
    ]
    /// Of every list that is not small.
    static let list = [columns] + sort + page
    static let queues =
        list + [
            APIParameter(name: "disable_stats", description: "Leave statistics out", schema: .boolean),
            APIParameter(
                name: "enable_queue_totals", description: "With disable_stats: give the counts of messages",
                schema: .boolean),
        ] + samples
    static let samples = [
        APIParameter(
            name: "msg_rates_age", description: "Seconds of history of message rates", schema: .integer(minimum: 1)),
        APIParameter(name: "msg_rates_incr", description: "Seconds between its samples", schema: .integer(minimum: 1)),
        APIParameter(
            name: "lengths_age", description: "Seconds of history of queue lengths", schema: .integer(minimum: 1)),
        APIParameter(name: "lengths_incr", description: "Seconds between its samples", schema: .integer(minimum: 1)),
    ]
    static let connections = list + dataRates
    static let channels = list + samples.prefix(2)
}

/// A JSON schema.
struct APISchema: Sendable {
    let json: JSONValue

    static let string = APISchema(json: ["type": "string"])
    static let boolean = APISchema(json: ["type": "boolean"])
    static let integer = APISchema(json: ["type": "integer"])
    static let number = APISchema(json: ["type": "number"])
    static let object = APISchema(json: ["type": "object"])
    static let any = APISchema(json: [:])

    static func integer(minimum: Int, maximum: Int? = nil) -> APISchema {
        var schema: JSONObject = ["type": "integer", "minimum": .integer(minimum)]
        if let maximum { schema.append("maximum", .integer(maximum)) }
        return APISchema(json: .object(schema))
    }

    static func text(maxBytes: Int) -> APISchema {
        APISchema(json: ["type": "string", "maxLength": .integer(maxBytes)])
    }

    static func choice(_ words: [String]) -> APISchema {
        APISchema(json: ["type": "string", "enum": .array(words.map { .string($0) })])
    }

    static func array(_ items: APISchema) -> APISchema { APISchema(json: ["type": "array", "items": items.json]) }

    /// The array, or a page of it where one was asked for.
    static func list(_ items: APISchema) -> APISchema {
        let page: JSONValue = [
            "allOf": [
                reference("Page").json,
                ["type": "object", "properties": ["items": array(items).json]],
            ]
        ]
        return APISchema(json: ["anyOf": [array(items).json, page]])
    }

    static func either(_ schemas: APISchema...) -> APISchema {
        APISchema(json: ["anyOf": .array(schemas.map(\.json))])
    }

    /// An object with at least these members; any of them may be missing, unless it is required.
    static func object(_ members: KeyValuePairs<String, APISchema>, required: [String] = []) -> APISchema {
        var schema: JSONObject = [
            "type": "object",
            "properties": .object(JSONObject(members.map { JSONObject.Member(name: $0.key, value: $0.value.json) })),
        ]
        if !required.isEmpty { schema.append("required", .array(required.map { .string($0) })) }
        return APISchema(json: .object(schema))
    }

    /// One of ``APIComponents/schemas``.
    static func reference(_ name: String) -> APISchema {
        APISchema(json: ["$ref": .string("#/components/schemas/\(name)")])
    }
}
