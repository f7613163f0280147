// Building an object field by field.
extension JSONObject {
    package mutating func add(_ name: String, _ value: some BinaryInteger) { append(name, .number(value)) }
    package mutating func add(_ name: String, _ value: Bool) { append(name, .bool(value)) }
    package mutating func add(_ name: String, _ value: String) { append(name, .string(value)) }
    package mutating func add(_ name: String, _ value: JSONObject) { append(name, .object(value)) }
    package mutating func add(_ name: String, _ values: [JSONObject]) {
        append(name, .array(values.map { .object($0) }))
    }

    /// On one line, without spaces.
    package var compact: String { JSONValue.object(self).compact }
}
