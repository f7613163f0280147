/// A JSON value whose objects keep their order, so that an export stays as it is.
enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([Member])

    struct Member: Equatable, Sendable {
        var name: String
        var value: JSON
    }
}

// What servers of different versions send differs: nothing here minds what is missing, and numbers may be text.
extension JSON {
    /// A member of an object; `null` where there is none.
    subscript(name: String) -> JSON {
        get {
            guard case .object(let members) = self else { return .null }
            return members.first { $0.name == name }?.value ?? .null
        }
        set {
            var members = members
            if let place = members.firstIndex(where: { $0.name == name }) {
                members[place].value = newValue
            } else {
                members.append(Member(name: name, value: newValue))
            }
            self = .object(members)
        }
    }

    /// A member of a member and so on: `message_stats.publish_details.rate`.
    subscript(path path: String) -> JSON {
        if case .object(let members) = self, let whole = members.first(where: { $0.name == path }) {
            return whole.value
        }
        var value = self
        for name in path.split(separator: ".") { value = value[String(name)] }
        return value
    }

    /// The text of a string, a number or a truth value.
    var text: String? {
        switch self {
        case .string(let text): text
        case .integer(let value): String(value)
        case .double(let value): JSON.text(value)
        case .bool(let value): value ? "true" : "false"
        case .null, .array, .object: nil
        }
    }

    var integer: Int? {
        switch self {
        case .integer(let value): Int(exactly: value)
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

    var items: [JSON] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    /// The words of a list, which older servers send as one text with commas between them.
    var words: [String] {
        switch self {
        case .array(let items): items.compactMap(\.text)
        case .string(let text): text.split(separator: ",").map { String($0.drop { $0 == " " }) }
        default: []
        }
    }

    /// Nothing at all: older servers send an empty list for an empty object.
    var isEmpty: Bool { self == .null || self == .array([]) || self == .object([]) }

    /// The same value with the members of each object in the order of their names: for comparing.
    var sorted: JSON {
        switch self {
        case .array(let items): .array(items.map(\.sorted))
        case .object(let members):
            .object(
                members.sorted { $0.name < $1.name }.map { Member(name: $0.name, value: $0.value.sorted) })
        default: self
        }
    }

    static func text(_ value: Double) -> String {
        if let whole = Int64(exactly: value), abs(whole) < 1 << 53 { return "\(whole).0" }
        return value.isFinite ? "\(value)" : "null"
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(floatLiteral value: Double) { self = .double(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
}
