import JSON

/// The fields of a request's body, read one by one; errors name the field.
package struct JSONFields: Sendable {
    package let object: JSONObject

    package init(_ object: JSONObject) { self.object = object }

    /// A field that is not `null`.
    package subscript(name: String) -> JSONValue? {
        let value = object[name]
        return value == .null ? nil : value
    }

    private func mismatch(_ name: String, _ expected: String, _ found: JSONValue) -> ManagementError {
        .badRequest("field '\(name)': \(expected) was expected, found \(found.kindName)")
    }

    /// RabbitMQ takes the words in quotes too.
    package func bool(_ name: String) throws(ManagementError) -> Bool? {
        switch self[name] {
        case nil: return nil
        case .bool(let value): return value
        case .string("true"): return true
        case .string("false"): return false
        case .some(let value): throw mismatch(name, "true or false", value)
        }
    }

    package func string(_ name: String) throws(ManagementError) -> String? {
        guard let value = self[name] else { return nil }
        guard case .string(let text) = value else { throw mismatch(name, "a string", value) }
        return text
    }

    /// RabbitMQ takes digits in quotes too.
    package func integer(_ name: String, in range: ClosedRange<Int>? = nil) throws(ManagementError) -> Int? {
        guard let value = self[name] else { return nil }
        let number: Int
        switch value {
        case .integer(let integer): number = integer
        case .string(let text):
            guard let integer = Int(text) else { throw mismatch(name, "an integer", value) }
            number = integer
        default: throw mismatch(name, "an integer", value)
        }
        if let range, !range.contains(number) {
            throw .badRequest("field '\(name)': \(range.lowerBound) to \(range.upperBound) was expected")
        }
        return number
    }

    package func object(_ name: String) throws(ManagementError) -> JSONObject? {
        switch self[name] {
        case nil: return nil
        case .object(let object): return object
        // An empty table is an empty list in what Erlang and PHP write.
        case .array(let values) where values.isEmpty: return JSONObject()
        case .some(let value): throw mismatch(name, "an object", value)
        }
    }

    package func array(_ name: String) throws(ManagementError) -> [JSONValue]? {
        guard let value = self[name] else { return nil }
        guard case .array(let values) = value else { throw mismatch(name, "an array", value) }
        return values
    }

    /// What cannot do without the field.
    package func required<Value>(_ name: String, _ value: Value?) throws(ManagementError) -> Value {
        guard let value else { throw .badRequest("field '\(name)' is missing") }
        return value
    }
}
