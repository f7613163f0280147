import JSON

// What servers of different versions send differs: nothing here minds what is missing, and numbers may be text.
extension JSONValue {
    private static let depthLimit = 200

    init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }

    /// Of a name that comes twice the first value counts.
    init(parsing bytes: [UInt8]) throws(JSONError) {
        self = try JSONParser.parse(bytes, depthLimit: Self.depthLimit, hasUniqueNames: false)
    }

    /// A member of an object; `null` where there is none.
    subscript(name: String) -> JSONValue {
        get { object?[name] ?? .null }
        set {
            var object = object ?? JSONObject()
            object[name] = newValue
            self = .object(object)
        }
    }

    /// A member of a member and so on: `message_stats.publish_details.rate`.
    subscript(path path: String) -> JSONValue {
        if let whole = object?[path] { return whole }
        var value = self
        for name in path.split(separator: ".") { value = value[String(name)] }
        return value
    }

    /// The text of a string, a number or a truth value.
    var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let value): String(value)
        case .double: compact
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    /// A whole number, also in quotes or with a point.
    var wholeNumber: Int? {
        switch self {
        case .integer(let value): value
        case .double(let value): Int(exactly: value.rounded())
        case .string(let text): Int(text)
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .double(let value): value
        case .string(let text): Double(text)
        default: nil
        }
    }

    var flag: Bool { self == .bool(true) || self == .string("true") }

    var isNull: Bool { self == .null }

    var items: [JSONValue] { array ?? [] }

    var members: [JSONObject.Member] { object?.members ?? [] }

    /// The words of a list, which older servers send as one text with commas between them.
    var words: [String] {
        switch self {
        case .array(let items): items.compactMap(\.text)
        case .string(let text): text.split(separator: ",").map { String($0.drop { $0 == " " }) }
        default: []
        }
    }

    /// Nothing at all: older servers send an empty list for an empty object.
    var isEmpty: Bool { self == .null || self == .array([]) || self == .object([:]) }

    /// The same value with the members of each object in the order of their names: for comparing.
    var sorted: JSONValue {
        switch self {
        case .array(let items): .array(items.map(\.sorted))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.sorted { $0.name < $1.name }.map {
                        JSONObject.Member(name: $0.name, value: $0.value.sorted)
                    }))
        default: self
        }
    }
}
