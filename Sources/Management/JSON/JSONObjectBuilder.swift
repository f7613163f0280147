import JSON

/// Makes an object of the fields that are wanted; the values of others are not computed.
struct JSONObjectBuilder {
    let columns: Columns
    private(set) var object = JSONObject()

    init(_ columns: Columns) { self.columns = columns }

    mutating func add(_ name: String, _ value: @autoclosure () -> JSONValue) {
        if columns.want(name) { object.append(name, value()) }
    }

    mutating func add(_ name: String, _ value: @autoclosure () -> Int) {
        if columns.want(name) { object.append(name, .integer(value())) }
    }

    mutating func add(_ name: String, _ value: @autoclosure () -> Bool) {
        if columns.want(name) { object.append(name, .bool(value())) }
    }
}
